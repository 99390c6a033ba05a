"""Words crossed out: strokes of the pen that run through lettering, straight along it, slanting, or as a cross.

What tells a strike from an underline, a rule or a tick is the lettering on both sides of it: the stems that it crosses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from redactlib.detect.interlinear import middle_of
from redactlib.marks import Box, union
from redactlib.reading import TextLine


@dataclass(frozen=True)
class CrossingSettings:
    """What crosses out; lengths on paper, or in heights of the line that is crossed."""

    read_confidence: float = 0.5  # of the line: words can still be read under a stroke
    letter_min_mm: float = 1.2  # narrower letters touch each other in scans
    length_min_mm: float = 5.0  # two letters and what the pen leads in and out by
    slopes: tuple[float, ...] = (-0.03, -0.015, 0.0, 0.015, 0.03)  # up or down for each step along
    middle: float = 0.28  # of the line's height, up or down: underlines lie farther from its middle
    thick_max: float = 0.45  # of the line's height; thicker is a bar
    bare_more_px: float = 1.5  # where nothing crosses it a stroke is thicker than usual by this at most ...
    bare: tuple[float, float] = (0.2, 0.95)  # ... in this share of its length: letters that touch have less, rules more
    bare_beyond_max: float = 0.75  # ... where nothing was read
    wobble_max: float = 0.07  # of the line's height, its middle there: the pen runs straight, feet of letters do not
    both_sides_min: float = 0.12  # of what stands out of it stands above as well as below ...
    usual_min: tuple[float, float] = (1.3, 2.3)  # ... so many times the longest run of most lines, or else that
    under_off: float = 1.2  # one that only goes under letters runs so near to their middle, in spreads of their ink ...
    under_chance: float = 0.3  # ... and is surely a pen's: underlines are mostly typed
    dense_max: float = 0.42  # of the line's ink there: more is a bar with words in it, or a photograph
    inside_min: float = 0.5  # of it runs where the line was read, unless struck words end a line of running text
    running: tuple[float, int] = (0.8, 20)  # that reads so well and is so long
    lead_mm: tuple[float, float] = (0.5, 6.0)  # a pen begins before the words and ends behind them; a rule goes on
    lead_alone_mm: float = 0.8  # or at one end, where a caret hides the other ...
    length_alone_mm: float = 7.0  # ... of a stroke so long
    slants_deg: tuple[int, ...] = (40, 48, 56, 64, 71)  # of a zigzag's strokes, up and down ...
    slant_length: float = 0.55  # ... which are so long, of the height of most lines where one is higher ...
    slant_gap: float = 0.25  # ... follow each other as close as this ...
    same_share: float = 0.5  # of the shorter one: strokes that share so much strike the same words ...
    same_line: float = 0.5  # ... where they lie nearer than this, in heights of the line
    usual_share: float = 0.8  # of the lines
    slants_min: int = 8  # ... are so many: capitals have six ...
    slants_times: float = 3.0  # ... so many times the most in most lines, whose letters slant too ...
    slants_each: float = 2.2  # ... so many for each height of the line ...
    slants_cover: float = 0.85  # ... over so much of its length ...
    slants_uneven_max: float = 0.6  # ... and turn at even steps: their deviation over their mean
    hidden_slants_min: int = 4  # fewer strokes do where the words can no longer be read ...
    hidden_read_max: float = 0.45  # ... the reader's certainty a letter's width along the line ...
    legible_min: float = 0.85  # nothing crosses out what reads as surely as this
    hidden_line: float = 0.85  # ... in running text that reads so well ...
    hidden_height: tuple[float, float] = (0.4, 0.95)  # ... and over so much of its height: no note over all of it
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
    chance: np.ndarray,
    scale: float,
    mm: float,
    lines: Sequence[TextLine],
    *,
    settings: CrossingSettings = CrossingSettings(),
) -> list[Crossed]:
    """Find strokes that run along lines of print, through the middle of their letters: straight ones and zigzags.

    Args:
        ink: bool ``(h, w)``, where the page is inked.
        chance: ``(h, w)``, of a pen there, 0..1.
        scale: pixels of `ink` a page pixel.
        mm: pixels of `ink` a millimetre.
        lines: level lines of print as read.
        settings: sizes.

    Returns:
        for each struck passage its box and line; two strokes through the same words are one.
    """
    plane = ink.astype(np.uint8)
    rooms = zip(lines, _rooms(lines), strict=True)
    rows = [row for line, room in rooms if (row := _row(plane, scale, mm, line, room, settings))]
    if not rows:
        return []
    longest = float(np.quantile([_longest(row) for row in rows], settings.usual_share))
    usual_high = int(np.median([len(row.ink) for row in rows]))
    zigzags = [list(_zigzags(row, min(usual_high, len(row.ink)), scale, mm, settings)) for row in rows]
    usual = np.quantile([max((z.turns for z in some), default=0) for some in zigzags], settings.usual_share)
    turns_min = max(settings.slants_min, settings.slants_times * usual)
    found = []
    for row, some in zip(rows, zigzags, strict=True):
        through = [
            run.box
            for run in _runs(row, longest, scale, mm, settings)
            if not run.under or _mean(chance, ink, run.box, scale) >= settings.under_chance
        ]
        for zigzag in some:
            hidden = zigzag.turns >= settings.hidden_slants_min and _is_hidden(row, zigzag.box, scale, settings)
            many = zigzag.turns >= turns_min and _legible(row, zigzag.box, scale) < settings.legible_min
            if zigzag.even and (hidden or many):
                through.append(zigzag.box)
        found += [Crossed(box, row.line) for box in through]
    return _merged(found, settings)


def _merged(found: Sequence[Crossed], settings: CrossingSettings) -> list[Crossed]:
    """Strokes through the same words as one: the same one seen on several slopes or in two pieces of a line, or two."""
    merged: list[Crossed] = []
    for stroke in sorted(found, key=lambda c: c.box[0] - c.box[2]):
        x0, y0, x1, y1 = stroke.box
        for i, other in enumerate(merged):
            shared = min(x1, other.box[2]) - max(x0, other.box[0])
            apart = abs((y0 + y1) - (other.box[1] + other.box[3])) / 2
            if shared > settings.same_share * (x1 - x0) and apart < settings.same_line * other.line.height:
                merged[i] = Crossed(union(other.box, stroke.box), other.line)
                break
        else:
            merged.append(stroke)
    return merged


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


def _rooms(lines: Sequence[TextLine]) -> list[tuple[float, float]]:
    """From where to where each line may run, in page pixels: struck words at its ends are often not read.

    As far as its next piece, or the longest lines of the page.
    """
    x0, y0, x1, y1 = np.array([line.box for line in lines], float).reshape(-1, 4).T
    height = np.array([line.height for line in lines])
    level = np.abs((y0 + y1) - (y0 + y1)[:, None]) < height[:, None]
    piece_behind = np.where(level & (x0 > x1[:, None]), x0, np.inf).min(1, initial=np.inf)
    piece_before = np.where(level & (x1 < x0[:, None]), x1, -np.inf).max(1, initial=-np.inf)
    long = x1 - x0 > 0.7 * np.max(x1 - x0, initial=0)
    margins = x0[long].min(initial=np.inf), x1[long].max(initial=-np.inf)
    left = np.where(np.isfinite(piece_before), piece_before, np.minimum(x0, margins[0]))
    right = np.where(np.isfinite(piece_behind), piece_behind, np.maximum(x1, margins[1]))
    return list(zip(np.minimum(left, x0) - height, np.maximum(right, x1) + height, strict=True))


def _row(
    ink: np.ndarray, scale: float, mm: float, line: TextLine, room: tuple[float, float], settings: CrossingSettings
) -> _Row | None:
    height, wide = line.height * scale, (line.box[2] - line.box[0]) * scale
    letter = wide / max(1, len(line.text))
    if line.confidence < settings.read_confidence or letter < settings.letter_min_mm * mm or height < 6:
        return None
    more = (settings.lead_mm[1] + 1) * mm  # to see whether a stroke goes on
    left, right = max(0, int(room[0] * scale - more)), min(ink.shape[1], int(room[1] * scale + more))
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


def _mean(plane: np.ndarray, ink: np.ndarray, box: Box, scale: float) -> float:
    """Mean of a plane over the ink of a box in page pixels."""
    x0, y0, x1, y1 = (int(v * scale) for v in box)
    place = (slice(y0, y1 + 1), slice(x0, x1 + 1))
    return float(plane[place][ink[place]].mean()) if ink[place].any() else 0.0


@dataclass(frozen=True)
class _Run:
    """A straight stroke along a line: its box in page pixels, and whether letters stand only above it."""

    box: Box
    under: bool


def _runs(row: _Row, usual: float, scale: float, mm: float, settings: CrossingSettings) -> Iterator[_Run]:
    """Straight strokes through the middle of a line, with letters above and below.

    `usual` is the longest run of ink of most lines, in pixels of the ink.
    """
    high, wide = row.ink.shape
    run = round(max(settings.length_min_mm * mm, settings.usual_min[0] * usual))
    if wide < run:
        return
    confidence, letters = settings.running
    running = row.line.confidence >= confidence and len(row.line.text) >= letters
    ends = row.line.box[0] * scale - row.left, row.line.box[2] * scale - row.left
    for slope in settings.slopes:
        drop = -slope * wide / 2
        level = _sheared(row.ink, 0, drop, slope, wide, high)
        bars = cv2.morphologyEx(
            cv2.dilate(level, np.ones((2, 1), np.uint8)), cv2.MORPH_OPEN, np.ones((1, run), np.uint8)
        )
        if not bars.any():
            continue
        count, _, stats, _ = cv2.connectedComponentsWithStats(bars, connectivity=8)
        for x, y, w, h, _ in stats[1:count]:
            inked = level[:, x : x + w] > 0
            inside = min(x + w, ends[1]) - max(x, ends[0]) > settings.inside_min * w
            if not (inside or running) or inked.mean() > settings.dense_max:
                continue
            bare_max = settings.bare[1] if inside else settings.bare_beyond_max
            seen = (
                _stroke(inked, place, bare_max, mm, row, usual, settings) for place in (y + h / 2, y + 1.5, y + h - 1.5)
            )
            stroke = next(filter(None, seen), None)  # of two strokes that touch, one
            if stroke is None:
                continue
            middle, half, under = stroke
            ys = [row.top + row.tilt * place + drop + slope * place + middle for place in (x, x + w)]
            left, top = int((row.left + x) / scale), int((min(ys) - half) / scale)
            right, foot = (int(np.ceil(v / scale)) for v in (row.left + x + w, max(ys) + half))
            yield _Run((left, top, right, foot), under)


def _stroke(
    ink: np.ndarray, place: float, bare_max: float, mm: float, row: _Row, usual: float, settings: CrossingSettings
) -> tuple[float, float, bool] | None:
    """Middle and half thickness of the stroke that runs along a line's ink near a row of pixels, if it strikes out.

    And whether letters stand only above it.

    Where no letter crosses it the stroke lies bare: as thick as itself, on one straight path. So it does at its ends,
    and letters stand out of it between.
    """
    high, wide = ink.shape
    head, foot, inked = _through(ink, place)
    thick = np.where(inked, foot - head, 0)
    own = float(np.median(np.sort(thick[inked])[: max(1, int(inked.sum()) // 2)]))
    bare = thick <= own + settings.bare_more_px
    covered = np.flatnonzero(~bare)
    centres = (head + foot)[bare & inked] / 2
    if not covered.size or not centres.size or not settings.bare[0] <= bare.mean() <= bare_max:
        return None
    middle = float(np.median(centres))
    straight = np.std(centres) <= max(1.0, settings.wobble_max * high)
    central = abs(middle - high / 2) <= settings.middle * high and own <= settings.thick_max * high
    leads = sorted((covered[0] / mm, (wide - 1 - covered[-1]) / mm))
    free = leads[0] >= settings.lead_mm[0]
    alone = leads[1] >= settings.lead_alone_mm and wide >= settings.length_alone_mm * mm
    if not (straight and central and (free or alone) and leads[1] <= settings.lead_mm[1]):
        return None
    reach = own / 2 + settings.bare_more_px
    above, below = (np.maximum(out, 0)[~bare].sum() for out in (middle - reach - head, foot - middle - reach))
    both = min(above, below) >= settings.both_sides_min * (above + below)
    under = not both and bool(above > below)
    near = not under or abs(middle - row.middle) <= settings.under_off * row.spread
    if both or ((free or not under) and near and wide >= settings.usual_min[1] * usual):
        return middle, own / 2, under
    return None


def _through(ink: np.ndarray, place: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First and last row of the run of ink nearest to a row of pixels, in each column, and whether there is one."""
    high, wide = ink.shape
    rows, columns = np.arange(high)[:, None], np.arange(wide)
    nearest = np.where(ink, np.abs(rows + 0.5 - place), np.inf).argmin(0)
    heads = np.maximum.accumulate(np.where(ink, -1, rows), axis=0) + 1
    feet = np.minimum.accumulate(np.where(ink, high, rows)[::-1], axis=0)[::-1]
    return heads[nearest, columns], feet[nearest, columns], ink[nearest, columns]


