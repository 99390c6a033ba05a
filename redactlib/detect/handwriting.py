"""Handwriting: where a pen was on the page, grouped as a reader would group it, and what each group is for.

The pen's ink comes from the ink model (:mod:`redactlib.layers`); where that is missing, from what is left of the ink
once type that reads well, rules, fills and specks are taken away. Strokes that lie close together make a group. What
a group is for follows from where it lies: in a stamp, through type, between lines, beside the column, or free.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from redactlib.layers import Layers, LayerSettings, darkness
from redactlib.marks import Box, Handwriting, Stamp, area, intersection
from redactlib.reading import PageText, TextLine
from redactlib.scan import MM_PER_INCH, Scan


@dataclass(frozen=True)
class HandwritingSettings:
    """What counts as pen and how strokes are grouped.

    Lengths on paper: handwriting keeps its size whatever the type is.
    """

    pen_min: float = 0.5  # probability from which ink counts as pen
    group_mean_min: float = 0.6  # mean probability of a group's pen ink
    gap_across_mm: float = 1.8  # strokes of one word or figure lie closer than this, side by side
    gap_down_mm: float = 1.0  # and one above the other
    ink_min_mm2: float = 0.8  # less is a speck: a pen stroke is 0.4 mm wide and 3 mm long
    length_min_mm: float = 2.0  # the shortest mark that means something
    typed_confidence: float = 0.8  # lines that read better than this are type ...
    hand_confidence: float = 0.55  # ... and worse than this, with some size, perhaps writing
    rule_aspect: float = 12.0  # straight strokes longer than this share are rules
    rule_length_mm: float = 14.0
    edge_mm: float = 4.0  # shadows and torn edges of the page lie within this


@dataclass(frozen=True)
class _Pen:
    """Ink of the pen at working resolution: where it is, how sure that is, and work pixels a page pixel."""

    mask: np.ndarray
    chance: np.ndarray
    scale: float


def find_handwriting(
    scan: Scan,
    layers: Layers | None,
    text: PageText,
    stamps: Sequence[Stamp] = (),
    *,
    settings: HandwritingSettings = HandwritingSettings(),
) -> tuple[Handwriting, ...]:
    """Find what was written or drawn by hand.

    Args:
        scan: the page, upright.
        layers: its ink told apart, or ``None``: then by rules on its connected components.
        text: its lines as read.
        stamps: its stamps, whose fields are filled in by hand.
        settings: sizes and thresholds.

    Returns:
        one mark a group of strokes, with its role, in reading order.
    """
    pen = _pen_of_layers(scan, layers, settings) if layers is not None else _pen_by_rules(scan, text, stamps, settings)
    typed = [line for line in text.lines if _is_typed(line, settings)]
    page = _Page(typed, tuple(stamps), scan.mm(1.0), _pitch(typed, scan))
    marks = [
        Handwriting(box=box, confidence=round(chance, 3), role=_role(box, strokes, page))
        for box, chance, strokes in _groups(pen, scan, settings)
    ]
    return tuple(sorted(marks, key=lambda mark: (mark.box[1], mark.box[0])))


def _is_typed(line: TextLine, settings: HandwritingSettings) -> bool:
    return line.confidence >= settings.typed_confidence and len(line.text) >= 3 and abs(line.rotation_deg) < 8


def _pitch(typed: Sequence[TextLine], scan: Scan) -> float:
    """Height of a line of type in page pixels; a sixth of an inch, as typewriters space, where none is read."""
    return float(np.median([line.height for line in typed])) if len(typed) >= 3 else scan.dpi / 6


def _pen_of_layers(scan: Scan, layers: Layers, settings: HandwritingSettings) -> _Pen:
    dark, scale = darkness(scan)
    chance = cv2.resize(layers.handwriting, dark.shape[::-1], interpolation=cv2.INTER_LINEAR).astype(np.float32) / 255
    return _Pen((dark > 110) & (chance >= settings.pen_min), chance, scale)


def _pen_by_rules(
    scan: Scan,
    text: PageText,
    stamps: Sequence[Stamp],
    settings: HandwritingSettings,
    dpi: float = LayerSettings.resolution_dpi,
) -> _Pen:
    """Pen by elimination: components of ink that are no type, no rule, no fill, no speck and no stamp's lettering."""
    dark, scale = darkness(scan)
    mm = dpi / MM_PER_INCH
    ink = (dark > 110).astype(np.uint8)
    count, labels, stats, centres = cv2.connectedComponentsWithStats(ink, connectivity=8)
    x, y, w, h, size = (stats[:, i].astype(np.float64) for i in range(5))
    long, short = np.maximum(w, h), np.minimum(w, h)
    typed, doubtful, hand = np.zeros(count, bool), np.zeros(count, bool), np.zeros(count, bool)
    for line in text.lines:
        x0, y0, x1, y1 = (v * scale for v in line.box)
        inside = (centres[:, 0] > x0) & (centres[:, 0] < x1) & (centres[:, 1] > y0) & (centres[:, 1] < y1)
        inside &= (h < 1.5 * (y1 - y0)) | (w > 3 * h)
        if line.confidence >= settings.hand_confidence:
            typed |= inside
        elif len(line.text) < 24:
            hand |= inside & (long > 1.2 * mm)
    for stamp in stamps:
        x0, y0, x1, y1 = (v * scale for v in stamp.box)
        doubtful |= (
            (centres[:, 0] > x0) & (centres[:, 0] < x1) & (centres[:, 1] > y0) & (centres[:, 1] < y1) & (h < 7 * mm)
        )
    height, width = ink.shape
    edge = settings.edge_mm * mm
    at_edge = (x < edge) | (y < edge) | (x + w > width - edge) | (y + h > height - edge)
    rule = (long > settings.rule_length_mm * mm) & (long > settings.rule_aspect * short)
    frame = (w > 0.45 * width) | (h > 0.35 * height)
    solid = size > 0.6 * w * h
    big = (long > 3 * mm) & (short > 1.0 * mm)
    pen = (hand | (big & ~typed)) & ~at_edge & ~rule & ~frame & ~(solid & (short > 1.5 * mm)) & ~doubtful
    pen[0] = False
    return _Pen(pen[labels], np.full(ink.shape, 0.65, np.float32), scale)


