"""Lines for the date recogniser out of drawn stamps, found and cut as those of real pages are.

Lines that are drawn one by one (:mod:`redactlib.training.date_lines`) are cut out perfectly. Here a whole page is drawn
and worn, the detector looks for lines in and around its stamp, and what it finds on the pen's figures is cut out in
views as ever. The drawing knows what the line says; only how much of it the crop holds is asked of the network.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from torch import nn

from redactlib.datelines import DateLineSettings, lines_around, view_of
from redactlib.marks import Box
from redactlib.reading import Reader, stretch
from redactlib.scan import Scan
from redactlib.synth import PageSpec, Stamping, draw_page
from redactlib.synth.forms import FORMS
from redactlib.training.date_truth import costs_of, fitting, plain


@dataclass(frozen=True)
class DrawnStampSettings:
    """Which crops of drawn stamps are taken."""

    severities: tuple[int, ...] = (1, 2, 2, 2, 3)  # of the wear
    figures_min: int = 2  # of what a pen wrote
    along_min: float = 0.85  # of its width, and
    across_min: float = 0.6  # of its height, that a crop holds
    longer: float = 1.3  # lines so much longer than it are also cut to it,
    before_max: float = 0.4  # with so much at either side, by its height
    crops_max: int = 8  # of one pen's writing
    cost_max: float = 2.2  # of a character, natural logarithm: beyond it the crop is spoilt
    along_margin: tuple[float, float] = (0.05, 0.8)  # of views, as `DateLineSettings.views`
    across_margin: tuple[float, float] = (-0.05, 0.3)
    slant: tuple[float, float] = (-0.1, 0.3)


def stamp_crops(
    net: nn.Module,
    reader: Reader,
    *,
    stamps: int,
    seed: int = 0,
    fonts: Path | None = None,
    settings: DrawnStampSettings = DrawnStampSettings(),
) -> Iterator[tuple[np.ndarray, str, np.ndarray | None]]:
    """Line, text and what the general recogniser makes of it, of drawn stamps that a pen dated.

    Args:
        net: the date recogniser so far.
        reader: finds lines and reads them.
        stamps: how many to draw; of each come about four lines.
        seed: of the drawing.
        fonts: type faces of the pages.
    """
    rng = np.random.default_rng(seed)
    wordings = [
        Stamping(family=form.family, wording=i)
        for _, forms in itertools.groupby(FORMS, lambda form: form.family)
        for i, form in enumerate(forms)
        if "{date_}" in " ".join(form.lines)
    ]
    for number in range(stamps):
        spec = PageSpec(
            layout="letter",
            stamps=(wordings[int(rng.integers(len(wordings)))],),
            severity=int(rng.choice(settings.severities)),
        )
        page = draw_page(spec, seed=seed * 1_000_003 + number, fonts=fonts)
        scan = Scan(page.image, float(page.dpi))
        stamp = next(mark for mark in page.truth["marks"] if mark["kind"] == "stamp")
        for mark in page.truth["marks"]:
            said = plain(mark.get("text") or "") if mark.get("role") == "stampfill" else ""
            if sum(map(str.isdigit, said)) < settings.figures_min:
                continue
            texts = _texts(said, [plain(row) for row in stamp["text"].split(" / ")])
            lines = _crops(scan, stamp, mark["box"], reader, rng, settings) if texts else []
            for line, guess in zip(lines, reader.read(lines, careful=True), strict=True):
                costs = costs_of(net, line, guess, texts)
                best = int(np.argmin(costs))
                if costs[best] < settings.cost_max * len(texts[best]):
                    yield line, texts[best], guess.lattice


def _texts(said: str, rows: Sequence[str]) -> list[str]:
    """What a crop of a row that holds `said` may say: that with some of the words before and behind it."""
    row = next((row for row in rows if said in row), "")
    start, stop = row.find(said), row.find(said) + len(said)
    heads = [i for i in range(start + 1) if i in (0, start) or row[i - 1] == " "]
    tails = [i for i in range(stop, len(row) + 1) if i in (stop, len(row)) or row[i] == " "]
    return sorted({row[i:j].strip() for i in heads for j in tails}) if row else []


def _crops(
    scan: Scan, stamp: dict, written: Box, reader: Reader, rng: np.random.Generator, settings: DrawnStampSettings
) -> list[np.ndarray]:
    """Views of the lines that the detector finds on what a pen wrote, and of these cut to it."""
    box, rotation = tuple(stamp["box"]), float(stamp.get("rot") or 0)
    window, to_page, lines = lines_around(scan, box, reader, rotation, ((), ()), (), DateLineSettings())
    x0, y0, x1, y1 = written
    corners = np.array([[[x0, y0], [x1, y0], [x1, y1], [x0, y1]]], np.float32)
    place = cv2.transform(corners, cv2.invertAffineTransform(to_page))[0]
    low, high = place.min(0), place.max(0)
    found = []
    for line in lines:
        start, stop = line.corners.min(0), line.corners.max(0)
        shared = (np.minimum(high, stop) - np.maximum(low, start)) / (high - low)
        if shared[0] < settings.along_min or shared[1] < settings.across_min:
            continue
        found.append(line)
        length = float(stop[0] - start[0])
        if length > settings.longer * (high[0] - low[0]):
            before, behind = rng.uniform(0, settings.before_max, 2) * (high[1] - low[1])
            ends = float(low[0] - before - start[0]) / length, float(high[0] + behind - start[0]) / length
            found.append(replace(line, corners=stretch(line.corners, max(0.0, ends[0]), min(1.0, ends[1]))))
    spans = settings.along_margin, settings.across_margin, settings.slant
    views = [
        view_of(window, line, (rng.uniform(*spans[0]), rng.uniform(*spans[1]), rng.uniform(*spans[2])))
        for line in found
        for _ in range(2)
    ]
    fits = (fitting(view) for view in views)
    return [crop for crop in fits if crop is not None][: settings.crops_max]
