"""Scans with box labels made into per-pixel truth, and crops of them with more marks drawn over.

A box around handwriting also holds the print that the pen crosses. The page's own reading tells them apart: ink on a
line that reads well as type, and that is not itself written by hand, is left out of the loss instead of being called
pen. Pages without labels serve as backgrounds: their confident lines are print, everything else is unknown.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from redactlib.layers import INK, LayerSettings, darkness
from redactlib.layers import INK_DARKNESS as DARK
from redactlib.marks import Box, intersection
from redactlib.reading import PageText
from redactlib.scan import Scan
from redactlib.synth import DrawnPage
from redactlib.training.labels import document_of, labels_of, pages_in

PRINT, PEN, STAMP, RULING, FILL = (1 << i for i in range(len(INK)))
ALL = PRINT | PEN | STAMP | RULING | FILL
FILLED = ("solid", "shaded", "hatched", "marker")

Sides = tuple[tuple[float, float, float, float, int], ...]


@dataclass(frozen=True, eq=False)
class TrainingPage:
    """One page at the network's resolution, with what is known of its ink.

    Attributes:
        name: the document's name; folds are split by it.
        dark: uint8 ``(h, w)``, 0 paper .. 255 ink.
        truth: uint8 ``(h, w)``, one bit for each of ``INK``.
        unknown: uint8 ``(h, w)``, bits of the layers whose truth is not known there.
        brackets: ``(x0, y0, x1, y1, side)``, side 0 for opening.
        lines: boxes of lines that surely are type.
        places: boxes of marks that crops are centred on.
        labelled: whether somebody labelled the page.
    """

    name: str
    dark: np.ndarray
    truth: np.ndarray
    unknown: np.ndarray
    brackets: Sides
    lines: tuple[Box, ...]
    places: tuple[Box, ...]
    labelled: bool


@dataclass(frozen=True, eq=False)
class Snippet:
    """One real mark cut out of its page: its darkness and its layers, as in :class:`TrainingPage`."""

    dark: np.ndarray
    truth: np.ndarray


@dataclass(frozen=True, eq=False)
class Crop:
    """One training example; arrays as in :class:`TrainingPage`. Brackets are judged where `judged` is set."""

    dark: np.ndarray
    truth: np.ndarray
    unknown: np.ndarray
    judged: np.ndarray
    brackets: list[list[float]] = field(default_factory=list)


def drawn_page(page: DrawnPage, settings: LayerSettings = LayerSettings()) -> TrainingPage:
    """A drawn page, which knows its ink, as a training page."""
    scan = Scan(page.image, page.dpi)
    dark, scale = darkness(scan, settings)
    ink = dark > DARK
    truth, unknown = np.zeros_like(dark), np.zeros_like(dark)
    for bit, name in enumerate(INK):
        plane = cv2.resize(page.layers[name], dark.shape[::-1], interpolation=cv2.INTER_AREA)
        truth[plane > 60] |= 1 << bit
    marks = page.truth["marks"]
    brackets = tuple((*_exact(m["box"], scale), int(m["side"] == "close")) for m in marks if m["kind"] == "bracket")
    for mark in marks:
        box = _scaled(mark["box"], scale)
        if mark["kind"] == "bracket" and mark["form"] == "drawn":
            _cut(unknown, box)[...] |= PEN
    places = tuple(
        _scaled(m["box"], scale) for m in marks if m["kind"] in ("handwriting", "bracket", "stamp", "redaction")
    )
    truth[~ink] = 0
    return TrainingPage(f"drawn {page.truth['source']['seed']}", dark, truth, unknown, brackets, (), places, True)


def load_pages(
    scans: Path, read: Callable[[Path], tuple[Scan, PageText]], settings: LayerSettings = LayerSettings()
) -> list[TrainingPage]:
    """Prepare all pages of ``scans/labelled`` and ``scans/unlabelled``."""
    return [prepare(path, *read(path), settings) for path in pages_in(scans)]


def prepare(path: Path, scan: Scan, text: PageText, settings: LayerSettings) -> TrainingPage:
    """One page with its labels, if there are any, as truth for each inked pixel."""
    dark, scale = darkness(scan, settings)
    labels = labels_of(path)
    marks = labels.marks if labels else ()
    boxes = {
        kind: [_scaled(m["box"], scale) for m in marks if m["kind"] == kind]
        for kind in ("stamp", "handwriting", "bracket", "ignore")
    }
    lines = _typed_lines(text, scale, boxes["handwriting"])
    ink = dark > DARK
    truth, unknown = np.zeros_like(dark), np.zeros_like(dark)
    truth[_rules(ink)] |= RULING
    if not labels:
        unknown[:] = ALL
        for box in lines:
            _cut(truth, box)[...] |= PRINT
            _cut(unknown, box)[...] &= FILL | RULING
    else:
        unknown[:] = PRINT if labels.whole else PRINT | FILL
        for box in lines:
            _cut(truth, box)[...] |= PRINT
            _cut(unknown, box)[...] &= ~np.uint8(PRINT)
        for box in boxes["stamp"]:
            _cut(truth, box)[...] |= STAMP
            _cut(truth, box)[...] &= ~np.uint8(PRINT)
        for mark in (m for m in marks if m["kind"] == "redaction" and m.get("style") in FILLED):
            box = _scaled(mark.get("inner") or mark["box"], scale)
            _cut(truth, box)[...] = FILL
            _cut(unknown, box)[...] |= PRINT | RULING
        type_there = np.zeros_like(ink)
        for box in lines:
            _cut(type_there, box)[...] = True
        for mark in (m for m in marks if m["kind"] == "handwriting"):
            box = _scaled(mark["box"], scale)
            pen, open_ = _cut(truth, box), _cut(unknown, box)
            typed = _cut(type_there, box)
            pen[~typed] |= PEN
            pen[~typed] &= ~np.uint8(PRINT)
            open_[...] |= STAMP | RULING
            open_[typed] |= PEN | PRINT
            if _is_flat(box):  # an underline or a strike: what of its ink runs on is no letter's
                run = _level_runs(_cut(ink, box), 4)  # longer than a letter's bar
                pen[run] |= PEN
                open_[run] &= ~np.uint8(PEN)
        for box in boxes["bracket"]:
            _cut(unknown, box)[...] |= PRINT | RULING
        for box in boxes["ignore"]:
            _cut(unknown, box)[...] = ALL
    brackets = tuple((*_exact(m["box"], scale), int(m["side"] == "close")) for m in marks if m["kind"] == "bracket")
    places = tuple(boxes["handwriting"] + boxes["bracket"] + boxes["stamp"])
    truth[~ink] = 0
    return TrainingPage(document_of(path), dark, truth, unknown, brackets, tuple(lines), places, bool(labels))


def _exact(box: Sequence[float], scale: float) -> tuple[float, float, float, float]:
    return (box[0] * scale, box[1] * scale, box[2] * scale, box[3] * scale)


def _scaled(box: Sequence[float], scale: float) -> Box:
    x0, y0, x1, y1 = _exact(box, scale)
    return (int(x0), int(y0), int(np.ceil(x1)), int(np.ceil(y1)))


def _cut(plane: np.ndarray, box: Box) -> np.ndarray:
    return plane[max(0, box[1]) : max(0, box[3]), max(0, box[0]) : max(0, box[2])]


def _typed_lines(text: PageText, scale: float, pen: Sequence[Box]) -> list[Box]:
    """Boxes of lines that are type: read well, level, and mostly outside what somebody labelled as handwriting."""
    found = []
    for line in text.lines:
        box = _scaled(line.box, scale)
        covered = sum(intersection(box, other) for other in pen) / max(1, (box[2] - box[0]) * (box[3] - box[1]))
        if line.confidence > 0.85 and len(line.text) >= 4 and abs(line.rotation_deg) < 6 and covered < 0.4:
            found.append(box)
    return found


def _is_flat(box: Box) -> bool:
    """Whether a box is that of a stroke along a line of type."""
    wide, high = (side / LayerSettings().resolution_dpi * 25.4 for side in (box[2] - box[0], box[3] - box[1]))
    return high < 5 and wide > 10 and wide > 5 * high


def _level_runs(ink: np.ndarray, mm: float) -> np.ndarray:
    """Level runs of ink of a length at the network's resolution, small gaps closed."""
    closed = cv2.morphologyEx(ink.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    run = round(mm / 25.4 * LayerSettings().resolution_dpi)
    return (cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((1, run), np.uint8)) > 0) & ink


