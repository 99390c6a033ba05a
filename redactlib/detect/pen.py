"""The ink of the pen: strokes that the ink model proposes, judged by what is known of the place where they stand.

The ink model sees shapes; it does not read. So each stroke that it thinks may be a pen's is judged once more, with the
page's reading (does it stand in a line that reads well as type?), the stamps, the texture around, and its own size.
Without the model, pen is what is left of the ink once type that reads well, rules, fills and specks are taken away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from redactlib.detect.judge import Verdict, of_strokes
from redactlib.layers import INK_DARKNESS, Layers, LayerSettings, darkness
from redactlib.marks import Box, Stamp
from redactlib.reading import PageText
from redactlib.scan import MM_PER_INCH, Scan

MM = LayerSettings.resolution_dpi / MM_PER_INCH
"""One millimetre at the resolution of the ink model, where pen is looked for."""


@dataclass(frozen=True)
class PenSettings:
    """When ink may be a pen's, and when it is.

    Lengths on paper: handwriting keeps its size whatever the type is.
    """

    proposal_min: float = 0.3  # probability in the model's map from which ink is judged
    faint_darkness: int = 60  # of pencil, which the model sees where the rest of the page's ink is darker
    faint_min: float = 0.5  # its probability
    faint_apart_mm: float = 0.6  # from darker ink, whose rims are as faint
    pen_min: float = 0.47  # probability from which a stroke counts: clean pages keep nearly clean, on unseen documents
    gap_mm: float = 0.3  # strokes that lie closer than this are one: what touches is judged alike
    stroke_min_mm: float = 1.0  # a comma is shorter
    density_max: float = 0.6  # share of a place that is inked; script covers a fifth, crossed out two fifths of it
    density_reach_mm: float = 10.0  # over which that is measured: a blot or a marker's line is smaller
    edge_mm: float = 1.0  # shadows of the page's edge lie within this
    hatch_mm: float = 3.0  # the least of the bars of a hatched border,
    hatch_run: int = 8  # of which so many follow each other,
    hatch_alike: float = 0.2  # whose sizes and steps differ by so little; no hand repeats itself so
    typed_confidence: float = 0.8  # lines that read better than this are type ...
    doubtful_confidence: float = 0.6  # ... and worse than this, perhaps writing
    run_mm: float = 7.0  # along one row or column of pixels: rules and typed underlines; few hands are as straight
    rule_aspect: float = 12.0  # without the model: straight strokes longer than this share are rules
    rule_length_mm: float = 14.0


@dataclass(frozen=True, eq=False)
class Pen:
    """Ink at the model's resolution.

    Attributes:
        ink: bool ``(h, w)``, all of it.
        mask: bool ``(h, w)``, the pen's.
        chance: float32 ``(h, w)``, probability that ink is the pen's.
        scale: map pixels a page pixel.
    """

    ink: np.ndarray
    mask: np.ndarray
    chance: np.ndarray
    scale: float


def find_pen(
    scan: Scan,
    layers: Layers | None,
    text: PageText,
    stamps: Sequence[Stamp],
    *,
    settings: PenSettings = PenSettings(),
    judge: Verdict = of_strokes,
) -> Pen:
    """Tell the pen's ink from all other.

    Args:
        scan: the page, upright.
        layers: its ink as the model tells it apart, or ``None``.
        text: its lines as read.
        stamps: its stamps.
        settings: sizes and thresholds.
        judge: judges proposals; the shipped one by default.
    """
    if layers is None:
        return _by_rules(scan, text, stamps, settings)
    proposed = propose(scan, layers, settings)
    boxes = strokes(proposed.mask, settings)
    if not boxes:
        return proposed
    chances = judge(evidence(proposed, boxes, layers, text, stamps, settings))
    mask, chance = np.zeros_like(proposed.mask), np.zeros_like(proposed.chance)
    for (x0, y0, x1, y1), sure in zip(boxes, chances, strict=True):
        place = (slice(y0, y1), slice(x0, x1))
        chance[place] = np.maximum(chance[place], sure)
        if sure >= settings.pen_min:
            mask[place] |= proposed.mask[place]
    return Pen(proposed.ink, mask, chance, proposed.scale)


def propose(scan: Scan, layers: Layers, settings: PenSettings = PenSettings()) -> Pen:
    """Ink that may be a pen's by the model's map, without photographs, bars and shadows of the page's edge."""
    dark, scale = darkness(scan)
    ink = dark > INK_DARKNESS
    chance = _resized(layers.handwriting, ink).astype(np.float32) / 255
    rim = cv2.dilate(ink.astype(np.uint8), np.ones([2 * round(settings.faint_apart_mm * MM) + 1] * 2, np.uint8)) > 0
    ink |= (dark > settings.faint_darkness) & (chance >= settings.faint_min) & ~rim
    mask = ink & (chance >= settings.proposal_min) & (_around(ink, settings.density_reach_mm) <= settings.density_max)
    edge = round(settings.edge_mm * MM)
    mask[:edge], mask[-edge:], mask[:, :edge], mask[:, -edge:] = False, False, False, False
    return Pen(ink, mask & ~_hatching(ink, settings), chance, scale)


