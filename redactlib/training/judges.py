"""The judges of strokes and of brackets, fitted to what the ink model says of documents it has not seen.

Strokes are judged by trees, brackets by perceptrons. The maps of the documents that a network was trained on are too
good to learn from; so each network comes with the half of the documents that was kept from it
(:func:`redactlib.training.ink.fold_of`). Strokes are shown twice, among the stamps as labelled and among those that are
found: the judge must not lean on stamps that the pipeline misses. Brackets of drawn drafts come on top, for pens that
no labelled page has; their strokes made type look like writing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from sklearn.ensemble import ExtraTreesRegressor
from torch import nn
from torch.nn import functional

from redactlib.detect import bracket, pen
from redactlib.detect.judge import PARTS, REACH, Forest, Judge, bracket_judge, stroke_judge
from redactlib.detect.stamp import find_stamps
from redactlib.layers import Layers, Network, load_network, separate
from redactlib.marks import Box, Stamp
from redactlib.reading import NeuralReader, PageText, read_page
from redactlib.scan import Scan
from redactlib.synth import Edit, PageSpec, draw_page
from redactlib.training.ink import fold_of, page_reader
from redactlib.training.labels import document_of, labels_of, pages_in


@dataclass(frozen=True, eq=False)
class Examples:
    """Candidates of one document: features ``(c, n)``, what they are (0..1) and how much each counts ``(c,)``."""

    document: str
    features: np.ndarray
    truth: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True)
class JudgeSettings:
    """How the judge of brackets is fitted: their pictures are many features, and there are few of them."""

    members: int = 8
    hidden: int = 16
    steps: int = 400
    batch: int = 2048
    rate: float = 0.01
    decay: float = 1.0
    jitters: int = 4  # of each peak of bracket heat: the map's centres and sizes are rough


DRAFTS = 24
"""Drawn drafts among the examples: about half as many as labelled pages of one half."""

EDITS = (
    ("bracket",) * 4
    + ("long-bracket",) * 2
    + ("struck-bracket",)
    + ("strike",) * 3
    + ("substitution",) * 2
    + ("insertion",) * 2
    + ("underline",)
)
"""What hands did to each of them."""


def drawn_drafts(
    count: int, read: Callable[[np.ndarray], PageText], network: Network, *, seed: int = 3
) -> Iterator[tuple[str, Scan, Layers, PageText, Sequence[dict]]]:
    """Drawn drafts with edits by hand, as :func:`labelled_pages` gives labelled ones."""
    for i in range(count):
        edits = tuple(Edit(kind=kind) for kind in EDITS)
        page = draw_page(PageSpec(layout="draft", fill=0.8, edits=edits, severity=1 + i % 2), seed=1000 * seed + i)
        scan = Scan(image=page.image, dpi=page.dpi)
        yield f"drawn-{i}", scan, separate(scan, network=network), read(scan.grey), page.truth["marks"]


def labelled_pages(
    scans: Path, networks: Mapping[int, Network], read: Callable[[Path], tuple[Scan, PageText]]
) -> Iterator[tuple[str, Scan, Layers, PageText, Sequence[dict]]]:
    """Labelled pages of the documents kept from a network: name of the document, page, maps, lines and labels."""
    for path in pages_in(scans):
        document, labels = document_of(path), labels_of(path)
        if labels and fold_of(document) in networks:
            scan, text = read(path)
            yield document, scan, separate(scan, network=networks[fold_of(document)]), text, labels.marks


def stroke_examples(
    document: str,
    scan: Scan,
    layers: Layers,
    text: PageText,
    marks: Sequence[dict],
    *,
    stamps: Sequence[Stamp] | None = None,
) -> Examples:
    """Strokes that the network proposes; the truth is the share of ink in their boxes that lies in labelled ones.

    `stamps` are those found on the page; by default those labelled.
    """
    if stamps is None:
        labelled = (m for m in marks if m["kind"] == "stamp")
        stamps = [Stamp(box=_box(m), confidence=1.0, text="", family=m.get("family") or "") for m in labelled]
    proposed = pen.propose(scan, layers)
    written, ignored = np.zeros_like(proposed.ink), np.zeros_like(proposed.ink)
    for mark in marks:
        if mark["kind"] in ("handwriting", "ignore"):
            x0, y0, x1, y1 = (int(v * proposed.scale) for v in mark["box"])
            (written if mark["kind"] == "handwriting" else ignored)[y0:y1, x0:x1] = True
    boxes = pen.strokes(proposed.mask)
    features = pen.evidence(proposed, boxes, layers, text, stamps)
    inked = [(proposed.ink & ~ignored)[y0:y1, x0:x1] for x0, y0, x1, y1 in boxes]
    ink = np.array([i.sum() for i in inked], float)
    own = np.array([(i & written[y0:y1, x0:x1]).sum() for i, (x0, y0, x1, y1) in zip(inked, boxes, strict=True)], float)
    return Examples(document, features, own / np.maximum(ink, 1), np.sqrt(ink))


def bracket_examples(
    document: str,
    scan: Scan,
    layers: Layers,
    text: PageText,
    marks: Sequence[dict],
    *,
    rng: np.random.Generator,
    settings: JudgeSettings = JudgeSettings(),
) -> Examples:
    """Peaks of heat, each also shifted and stretched a little; true where a labelled bracket's centre is."""
    labelled = [(m["side"], _box(m)) for m in marks if m["kind"] == "bracket"]
    peaks, truth = bracket.find_peaks(layers), []
    for peak in peaks:
        truth.append(
            any(
                side == peak.side
                and max(abs((x0 + x1) / 2 - peak.x), abs((y0 + y1) / 2 - peak.y)) <= 0.6 * max(peak.height, y1 - y0)
                for side, (x0, y0, x1, y1) in labelled
            )
        )
    rows = [bracket.evidence(peaks, scan, layers, text)]
    for _ in range(settings.jitters):
        moved = []
        for peak in peaks:
            (dx, dy), zoom = rng.normal(0, 0.06, 2) * peak.height, float(np.exp(rng.normal(0, 0.08)))
            moved.append(
                replace(peak, x=peak.x + dx, y=peak.y + dy, width=peak.width * zoom, height=peak.height * zoom)
            )
        rows.append(bracket.evidence(moved, scan, layers, text))
    repeated = np.tile(np.array(truth, float), len(rows))
    return Examples(document, np.concatenate(rows), repeated, np.ones(len(repeated)))