def _rules(ink: np.ndarray) -> np.ndarray:
    """Straight level and upright runs of ink longer than any letter: 12 mm."""
    thick = cv2.morphologyEx(ink.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    thick = cv2.morphologyEx(thick, cv2.MORPH_OPEN, np.ones((9, 9), np.uint8))
    return (_level_runs(ink, 12) | _level_runs(np.ascontiguousarray(ink.T), 12).T) & (thick == 0)


def harvest(pages: Sequence[TrainingPage]) -> list[Snippet]:
    """Cut the pen marks and stamps that stand clear of other ink out of the labelled pages."""
    snippets = []
    for page in (p for p in pages if p.labelled):
        for box in page.places:
            dark, truth, unknown = (_cut(plane, box) for plane in (page.dark, page.truth, page.unknown))
            inked = dark > DARK
            sure = inked & (truth & (PEN | STAMP) > 0) & (unknown & PEN == 0)
            if inked.sum() > 40 and sure.sum() > 0.97 * inked.sum() and min(dark.shape) > 8 and max(dark.shape) < 500:
                snippets.append(Snippet(dark.copy(), truth & (PEN | STAMP)))
    return snippets


@dataclass(frozen=True)
class CropSettings:
    """How crops are made; lengths in pixels at the network's resolution, shares are probabilities."""

    size_px: int = 384
    labelled_share: float = 0.65  # the rest are backgrounds without labels
    centred_share: float = 0.65  # of the crops of labelled pages lie around a labelled mark
    turn_deg: float = 2.5  # pages are upright when they come
    zoom: tuple[float, float] = (0.8, 1.25)  # elite, pica and proportional type, and doubtful dpi
    pasted_max: int = 5
    brackets_max: int = 6
    strikes_max: int = 3
    dirt_share: float = 0.35  # of the crops have shadows, halftones or copier dirt, which rules alone call writing


def make_crop(
    pages: Sequence[TrainingPage],
    weights: np.ndarray,
    snippets: Sequence[Snippet],
    rng: np.random.Generator,
    settings: CropSettings = CropSettings(),
) -> Crop:
    """Draw one example: a piece of a page, turned and scaled, with real and drawn marks over it, and wear."""
    page = pages[int(rng.choice(len(pages), p=weights))]
    crop, lines = _window(page, rng, settings)
    for _ in range(int(rng.integers(0, settings.strikes_max + 1)) if lines else 0):
        draw_strike(crop, lines[int(rng.integers(len(lines)))], rng)
    for _ in range(int(rng.integers(0, settings.pasted_max + 1)) if snippets else 0):
        paste(crop, snippets[int(rng.integers(len(snippets)))], lines, rng)
    if lines and rng.random() < 0.6:
        for _ in range(int(rng.integers(1, settings.brackets_max + 1))):
            draw_bracket_pair(crop, lines, rng)
    for _ in range(int(rng.integers(1, 4)) if rng.random() < settings.dirt_share else 0):
        draw_dirt(crop, rng)
    return wear(crop, rng)


def _window(page: TrainingPage, rng: np.random.Generator, settings: CropSettings) -> tuple[Crop, list[Box]]:
    size, (height, width) = settings.size_px, page.dark.shape
    if page.places and rng.random() < settings.centred_share:
        x0, y0, x1, y1 = page.places[int(rng.integers(len(page.places)))]
        centre = np.array([rng.uniform(x0, x1), rng.uniform(y0, y1)]) + rng.uniform(-0.4, 0.4, 2) * size
    else:
        centre = np.array([rng.uniform(0, width), rng.uniform(0, height)])
    centre = np.clip(centre, size * 0.4, np.maximum(size * 0.4, np.array([width, height]) - size * 0.4))
    zoom, angle = rng.uniform(*settings.zoom), rng.uniform(-settings.turn_deg, settings.turn_deg)
    matrix = np.array(cv2.getRotationMatrix2D((float(centre[0]), float(centre[1])), angle, zoom), np.float64)
    matrix[:, 2] += size / 2 - centre

    def warp(plane: np.ndarray, flags: int, value: int) -> np.ndarray:
        return cv2.warpAffine(
            plane, matrix, (size, size), flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=value
        )

    dark = warp(page.dark, cv2.INTER_LINEAR, 0)
    truth, unknown = warp(page.truth, cv2.INTER_NEAREST, 0), warp(page.unknown, cv2.INTER_NEAREST, ALL)

    def moved(box: Sequence[float]) -> list[float]:
        middle = matrix @ np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2, 1])
        w, h = (box[2] - box[0]) * zoom / 2, (box[3] - box[1]) * zoom / 2
        return [middle[0] - w, middle[1] - h, middle[0] + w, middle[1] + h]

    judged = np.full((size, size), page.labelled)
    brackets = [[*moved(b[:4]), b[4]] for b in page.brackets]
    inside = [b for b in brackets if 0 < b[0] + b[2] < 2 * size and 0 < b[1] + b[3] < 2 * size]
    boxes = [moved(b) for b in page.lines]
    lines = [
        (max(2, int(b[0])), int(b[1]), min(size - 2, int(b[2])), int(b[3]))
        for b in boxes
        if b[1] > 4 and b[3] < size - 4 and min(size - 2, b[2]) - max(2, b[0]) > 40 and b[3] - b[1] < 40
    ]
    return Crop(dark, truth, unknown, judged, inside), lines


