"""Words crossed out: strokes of the pen that run through lettering, straight along it, slanting, or as a cross.

What tells a strike from an underline, a rule or a tick is the lettering on both sides of it: the stems that it crosses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from redactlib.detect.interlinear import middle_of
from redactlib.marks import Box
from redactlib.reading import TextLine


@dataclass(frozen=True)
class CrossingSettings:
    """What crosses out; lengths on paper, or in heights of the line that is crossed."""

    read_confidence: float = 0.5  # of the line: words can still be read under a stroke
    letter_min_mm: float = 1.2  # narrower letters touch each other in scans
    letters_min: float = 2.5  # along the line, a stroke is longer than so many letters are wide ...
    length_min_mm: float = 5.0  # ... and than this ...
    usual_share: float = 0.8  # ... and than the longest run of ink of so many lines, whose letters touch ...
    usual_times: float = 3.0  # ... so many times
    slopes: tuple[float, ...] = (-0.04, -0.02, 0.0, 0.02, 0.04)  # up or down for each step along
    middle: float = 0.28  # of the line's height, up or down: underlines lie farther from its middle
    double: float = 0.3  # of the line's height: two strokes so near are one strike
    thick_max: float = 0.55  # thicker is a bar
    reach: float = 0.2  # so far above and below it letters go on ...
    stems_min: float = 0.05  # ... in this share of its length: not on empty paper ...
    gaps_min: float = 0.2  # ... and on neither side in this share: not where letters touch
    beyond: tuple[float, float] = (0.08, 0.7)  # a pen begins before the words and ends behind them; a rule goes on
    slants_deg: tuple[int, ...] = (40, 48, 56, 64, 71)  # of a zigzag's strokes, up and down ...
    slant_length: float = 0.67  # ... which are so long ...
    slant_gap: float = 0.25  # ... follow each other as close as this ...
    slants_min: int = 8  # ... are so many: capitals have six ...
    slants_times: float = 3.0  # ... so many times the most in most lines, whose letters slant too ...
    slants_each: float = 2.2  # ... so many for each height of the line ...
    slants_cover: float = 0.85  # ... over so much of its length ...
    slants_uneven_max: float = 0.53  # ... and turn at even steps: their deviation over their mean
    straight_min: float = 0.7  # of a mark's diagonal: one straight stroke is all of it ...
    cross_min: float = 0.6  # ... or two that cross are
    slash_min_mm: float = 8.0  # shorter ones are ticks and letters
    through_min: float = 0.4  # heights of the line that a stroke runs in its middle
    under_min: float = 0.15  # share of ink in a cross that is not the cross: what it crosses out


@dataclass(frozen=True)
class Crossed:
    """A stroke along a line of print: its box in page pixels, and the line."""

    box: Box
    line: TextLine


def find_along(
    ink: np.ndarray,
    scale: float,
    mm: float,
    lines: Sequence[TextLine],
    *,
    settings: CrossingSettings = CrossingSettings(),
) -> list[Crossed]:
    """Find strokes that run along lines of print, through the middle of their letters: straight ones and zigzags.

    Args:
        ink: bool ``(h, w)``, where the page is inked.
        scale: pixels of `ink` a page pixel.
        mm: pixels of `ink` a millimetre.
        lines: level lines of print as read.
        settings: sizes.

    Returns:
        for each struck passage its box and line; two strokes through the same words are one.
    """
    plane, rooms = ink.astype(np.uint8), _rooms(lines)
    rows = [
        row
        for line, room in zip(lines, rooms, strict=True)
        if (row := _row(plane, scale, mm, line, float(room), settings))
    ]
    if not rows:
        return []
    usual = np.quantile([_longest(row) for row in rows], settings.usual_share)
    zigzags = [list(_zigzags(row, scale, mm, settings)) for row in rows]
    usual_turns = np.quantile([max((z.turns for z in some), default=0) for some in zigzags], settings.usual_share)
    turns_min = max(settings.slants_min, settings.slants_times * usual_turns)
    found = []
    for row, some in zip(rows, zigzags, strict=True):
        run = round(max(settings.letters_min * row.letter, settings.length_min_mm * mm, settings.usual_times * usual))
        through = [*_runs(row, run, scale, settings), *(z.box for z in some if z.even and z.turns >= turns_min)]
        boxes: list[Box] = []
        for box in sorted(through, key=lambda b: b[0] - b[2]):
            same = next((b for b in boxes if min(b[2], box[2]) - max(b[0], box[0]) > 0.5 * (box[2] - box[0])), None)
            if not same:
                boxes.append(box)
        found += [Crossed(box, row.line) for box in boxes]
    return found


@dataclass(frozen=True, eq=False)
class _Row:
    """A line of print set level: its ink with some room left and right, where that begins on the page's ink, its tilt,
    the middle and spread of its ink down the rows, and how wide its letters are; pixels."""

    line: TextLine
    ink: np.ndarray
    left: int
    top: float
    tilt: float
    middle: float
    spread: float
    letter: float


def _rooms(lines: Sequence[TextLine]) -> np.ndarray:
    """How far right each line may run, in page pixels: up to its next piece, for struck words are often not read."""
    x0, y0, x1, y1 = np.array([line.box for line in lines], float).reshape(-1, 4).T
    height = np.array([line.height for line in lines])
    behind = (np.abs((y0 + y1) - (y0 + y1)[:, None]) < height[:, None]) & (x0 > x1[:, None])
    next_piece = np.where(behind, x0, np.inf).min(1, initial=np.inf)
    return np.where(np.isfinite(next_piece), np.maximum(next_piece, x1 + height), x1 + height)


def _row(
    ink: np.ndarray, scale: float, mm: float, line: TextLine, room: float, settings: CrossingSettings
) -> _Row | None:
    height, wide = line.height * scale, (line.box[2] - line.box[0]) * scale
    letter = wide / max(1, len(line.text))
    if line.confidence < settings.read_confidence or letter < settings.letter_min_mm * mm or height < 6:
        return None
    left = max(0, int(line.box[0] * scale - height))
    right = min(ink.shape[1], int(room * scale))
    ends = middle_of(line, np.array([left, right]) / scale) * scale
    tilt = float(ends[1] - ends[0]) / (right - left)
    level = _sheared(ink, left, float(ends[0]) - height / 2, tilt, right - left, round(height))
    letters = level - cv2.morphologyEx(level, cv2.MORPH_OPEN, np.ones((1, round(1.5 * letter)), np.uint8))
    amount, down = letters.sum(1) + 1e-6, np.arange(len(level)) + 0.5
    middle = float((amount * down).sum() / amount.sum())
    spread = float(np.sqrt((amount * (down - middle) ** 2).sum() / amount.sum()))
    return _Row(line, level, left, float(ends[0]) - height / 2, tilt, middle, spread, letter)


def _sheared(ink: np.ndarray, left: float, top: float, tilt: float, wide: int, high: int) -> np.ndarray:
    """A strip of the page that begins at a point and goes down by `tilt` for each step to the right, set level."""
    turn = np.array([[1, 0, left], [tilt, 1, top]], float)
    return cv2.warpAffine(ink, turn, (wide, high), flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)


def _longest(row: _Row) -> int:
    """The longest level run of ink near the middle of a line."""
    low, high = max(0, round(row.middle - row.spread)), round(row.middle + row.spread) + 1
    inked = row.ink[low:high] > 0
    count = np.cumsum(inked, axis=1, dtype=np.int32)
    return int((count - np.maximum.accumulate(np.where(inked, 0, count), axis=1)).max(initial=0))


def _runs(row: _Row, run: int, scale: float, settings: CrossingSettings) -> Iterator[Box]:
    """Boxes in page pixels of straight runs of ink through the middle of a line, with letters above and below."""
    high, wide = row.ink.shape
    if wide < run:
        return
    for slope in settings.slopes:
        drop = -slope * wide / 2
        level = _sheared(row.ink, 0, drop, slope, wide, high)
        bars = cv2.morphologyEx(
            cv2.dilate(level, np.ones((3, 1), np.uint8)), cv2.MORPH_OPEN, np.ones((1, run), np.uint8)
        )
        if not bars.any():
            continue
        bars = cv2.morphologyEx(bars, cv2.MORPH_CLOSE, np.ones((round(settings.double * high) | 1, 1), np.uint8))
        count, _, stats, _ = cv2.connectedComponentsWithStats(bars, connectivity=8)
        for x, y, w, h, _ in stats[1:count]:
            middle, half = y + h / 2, max(1.0, h - 2) / 2  # the dilation gave it two rows
            off = abs(middle - high / 2) > settings.middle * high
            if 2 * half > settings.thick_max * high or off:
                continue
            head, foot, reach = round(middle - half) - 1, round(middle + half) + 1, round(settings.reach * high)
            over = level[max(0, head - reach) : max(0, head), x : x + w].max(0, initial=0) > 0
            under = level[foot : foot + reach, x : x + w].max(0, initial=0) > 0
            touched = over | under
            if not settings.stems_min <= touched.mean() <= 1 - settings.gaps_min:
                continue
            letters = np.flatnonzero(touched)
            beyond = sorted((letters[0] / high, (w - 1 - letters[-1]) / high))
            if beyond[0] < settings.beyond[0] or beyond[1] > settings.beyond[1]:
                continue
            ys = [row.top + row.tilt * place + drop + slope * place + middle for place in (x, x + w)]
            yield (
                int((row.left + x) / scale),
                int((min(ys) - half) / scale),
                int(np.ceil((row.left + x + w) / scale)),
                int(np.ceil((max(ys) + half) / scale)),
            )


@dataclass(frozen=True)
class _Zigzag:
    """Slanting strokes along a line: their box in page pixels, how often they turn, and whether as a pen does."""

    box: Box
    turns: int
    even: bool


def _zigzags(row: _Row, scale: float, mm: float, settings: CrossingSettings) -> Iterator[_Zigzag]:
    """Slanting strokes that follow each other along a line; some letters look so too."""
    high = len(row.ink)
    low, deep = max(0, round(row.middle - 1.2 * row.spread)), round(row.middle + 1.2 * row.spread) + 1
    down, up = (
        np.maximum.reduce([cv2.morphologyEx(row.ink, cv2.MORPH_OPEN, _slant(sign * a, high, settings)) for a in angles])
        for angles, sign in ((settings.slants_deg, 1), (settings.slants_deg, -1))
    )
    falls, rises = (slant[low:deep].max(0, initial=0) > 0 for slant in (down, up))
    covered = (falls | rises).astype(np.uint8)
    gap = int(settings.slant_gap * high) | 1
    closed = cv2.morphologyEx(np.pad(covered, gap)[None], cv2.MORPH_CLOSE, np.ones((1, gap), np.uint8))[0, gap:-gap]
    edges = np.flatnonzero(np.diff(closed, prepend=0, append=0))
    one = np.where(falls & ~rises, 1, np.where(rises & ~falls, -1, 0))
    for x0, x1 in edges.reshape(-1, 2).tolist():
        places = x0 + np.flatnonzero(one[x0:x1])
        turns = places[np.diff(one[places], prepend=0) != 0]
        steps = np.diff(turns)
        if x1 - x0 < settings.length_min_mm * mm or len(steps) < 2:
            continue
        ys = np.flatnonzero((down | up)[:, x0:x1].any(1)) + row.top + row.tilt * (x0 + x1) / 2
        box = (
            int((row.left + x0) / scale),
            int(ys[0] / scale),
            int(np.ceil((row.left + x1) / scale)),
            int(np.ceil((ys[-1] + 1) / scale)),
        )
        dense = len(turns) >= settings.slants_each * (x1 - x0) / high
        covers = covered[x0:x1].mean() >= settings.slants_cover
        yield _Zigzag(
            box, len(turns), bool(dense and covers and steps.std() <= settings.slants_uneven_max * steps.mean())
        )


def _slant(angle_deg: float, high: int, settings: CrossingSettings) -> np.ndarray:
    """A slanting line of a zigzag through a line of that height, as a mask."""
    half = round(settings.slant_length * high) // 2
    across, along = round(half * np.cos(np.radians(angle_deg))), round(half * np.sin(np.radians(angle_deg)))
    mask = np.zeros((2 * abs(along) + 1, 2 * across + 1), np.uint8)
    cv2.line(mask, (0, abs(along) - along), (2 * across, abs(along) + along), 1)
    return mask


def crosses_out(
    strokes: np.ndarray,
    ink: np.ndarray,
    box: Box,
    prints: Sequence[Box],
    *,
    mm: float,
    settings: CrossingSettings = CrossingSettings(),
) -> bool:
    """Whether a mark is one straight stroke through lettering, or a cross over something.

    Args:
        strokes: bool ``(h, w)``, the pen's ink in the mark's box.
        ink: bool ``(h, w)``, all ink there.
        box: where that is on the page.
        prints: boxes of single lines of print.
        mm: pixels of `strokes` a millimetre.
        settings: sizes.
    """
    high, wide = strokes.shape
    diagonal = float(np.hypot(high, wide))
    if diagonal < settings.slash_min_mm * mm:
        return False
    least = settings.cross_min * diagonal
    lines = cv2.HoughLinesP(
        strokes.astype(np.uint8), 1, np.pi / 180, round(0.6 * least), minLineLength=least, maxLineGap=mm
    )
    if lines is None:
        return False
    ends = lines.reshape(-1, 2, 2).astype(float)
    vectors = ends[:, 1] - ends[:, 0]
    lengths = np.linalg.norm(vectors, axis=1)
    step = np.array([box[2] - box[0], box[3] - box[1]]) / (wide, high)
    longest = int(lengths.argmax())
    straight = lengths[longest] >= max(settings.straight_min * diagonal, settings.slash_min_mm * mm)
    if straight and any(_through(box[:2] + ends[longest] * step, line, settings) for line in prints):
        return True
    turn = np.abs(vectors[:, 0] * vectors[longest, 1] - vectors[:, 1] * vectors[longest, 0])
    second = int((turn / lengths).argmax())
    if turn[second] < np.sin(np.radians(30)) * lengths[second] * lengths[longest]:
        return False
    cross = np.zeros(strokes.shape, np.uint8)
    for a, b in ends[[longest, second]].astype(int).tolist():
        cv2.line(cross, a, b, 1, round(mm))
    apart = np.abs(ends[[longest, second]].mean(1) - (wide / 2, high / 2)).max() < 0.25 * diagonal
    return bool(apart and (ink & (cross == 0)).sum() > settings.under_min * ink.sum())


def _through(stroke: np.ndarray, line: Box, settings: CrossingSettings) -> bool:
    """Whether a stroke, given by its ends on the page, runs through the middle of a line of print."""
    x0, y0, x1, y1 = line
    along, down = (stroke[0] + np.linspace(0, 1, 50)[:, None] * (stroke[1] - stroke[0])).T
    quarter = (y1 - y0) / 4
    inside = (along > x0) & (along < x1) & (down > y0 + quarter) & (down < y1 - quarter)
    return bool(inside.mean() * np.linalg.norm(stroke[1] - stroke[0]) > settings.through_min * (y1 - y0))
