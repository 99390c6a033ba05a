"""Real lines for the date recogniser: stamp fills of labelled pages, and typed lines that tell it what is no pen.

The labels give each stamp's text and box, not where each line stands. A crop gets the part of the text that the
recogniser, trained on drawn lines, finds by far the most probable in it (forced alignment by the CTC loss). Lines of
other pages, and further ones of these, were found and read by eye: ``date_fills.csv`` says where and what.
"""

from __future__ import annotations

import csv
import importlib.resources
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

from redactlib.datelines import CHARACTERS, LINE_HEIGHT_PX, STEP_PX, as_guess, date_crops, line_image
from redactlib.reading import PageText, Reader, Reading, crop_line
from redactlib.scan import Scan
from redactlib.training.labels import document_of, labels_of, pages_in

LINE_WIDTH_MAX_PX = 420
_COST_MAX = 1.2  # of a character, natural logarithm: beyond it the crop says something else
_LEAD_MIN = 1.5  # by how much the best text's cost must undercut that of any that differs


def stamp_lines(
    scans: Path, net: nn.Module, reader: Reader, read: Callable[[Path], tuple[Scan, PageText]]
) -> Iterator[tuple[str, np.ndarray, str]]:
    """Document, line and text of each crop of a labelled stamp's handwritten fill that can be aligned."""
    for path in pages_in(scans):
        labels = labels_of(path)
        stamps = [m for m in labels.marks if m["kind"] == "stamp" and m.get("datehand")] if labels else []
        if not stamps:
            continue
        scan, _ = read(path)
        for stamp in stamps:
            texts = _parts(stamp["text"])
            crops = date_crops(scan, tuple(stamp["box"]), reader, rotation_deg=float(stamp.get("rot") or 0))
            lines = [line for crop, _ in crops if (line := fitting(crop)) is not None]
            for line, guess in zip(lines, reader.read(lines, careful=True), strict=True):
                text = align(net, line, guess, texts)
                if text:
                    yield document_of(path), line, text


def noted_lines(scans: Path) -> Iterator[tuple[str, np.ndarray, str]]:
    """Document, line and text of the handwritten lines of ``scans`` that ``date_fills.csv`` lists."""
    table = importlib.resources.files("redactlib.training") / "date_fills.csv"
    for row in csv.DictReader(table.read_text(encoding="utf-8").splitlines()):
        grey = cv2.imread(str(scans / row["page"]), cv2.IMREAD_GRAYSCALE)
        corners = np.array(row["corners"].split(), np.float32).reshape(4, 2)
        line = fitting(crop_line(grey, corners, pad=0.12)) if grey is not None else None
        if line is not None:
            yield document_of(row["page"]), line, row["text"]


def typed_lines(
    scans: Path, read: Callable[[Path], tuple[Scan, PageText]], *, per_page: int = 18, seed: int = 0
) -> Iterator[tuple[np.ndarray, str]]:
    """Lines of ``scans/unlabelled`` that the general recogniser is sure of."""
    rng = np.random.default_rng(seed)
    for path in sorted(p for p in (scans / "unlabelled").glob("*") if p.suffix in (".png", ".jpg")):
        scan, text = read(path)
        sure = [
            line
            for line in text.lines
            if line.confidence > 0.96
            and 3 <= len(line.text) <= 24
            and abs(line.rotation_deg) < 20
            and all(c in CHARACTERS for c in line.text.upper())
        ]
        for i in rng.permutation(len(sure))[:per_page]:
            image = fitting(crop_line(scan.grey, sure[i].corners, pad=0.1))
            if image is not None:
                yield image, sure[i].text.upper()


def align(net: nn.Module, line: np.ndarray, guess: Reading, texts: Sequence[str]) -> str | None:
    """The text that a line says by the network's own probabilities, or ``None`` where no text fits, or several do."""
    costs = costs_of(net, line, guess, texts)
    order = np.argsort(costs)
    best = texts[order[0]]
    rivals = [costs[i] for i in order[1:] if texts[i] not in best and best not in texts[i]]
    sure = costs[order[0]] < _COST_MAX * len(best) and (not rivals or rivals[0] - costs[order[0]] > _LEAD_MIN)
    return best if sure else None


def costs_of(net: nn.Module, line: np.ndarray, guess: Reading, texts: Sequence[str]) -> list[float]:
    """How improbable each text is to the network in a line of which another recogniser makes `guess`, in nats."""
    darkness = torch.from_numpy(1 - line[None, None].astype(np.float32) / 255)
    said = torch.from_numpy(as_guess(guess.lattice, -(-line.shape[1] // STEP_PX))[None])
    with torch.no_grad():
        logs = net(darkness, said).log_softmax(2).transpose(0, 1)
    lengths, codes = torch.tensor([len(logs)]), [[CHARACTERS.index(c) + 1 for c in text] for text in texts]
    return [
        nn.functional.ctc_loss(logs, torch.tensor([code]), lengths, torch.tensor([len(code)]), reduction="sum").item()
        for code in codes
    ]


def plain(text: str) -> str:
    """A text in the characters that the recogniser can say."""
    return "".join(c for c in text.upper().replace("|", "/") if c in CHARACTERS)


def _parts(text: str) -> list[str]:
    """What one line of a stamp may hold: each line of its text, whole, without its first words, or only a date."""
    parts = set()
    for line in re.split(r"\n|\s/\s", text):
        words = plain(line).split()
        parts |= {" ".join(words[i:j]) for i in range(len(words)) for j in range(i + 1, len(words) + 1)}
    return sorted(part for part in parts if len(part) >= 4)


def fitting(crop: np.ndarray) -> np.ndarray | None:
    """A crop as the recogniser takes it; ``None`` where it is too short or too long to learn from."""
    line = line_image(crop)
    return line if LINE_HEIGHT_PX // 2 <= line.shape[1] <= LINE_WIDTH_MAX_PX else None