def _lay(crop: Crop, mark: np.ndarray, bits: np.ndarray, x: int, y: int) -> None:
    """Lay ink over a crop in place: the darker wins, and what it covers takes the mark's layers as well."""
    size = crop.dark.shape[0]
    x0, y0, x1, y1 = max(0, x), max(0, y), min(size, x + mark.shape[1]), min(size, y + mark.shape[0])
    if x1 <= x0 or y1 <= y0:
        return
    piece, layers = (plane[y0 - y : y1 - y, x0 - x : x1 - x] for plane in (mark, bits))
    box = (x0, y0, x1, y1)
    under, truth, unknown = (_cut(plane, box) for plane in (crop.dark, crop.truth, crop.unknown))
    np.maximum(under, piece, out=under)
    new = piece > DARK
    fresh = new & (truth == 0)
    truth[new] |= layers[new]
    unknown[new] &= ~layers[new]
    unknown[fresh] = 0


def paste(crop: Crop, snippet: Snippet, lines: Sequence[Box], rng: np.random.Generator) -> None:
    """Lay one real mark over a crop, scaled, turned, thinned or thickened, half of the time near a line of type."""
    dark, zoom = snippet.dark, rng.uniform(0.65, 1.35)
    angle = rng.uniform(-12, 12) if rng.random() < 0.85 else rng.choice([90, -90])
    h, w = dark.shape
    side = int(np.hypot(h, w) * zoom) + 4
    matrix = np.array(cv2.getRotationMatrix2D((w / 2, h / 2), angle, zoom), np.float64)
    matrix[:, 2] += side / 2 - np.array([w / 2, h / 2])
    mark = cv2.warpAffine(dark, matrix, (side, side), flags=cv2.INTER_LINEAR)
    bits = cv2.warpAffine(
        cv2.dilate(snippet.truth, np.ones((3, 3), np.uint8)), matrix, (side, side), flags=cv2.INTER_NEAREST
    )
    if rng.random() < 0.35:
        mark = (cv2.dilate if rng.random() < 0.6 else cv2.erode)(mark, np.ones((2, 2), np.uint8))
    mark = (mark * rng.uniform(0.75, 1)).astype(np.uint8)
    size = crop.dark.shape[0]
    if lines and rng.random() < 0.5:
        x0, y0, x1, y1 = lines[int(rng.integers(len(lines)))]
        x, y = rng.uniform(x0, x1), rng.choice([y0, y1]) + rng.uniform(-6, 6)
    else:
        x, y = rng.uniform(0, size, 2)
    _lay(crop, mark, bits, int(x - side / 2), int(y - side / 2))