def _hatching(ink: np.ndarray, settings: PenSettings) -> np.ndarray:
    """The bars of hatched borders, as covers have them: components of one size in equal steps, in a row or a column."""
    _, labels, stats, centres = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    size = stats[:, 2:4].astype(float)
    large = np.flatnonzero(size.max(1) >= settings.hatch_mm * MM)[1:]  # without the ground
    size, places = size[large], centres[large]
    found = np.zeros(len(stats), bool)
    for along in (0, 1):
        following = _following(size, places, along, settings)
        for start in set(following) - set(following.values()):
            chain = [start]
            while chain[-1] in following:
                chain.append(following[chain[-1]])
            steps = np.diff(places[chain, along])
            even = np.abs(steps - np.median(steps)) <= settings.hatch_alike * np.median(steps)
            if even.sum() >= settings.hatch_run:
                found[large[chain]] = True
    return found[labels]


def _following(size: np.ndarray, places: np.ndarray, along: int, settings: PenSettings) -> dict[int, int]:
    """For each component the next one of its size, level with it along an axis, if there is one."""
    level = places[:, 1 - along]
    order = np.argsort(level)
    room = settings.hatch_alike * size.max(1) + 1
    first, last = (np.searchsorted(level[order], level + sign * room) for sign in (-1, 1))
    following = {}
    for i in range(len(size)):
        near = order[first[i] : last[i]]
        far = places[near, along] - places[i, along]
        ahead = (far > 0) & (np.abs(size[near] - size[i]).max(1) <= room[i])
        if ahead.any():
            following[i] = int(near[np.where(ahead, far, np.inf).argmin()])
    return following


def strokes(mask: np.ndarray, settings: PenSettings = PenSettings()) -> list[Box]:
    """Boxes of the strokes of a mask; those that touch or nearly do are one."""
    reach = 2 * round(settings.gap_mm * MM / 2) + 1
    count, labels = cv2.connectedComponents(cv2.dilate(mask.astype(np.uint8), np.ones((reach, reach), np.uint8)))
    labels[~mask] = 0
    ys, xs = np.nonzero(labels)
    which = labels[ys, xs]
    low, high = np.full((count, 2), 1 << 30), np.zeros((count, 2), int)
    places = np.column_stack([xs, ys]).astype(int)
    np.minimum.at(low, which.astype(int), places)
    np.maximum.at(high, which.astype(int), places + 1)
    boxes = np.hstack([low, high])[1:]
    boxes = boxes[(boxes[:, 2:] - boxes[:, :2]).max(1, initial=0) >= settings.stroke_min_mm * MM]
    return [(int(a), int(b), int(c), int(d)) for a, b, c, d in boxes]


def evidence(
    pen: Pen,
    boxes: Sequence[Box],
    layers: Layers,
    text: PageText,
    stamps: Sequence[Stamp],
    settings: PenSettings = PenSettings(),
) -> np.ndarray:
    """What the judge knows of each stroke: float64 ``(n, 27)``.

    In this order: logarithms of its ink and of all ink in its box (square mm); the share; the model's chance, mean and
    nine tenths; shares in components longer than 2 and 4 mm; density of ink within 4 and 10 mm; logarithms of width
    and height (mm); distance from the page's edge (mm); chances of print, stamp, ruling and fill; most bracket heat;
    mean chance within 10 and 25 mm; shares in typed and in doubtful lines; confidence of the reading; share inside
    stamps; stroke width (mm); mean chance of all ink in the box; shares in long level and in long upright runs of ink.
    """
    _, labels, stats, _ = cv2.connectedComponentsWithStats(pen.ink.astype(np.uint8), connectivity=8)
    length = np.maximum(stats[:, 2], stats[:, 3]) / MM
    near, around, far = (_around(pen.ink, reach) for reach in (4, 10, 25))
    ink_chance = np.where(pen.ink, pen.chance, np.float32(0))
    chance_around, chance_far = (_around(ink_chance, reach) for reach in (10, 25))
    others = [_resized(plane, pen.ink) for plane in (layers.print, layers.stamp, layers.ruling, layers.fill)]
    heat = _resized(np.maximum(layers.bracket_open, layers.bracket_close), pen.ink)
    width = cv2.distanceTransform(pen.ink.astype(np.uint8), cv2.DIST_L2, 3)
    bar = round(settings.run_mm * MM)
    runs = [
        cv2.dilate(
            cv2.morphologyEx(pen.ink.astype(np.uint8), cv2.MORPH_OPEN, np.ones(shape, np.uint8)), np.ones((3, 3))
        )
        for shape in ((1, bar), (bar, 1))
    ]
    confidence = np.full(pen.ink.shape, -1, np.float32)
    for line in text.lines:
        _place(confidence, line.box, pen.scale)[...] = line.confidence
    stamped = np.zeros(pen.ink.shape, bool)
    for stamp in stamps:
        _place(stamped, stamp.box, pen.scale)[...] = True
    height_px, width_px = pen.ink.shape
    rows = []
    for x0, y0, x1, y1 in boxes:
        place = (slice(y0, y1), slice(x0, x1))
        there = pen.ink[place]
        ys, xs = np.nonzero(pen.mask[place])
        own = (ys + y0) * width_px + xs + x0
        amount, chance, reading = own.size, pen.chance.take(own), confidence.take(own)
        long, ink_near, ink_far = length[labels.take(own)], around.take(own), far.take(own)
        rows.append(
            [
                np.log(amount / MM**2),
                np.log(there.sum() / MM**2),
                amount / there.sum(),
                chance.mean(),
                np.percentile(chance, 90),
                *((long >= mm).mean() for mm in (2, 4)),
                near.take(own).mean(),
                ink_near.mean(),
                np.log((x1 - x0) / MM),
                np.log((y1 - y0) / MM),
                min(10, min(x0, y0, width_px - x1, height_px - y1) / MM),
                *(plane.take(own).mean() / 255 for plane in others),
                heat[place].max() / 255,
                (chance_around.take(own) / np.maximum(ink_near, 1e-4)).mean(),
                (chance_far.take(own) / np.maximum(ink_far, 1e-4)).mean(),
                (reading >= settings.typed_confidence).mean(),
                ((reading >= 0) & (reading < settings.doubtful_confidence)).mean(),
                np.maximum(reading, 0).mean(),
                stamped.take(own).mean(),
                np.percentile(width.take(own), 75) / MM,
                pen.chance[place][there].mean(),
                *(run.take(own).mean() for run in runs),
            ]
        )
    return np.array(rows, np.float64).reshape(-1, 27)