def _box(mark: dict) -> Box:
    x0, y0, x1, y1 = mark["box"]
    return (int(x0), int(y0), int(x1), int(y1))


def fit(examples: Sequence[Examples], settings: JudgeSettings = JudgeSettings()) -> Judge:
    """Fit the members of a judge, each from another start, to weighted examples."""
    features = np.concatenate([e.features for e in examples])
    mean, spread = features.mean(0), features.std(0) + 0.02
    scaled = torch.from_numpy(np.clip((features - mean) / spread, -REACH, REACH)).float()
    truth = torch.from_numpy(np.concatenate([e.truth for e in examples])).float()
    weight = torch.from_numpy(np.concatenate([e.weight for e in examples])).float()
    weight = weight / weight.mean()
    hidden, output = [], []
    for member in range(settings.members):
        torch.manual_seed(member)
        first, last = nn.Linear(scaled.shape[1], settings.hidden), nn.Linear(settings.hidden, 1)
        optimiser = torch.optim.AdamW(
            [*first.parameters(), *last.parameters()], lr=settings.rate, weight_decay=settings.decay
        )
        for _ in range(settings.steps):
            some = torch.randint(len(scaled), (settings.batch,))
            score = last(torch.tanh(first(scaled[some])))[:, 0]
            loss = functional.binary_cross_entropy_with_logits(score, truth[some], weight[some])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        hidden.append(torch.cat([first.weight.T, first.bias[None]]).detach().numpy())
        output.append(torch.cat([last.weight[0], last.bias]).detach().numpy())
    means, spreads = (np.tile(v, (settings.members, 1)) for v in (mean, spread))
    return Judge(means, spreads, np.stack(hidden), np.stack(output))