def _stroke(plane: np.ndarray, points: np.ndarray, width: float, rng: np.random.Generator) -> None:
    """A pen stroke through control points, wavering by a share of its width, drawn with anti-aliasing."""
    steps = np.linspace(0, len(points) - 1, max(2, 6 * len(points)))
    path = np.stack([np.interp(steps, np.arange(len(points)), points[:, i]) for i in (0, 1)], 1)
    path += cv2.GaussianBlur(rng.normal(0, width * 0.9, path.shape).astype(np.float64), (1, 5), 1.2)
    for a, b in itertools.pairwise(path):
        thick = max(1, round(width * rng.uniform(0.8, 1.25)))
        (x0, y0), (x1, y1) = (np.round(p * 16).astype(int).tolist() for p in (a, b))
        cv2.line(plane, (x0, y0), (x1, y1), 255, thick, cv2.LINE_AA, 4)


def draw_strike(crop: Crop, line: Box, rng: np.random.Generator) -> None:
    """Strike part of a line, underline it, ring it, tick it, or cross it out."""
    x0, y0, x1, y1 = line
    height, width = y1 - y0, float(rng.uniform(1.2, 4.0))
    left = rng.uniform(x0, max(x0 + 1, x1 - 30))
    right = min(x1 + 6.0, left + rng.uniform(1.2, 10) * height)
    if rng.random() < WHOLE_LINE:
        left, right = x0 - rng.uniform(0, 8), x1 + rng.uniform(0, 8)
    middle = (y0 + y1) / 2
    plane = np.zeros_like(crop.dark)
    kind = rng.choice(KINDS, p=KINDS_P)
    if kind in ("through", "twice", "under"):
        for _ in range(2 if kind == "twice" else 1):
            base = y1 + rng.uniform(-1, 3) if kind == "under" else middle + rng.uniform(-0.15, 0.15) * height
            tilt = rng.normal(0, 0.12) * height
            count = max(3, int((right - left) / 60))
            ys = base + np.linspace(-tilt, tilt, count) + rng.normal(0, 1, count) * (0.6 if count > 3 else 1)
            _stroke(plane, np.stack([np.linspace(left, right, count), ys], 1), width, rng)
    elif kind == "scribble":
        n = max(4, int((right - left) / rng.uniform(3, 8)))
        xs = np.linspace(left, right, n)
        ys = middle + np.where(np.arange(n) % 2, 0.5, -0.5) * height * rng.uniform(0.5, 1.1)
        _stroke(plane, np.stack([xs, ys], 1), width, rng)
    elif kind == "blot":  # gone over until nothing can be read
        for _ in range(int(rng.integers(2, 5))):
            n = max(4, int((right - left) / rng.uniform(2, 6)))
            xs = np.linspace(left, right, n) + rng.normal(0, 2, n)
            ys = middle + np.where(np.arange(n) % 2, 0.5, -0.5) * height * rng.uniform(0.6, 1.7, n)
            _stroke(plane, np.stack([xs, ys + rng.normal(0, 0.1) * height], 1), width, rng)
    elif kind in ("cross", "slash"):
        reach = rng.uniform(0.6, 2.2) * height
        for sign in (1, -1) if kind == "cross" else (1,):
            _stroke(
                plane,
                np.array([[left, middle + sign * reach], [left + 1.2 * reach, middle - sign * reach]]),
                width,
                rng,
            )
    elif kind == "ring":
        t = np.linspace(0, 2 * np.pi * rng.uniform(0.95, 1.15), 14) + rng.uniform(0, 6)
        points = np.stack(
            [(left + right) / 2 + np.cos(t) * (right - left) * 0.55, middle + np.sin(t) * height * rng.uniform(0.6, 1)],
            1,
        )
        _stroke(plane, points, width, rng)
    elif kind == "tick":
        s = rng.uniform(0.4, 1.5) * height
        _stroke(
            plane,
            np.array([[left, middle], [left + 0.4 * s, middle + 0.6 * s], [left + 1.4 * s, middle - 0.9 * s]]),
            width,
            rng,
        )
    else:
        x = x0 - rng.uniform(6, 25)
        _stroke(
            plane, np.array([[x, y0 - rng.uniform(0, 80)], [x + rng.normal(0, 3), y1 + rng.uniform(0, 80)]]), width, rng
        )
    _lay(crop, (plane * rng.uniform(0.75, 1)).astype(np.uint8), np.full_like(plane, PEN), 0, 0)