def _around(plane: np.ndarray, reach_mm: float) -> np.ndarray:
    size = int(reach_mm * MM) | 1
    if plane.dtype == bool:
        return cv2.boxFilter(plane.view(np.uint8), cv2.CV_32F, (size, size))
    return cv2.blur(plane, (size, size))


def _resized(plane: np.ndarray, like: np.ndarray) -> np.ndarray:
    return cv2.resize(plane, like.shape[::-1], interpolation=cv2.INTER_LINEAR)


def _place(plane: np.ndarray, box: Box, scale: float) -> np.ndarray:
    x0, y0, x1, y1 = (max(0, int(v * scale)) for v in box)
    return plane[y0:y1, x0:x1]


def _by_rules(
    scan: Scan,
    text: PageText,
    stamps: Sequence[Stamp],
    settings: PenSettings,
) -> Pen:
    """Pen by elimination: components of ink that are no type, no rule, no fill, no speck and no stamp's lettering."""
    dark, scale = darkness(scan)
    ink = (dark > INK_DARKNESS).astype(np.uint8)
    count, labels, stats, centres = cv2.connectedComponentsWithStats(ink, connectivity=8)
    x, y, w, h, size = (stats[:, i].astype(np.float64) for i in range(5))
    long, short = np.maximum(w, h), np.minimum(w, h)
    typed, doubtful, hand = np.zeros(count, bool), np.zeros(count, bool), np.zeros(count, bool)
    for line in text.lines:
        x0, y0, x1, y1 = (v * scale for v in line.box)
        inside = (centres[:, 0] > x0) & (centres[:, 0] < x1) & (centres[:, 1] > y0) & (centres[:, 1] < y1)
        inside &= (h < 1.5 * (y1 - y0)) | (w > 3 * h)
        if line.confidence >= settings.doubtful_confidence:
            typed |= inside
        elif len(line.text) < 24:
            hand |= inside & (long > 1.2 * MM)
    for stamp in stamps:
        x0, y0, x1, y1 = (v * scale for v in stamp.box)
        doubtful |= (
            (centres[:, 0] > x0) & (centres[:, 0] < x1) & (centres[:, 1] > y0) & (centres[:, 1] < y1) & (h < 7 * MM)
        )
    height, width = ink.shape
    edge = settings.edge_mm * MM
    at_edge = (x < edge) | (y < edge) | (x + w > width - edge) | (y + h > height - edge)
    rule = (long > settings.rule_length_mm * MM) & (long > settings.rule_aspect * short)
    frame = (w > 0.45 * width) | (h > 0.35 * height)
    solid = size > 0.6 * w * h
    big = (long > 3 * MM) & (short > 1.0 * MM)
    pen = (hand | (big & ~typed)) & ~at_edge & ~rule & ~frame & ~(solid & (short > 1.5 * MM)) & ~doubtful
    pen[0] = False
    return Pen(ink > 0, pen[labels], np.full(ink.shape, 0.65, np.float32), scale)