@dataclass(frozen=True)
class ForestSettings:
    """How trees are grown; with fewer leaves they know less, with more the file grows."""

    trees: int = 100
    leaf_min: int = 12  # strokes
    features: int = 14  # of which each node takes the best
    seed: int = 0


def grow(examples: Sequence[Examples], settings: ForestSettings = ForestSettings()) -> Forest:
    """Grow extremely randomised trees (Geurts et al. 2006) on weighted examples."""
    trees = ExtraTreesRegressor(
        settings.trees,
        min_samples_leaf=settings.leaf_min,
        max_features=settings.features,
        random_state=settings.seed,
    )
    features, truth, weight = (
        np.concatenate([getattr(e, part) for e in examples]) for part in ("features", "truth", "weight")
    )
    grown = [tree.tree_ for tree in trees.fit(features, truth, sample_weight=weight).estimators_]
    roots = np.cumsum([0, *(tree.node_count for tree in grown[:-1])])
    inner = np.concatenate([tree.children_left >= 0 for tree in grown])
    low, high = (
        np.concatenate([getattr(tree, f"children_{side}") + root for tree, root in zip(grown, roots, strict=True)])
        for side in ("left", "right")
    )
    return Forest(
        feature=np.where(inner, np.concatenate([tree.feature for tree in grown]), -1).astype(np.int16),
        limit=np.where(inner, np.concatenate([tree.threshold for tree in grown]), 0).astype(np.float32),
        low=np.where(inner, low, 0).astype(np.int32),
        high=np.where(inner, high, 0).astype(np.int32),
        answer=np.concatenate([tree.value[:, 0, 0] for tree in grown]).astype(np.float32),
        roots=roots.astype(np.int32),
    )


def joined(*judges: Judge) -> Judge:
    """One judge of the members of several, that were fitted to different documents."""
    return Judge(*(np.concatenate([getattr(judge, part) for judge in judges]) for part in PARTS[Judge]))


def save(judges: Mapping[str, Judge | Forest], path: Path) -> None:
    """Write judges as plain arrays, half as wide as they were fitted."""
    arrays = {f"{name}_{part}": getattr(judge, part) for name, judge in judges.items() for part in PARTS[type(judge)]}
    halved = {name: part.astype(np.float32) if part.dtype == np.float64 else part for name, part in arrays.items()}
    np.savez_compressed(path, **halved)


def rebuild(scans: Path, networks: Mapping[int, Path], out: Path, *, beside: bool = False) -> None:
    """Fit both judges on the documents kept from each network, and write them.

    Args:
        scans: holds ``labelled``.
        networks: for each half of the documents, the ink model that has not seen it.
        out: the ``.npz`` file.
        beside: whether the new members of the brackets' judge stand beside those that ship, and the shipped trees stay.
    """
    loaded = {fold: load_network(path.read_bytes()) for fold, path in networks.items()}
    rng, reader = np.random.default_rng(0), NeuralReader()
    written, brackets = [], []
    for page in labelled_pages(scans, loaded, page_reader()):
        found = find_stamps(*page[1:4], reader)
        written += [stroke_examples(*page), stroke_examples(*page, stamps=found)]
        brackets.append(bracket_examples(*page, rng=rng))
    for network in loaded.values():
        for page in drawn_drafts(DRAFTS, lambda grey: read_page(grey, reader), network):
            brackets.append(bracket_examples(*page, rng=rng))
    fitted = fit(brackets)
    save(
        {
            "forest": stroke_judge() if beside else grow(written),
            "bracket": joined(bracket_judge(), fitted) if beside else fitted,
        },
        out,
    )