KINDS = ("through", "twice", "scribble", "blot", "cross", "slash", "under", "ring", "tick", "side")
KINDS_P = (0.15, 0.09, 0.12, 0.08, 0.1, 0.1, 0.14, 0.11, 0.07, 0.04)
"""How often :func:`draw_strike` draws each kind: struck text is rarest in the labels, so most of them are strikes."""

WHOLE_LINE = 0.2
"""Share of them that run along a whole line."""


def draw_bracket_pair(crop: Crop, lines: Sequence[Box], rng: np.random.Generator) -> None:
    """Put part of a line, or several lines, between square brackets drawn by hand, or one of a pair."""
    line = lines[int(rng.integers(len(lines)))]
    height = line[3] - line[1]
    first, last = line, line
    if rng.random() < 0.3:
        below = [b for b in lines if 0 < b[1] - line[1] < 9 * height and b[0] < line[2] and b[2] > line[0]]
        last = below[int(rng.integers(len(below)))] if below else line
    several = last is not line
    tall = several and rng.random() < 0.6  # one tall bracket at each side, or small ones at first and last word
    left = line[0] - rng.uniform(0, 6) if tall or rng.random() < 0.15 else rng.uniform(line[0], line[2] - 12)
    right = (
        max(b[2] for b in (first, last)) + rng.uniform(0, 8)
        if tall
        else min(last[2] + 4.0, left + rng.uniform(0.8, 12) * height)
    )
    if several and not tall:
        right = rng.uniform(last[0] + 10, last[2] + 4)
    width = float(rng.uniform(1.1, 4.2))
    above, under = rng.uniform(-0.1, 0.5, 2) * height
    for side, x in ((0, left), (1, right)):
        if rng.random() < 0.1:
            continue
        y0, y1 = (first[1], last[3]) if tall else (first[1], first[3]) if side == 0 else (last[1], last[3])
        _draw_bracket(crop, x, y0 - above, y1 + under, side, width, height, rng)