def _groups(pen: _Pen, scan: Scan, settings: HandwritingSettings) -> list[tuple[Box, float, np.ndarray]]:
    """Join strokes that lie close together: box in page pixels, mean chance, and the strokes inside the box."""
    mm = LayerSettings.resolution_dpi / MM_PER_INCH
    kernel = np.ones(
        (2 * round(settings.gap_down_mm * mm / 2) + 1, 2 * round(settings.gap_across_mm * mm / 2) + 1), np.uint8
    )
    count, labels = cv2.connectedComponents(cv2.dilate(pen.mask.astype(np.uint8), kernel))
    labels = np.where(pen.mask, labels, 0)
    ys, xs = np.nonzero(labels)
    which = labels[ys, xs]
    order = np.argsort(which, kind="stable")
    ys, xs, which = ys[order], xs[order], which[order]
    starts = np.searchsorted(which, np.arange(1, count + 1))
    found = []
    for a, b in itertools.pairwise(starts):
        if b - a < settings.ink_min_mm2 * mm * mm:
            continue
        y, x = ys[a:b], xs[a:b]
        x0, y0, x1, y1 = x.min(), y.min(), x.max() + 1, y.max() + 1
        chance = float(pen.chance[y, x].mean())
        if max(x1 - x0, y1 - y0) < settings.length_min_mm * mm or chance < settings.group_mean_min:
            continue
        strokes = np.zeros((y1 - y0, x1 - x0), bool)
        strokes[y - y0, x - x0] = True
        box = (int(x0 / pen.scale), int(y0 / pen.scale), int(np.ceil(x1 / pen.scale)), int(np.ceil(y1 / pen.scale)))
        found.append(((box[0], box[1], min(scan.width, box[2]), min(scan.height, box[3])), chance, strokes))
    return found


@dataclass(frozen=True)
class _Page:
    """What roles are judged by: lines of type, stamps, one millimetre and the height of a line in pixels."""

    typed: Sequence[TextLine]
    stamps: Sequence[Stamp]
    mm: float
    pitch: float

    def column(self) -> tuple[float, float]:
        long = [line.box for line in self.typed if line.box[2] - line.box[0] > 12 * self.pitch]
        if len(long) < 3:
            return (0.0, float("inf"))
        return float(np.percentile([b[0] for b in long], 20)), float(np.percentile([b[2] for b in long], 80))


def _role(box: Box, strokes: np.ndarray, page: _Page) -> str:
    width, height = box[2] - box[0], box[3] - box[1]
    crossed = max((_crossing(box, line) for line in page.typed), default=0.0)
    if any(intersection(box, stamp.box) > 0.6 * area(box) for stamp in page.stamps):
        return "stampfill"
    if crossed > 0.5 and (width > 2 * height or strokes.mean() > 0.3):
        return "strike"
    simple = strokes.mean() < 0.5 and _branches(strokes) <= 1
    if simple and (width > 6 * height or height > 4 * width or max(width, height) < 8 * page.mm):
        return "mark"
    if _between_lines(box, page):
        return "insertion"
    left, right = page.column()
    if box[2] < left + page.pitch or box[0] > right - page.pitch:
        return "marginal"
    return "signature" if width > 1.3 * height and height > 7 * page.mm else "note"


def _crossing(box: Box, line: TextLine) -> float:
    """Share of the mark that lies in the middle half of a line of type."""
    x0, y0, x1, y1 = line.box
    quarter = (y1 - y0) // 4
    return intersection(box, (x0, y0 + quarter, x1, y1 - quarter)) / max(1, area(box))


def _branches(strokes: np.ndarray) -> int:
    """Closed loops of a drawing: none in a tick, a dash or an arrow, some in most words."""
    padded = np.pad(strokes, 1).astype(np.uint8)
    holes, _ = cv2.connectedComponents(1 - padded, connectivity=4)
    return holes - 2


def _between_lines(box: Box, page: _Page) -> bool:
    """Whether a mark no taller than two lines stands over type, in the column."""
    x0, y0, x1, y1 = box
    if y1 - y0 > 2.2 * page.pitch:
        return False
    below = [line.box for line in page.typed if min(x1, line.box[2]) - max(x0, line.box[0]) > 0.5 * (x1 - x0)]
    under = any(-0.6 * page.pitch < b[1] - y1 < 0.6 * page.pitch for b in below)
    above = any(-0.6 * page.pitch < y0 - b[3] < 1.2 * page.pitch for b in below)
    return under and above