@dataclass(frozen=True)
class _Zigzag:
    """Slanting strokes along a line: their box in page pixels, how often they turn, and whether as a pen does."""

    box: Box
    turns: int
    even: bool


def _zigzags(row: _Row, high: int, scale: float, mm: float, settings: CrossingSettings) -> Iterator[_Zigzag]:
    """Slanting strokes that follow each other along a line so high; some letters look so too."""
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


def _is_hidden(row: _Row, box: Box, scale: float, settings: CrossingSettings) -> bool:
    """Whether running text that reads well cannot be read in a box."""
    x0, _, x1, _ = row.line.box
    low, high = settings.hidden_height
    inside = min(box[2], x1) - max(box[0], x0) > settings.inside_min * (box[2] - box[0])
    along = low <= (box[3] - box[1]) * scale / len(row.ink) <= high
    good = row.line.confidence >= settings.hidden_line and len(row.line.text) >= settings.running[1]
    return good and inside and along and _legible(row, box, scale) < settings.hidden_read_max


def _legible(row: _Row, box: Box, scale: float) -> float:
    """The reader's certainty in a box, summed over letters, a letter's width of it; 0 where it tells none."""
    reading, (x0, _, x1, _) = row.line.reading, row.line.box
    if not reading.probabilities:
        return 0.0
    places = x0 + np.array(reading.centres) * (x1 - x0)
    read = np.array(reading.probabilities)[(places > box[0]) & (places < box[2])].sum()
    return float(read * row.letter / ((box[2] - box[0]) * scale))


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
    if straight and any(_runs_through(box[:2] + ends[longest] * step, line, settings) for line in prints):
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


def _runs_through(stroke: np.ndarray, line: Box, settings: CrossingSettings) -> bool:
    """Whether a stroke, given by its ends on the page, runs through the middle of a line of print."""
    x0, y0, x1, y1 = line
    along, down = (stroke[0] + np.linspace(0, 1, 50)[:, None] * (stroke[1] - stroke[0])).T
    quarter = (y1 - y0) / 4
    inside = (along > x0) & (along < x1) & (down > y0 + quarter) & (down < y1 - quarter)
    return bool(inside.mean() * np.linalg.norm(stroke[1] - stroke[0]) > settings.through_min * (y1 - y0))