def _draw_bracket(
    crop: Crop, x: float, y0: float, y1: float, side: int, width: float, line_height: float, rng: np.random.Generator
) -> None:
    size = crop.dark.shape[0]
    inward = 1 if side == 0 else -1
    arms = np.clip(rng.lognormal(-1.0, 0.5, 2), 0.15, 1.2) * line_height
    if rng.random() < 0.12:
        arms *= rng.uniform(2, 6)  # long arms over the words
    if rng.random() < 0.1:
        arms[int(rng.integers(2))] *= 0.2  # one arm hardly drawn
    lean, bend = rng.normal(0, 0.12, 2) * min(y1 - y0, 2 * line_height)
    sag = rng.normal(0, 0.1, 2) * np.minimum(arms, line_height)
    points = np.array(
        [
            [x + lean + inward * arms[0], y0 + sag[0]],
            [x + lean, y0],
            [x + bend * 0.5, (y0 + y1) / 2],
            [x - lean, y1],
            [x - lean + inward * arms[1], y1 + sag[1]],
        ]
    )
    plane = np.zeros_like(crop.dark)
    for _ in range(2 if rng.random() < 0.12 else 1):  # gone over twice
        _stroke(plane, points + rng.normal(0, 0.6, points.shape), width, rng)
    box = cv2.boundingRect((plane > DARK).astype(np.uint8))
    if not (box[2] and 0 < x < size and 0 < (y0 + y1) / 2 < size):
        return
    new = plane > DARK
    np.maximum(crop.dark, (plane * rng.uniform(0.8, 1)).astype(np.uint8), out=crop.dark)
    crop.unknown[new & (crop.truth & PEN == 0)] &= ~np.uint8(PEN | STAMP)  # a bracket is neither note nor stamp
    crop.unknown[new] |= PRINT | RULING
    x0, y0_, x1, y1_ = box[0], box[1], box[0] + box[2], box[1] + box[3]
    crop.brackets.append([x0, y0_, x1, y1_, side])
    _cut(crop.judged, (x0 - 4, y0_ - 4, x1 + 4, y1_ + 4))[...] = True


def draw_dirt(crop: Crop, rng: np.random.Generator) -> None:
    """Spread copier dirt over part of a crop: dots dense or sparse, a halftone, the shadow of an edge, or streaks."""
    size = crop.dark.shape[0]
    w, h = (int(v) for v in rng.uniform(20, size * 0.8, 2))
    x, y = (int(rng.uniform(-0.3 * v, size - 0.4 * v)) for v in (w, h))
    kind = rng.choice(["dots", "cloud", "halftone", "edge", "streaks"], p=(0.3, 0.3, 0.1, 0.2, 0.1))
    field = rng.random((h, w)).astype(np.float32)
    ys, xs = np.mgrid[:h, :w].astype(np.float32)
    if kind in ("dots", "cloud"):
        grain = rng.uniform(0.4, 1.4)
        blurred = cv2.GaussianBlur(field, (0, 0), grain)
        blurred = (blurred - blurred.mean()) / blurred.std()
        slope = cv2.resize(rng.normal(0, 1, (4, 4)).astype(np.float32), (w, h), interpolation=cv2.INTER_CUBIC)
        fade = 1 - np.hypot(2 * xs / w - 1, 2 * ys / h - 1) if kind == "cloud" else 0.0
        dirt = blurred + 0.6 * slope + 1.2 * fade > rng.uniform(1.2, 2.6)
    elif kind == "halftone":
        step, shade = rng.uniform(2.5, 6), rng.uniform(-0.6, 1.2)
        dirt = np.sin(xs * 2 * np.pi / step) + np.sin(ys * 2 * np.pi / step) > shade + 0.5 * (xs / w - 0.5)
    elif kind == "edge":
        along, across = (ys, xs) if rng.random() < 0.5 else (xs, ys)
        depth = rng.uniform(4, 40) * (0.6 + 0.4 * np.sin(along / rng.uniform(15, 90) + rng.uniform(0, 6)))
        dirt = field < 0.5 - 0.5 * np.tanh((across - depth) / rng.uniform(1, 16))
    else:
        rows = cv2.GaussianBlur(rng.normal(0, 1, (h, 1)).astype(np.float32), (1, 3), 0.8)
        dirt = field < (0.5 + 0.5 * np.tanh(2 * (rows - rng.uniform(0.3, 1.2)))) * rng.uniform(0.5, 1)
    mark = (dirt * rng.uniform(160, 255)).astype(np.uint8)
    if rng.random() < 0.3:
        mark = cv2.GaussianBlur(mark, (0, 0), 0.7)
    _lay(crop, mark, np.zeros_like(mark), x, y)


def wear(crop: Crop, rng: np.random.Generator) -> Crop:
    """Blur, thin or thicken, speckle and fade a crop, and half of the time make it bitonal again."""
    dark = crop.dark
    if rng.random() < 0.25:
        dark = (cv2.dilate if rng.random() < 0.5 else cv2.erode)(dark, np.ones((2, 2), np.uint8))
    if rng.random() < 0.4:
        dark = cv2.GaussianBlur(dark, (0, 0), rng.uniform(0.4, 0.9))
    if rng.random() < 0.3:
        dark = np.where(rng.random(dark.shape) < rng.uniform(0, 0.01), 255 - dark, dark)
    noise = rng.normal(0, rng.uniform(0, 12), dark.shape) if rng.random() < 0.4 else 0.0
    level = np.clip(dark.astype(np.float32) * rng.uniform(0.7, 1.25) + noise, 0, 255)
    return Crop(level.astype(np.uint8), crop.truth, crop.unknown, crop.judged, crop.brackets)


def page_weights(pages: Sequence[TrainingPage], settings: CropSettings = CropSettings()) -> np.ndarray:
    """How often each page is drawn from: labelled pages by the square root of the number of their marks."""
    raw = np.array([np.sqrt(5.0 + len(p.places)) if p.labelled else 1.0 for p in pages])
    labelled = np.array([p.labelled for p in pages])
    share: Any = settings.labelled_share if labelled.any() and (~labelled).any() else 1.0
    total = np.where(labelled, raw[labelled].sum() / share, raw[~labelled].sum() / max(1e-9, 1 - share))
    return raw / total / (raw / total).sum()
