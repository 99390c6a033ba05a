"""Printed words that were struck out: a straight stroke through them, longer than any that letters are made of.

Stamps of several lines are struck out as a whole: with a cross over their lines, or with a level stroke
through one of them, which a pen begins before the words and ends behind them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from redactlib.marks import Box, union
from redactlib.scan import Scan


@dataclass(frozen=True)
class StrikeSettings:
    """What makes a stroke one that strikes out; lengths in heights of the lettering."""

    letter_px: int = 40  # height to which the lettering is brought
    ink_min: float = 0.35  # of a reduced pixel: thin strokes survive
    reach: float = 0.7  # strokes begin and end outside the words
    length_min: float = 2.3  # no letter has a straight stroke so long, and rows of serifs stand above and below
    angle_min_deg: float = 0.0  # raised where the lines of a form run level
    angle_max_deg: float = 66.0  # steeper ones are frames and stems
    angle_step_deg: float = 1.5  # a pen's width over such a length
    middle: tuple[float, float] = (0.25, 0.75)  # of the height of the words
    middle_length_min: float = 0.45  # of the stroke that runs there
    bare_min: float = 0.04  # of its length with no letter above or below; where letters touch, their arms are a run
    bare_reach: float = 0.18  # up and down from its middle, what is the stroke itself
    covered_min: float = 0.45  # of the words, that a stroke runs over which nowhere lies bare
    glance: float = 0.5  # of the size, at which all directions are looked at first, in steps so much longer,
    glance_length: float = 0.85  # for strokes so much shorter


def is_struck(scan: Scan, box: Box, *, settings: StrikeSettings = StrikeSettings()) -> bool:
    """Whether a straight stroke crosses the middle of a line of print, all of it or some of its words.

    The lettering is turned through all angles; a stroke is an unbroken run of ink along a row.

    Args:
        scan: the page.
        box: of the line of print, close around its ink, level or upright.

    >>> page = np.full((120, 400), 255, np.uint8)
    >>> _ = cv2.putText(page, "SECRET", (60, 75), cv2.FONT_HERSHEY_SIMPLEX, 1.6, 0, 4)
    >>> clean = is_struck(Scan(page, 150.0), (58, 40, 224, 77))
    >>> _ = cv2.line(page, (40, 70), (290, 48), 0, 4)
    >>> clean, is_struck(Scan(page, 150.0), (58, 40, 224, 77))
    (False, True)
    """
    return next(strokes_through(scan, box, settings=settings), None) is not None


def strokes_through(scan: Scan, box: Box, *, settings: StrikeSettings = StrikeSettings()) -> Iterator[Box]:
    """Straight strokes that cross the middle of a line of print, by their boxes: :func:`is_struck` says how.

    A thick stroke comes out many times, once for each row of its pixels.
    """
    x0, y0, x1, y1 = box
    upright = y1 - y0 > x1 - x0
    height = min(x1 - x0, y1 - y0)
    if height < 4:
        return
    margin = round(settings.reach * height)
    left, top = max(0, x0 - margin), max(0, y0 - margin)
    ink = scan.ink[top : y1 + margin, left : x1 + margin].astype(np.uint8) * 255
    if not ink.any():
        return
    words = (y0 - top, x0 - left, y1 - top, x1 - left) if upright else (x0 - left, y0 - top, x1 - left, y1 - top)
    scale = settings.letter_px / height
    small = cv2.resize(ink.T if upright else ink, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    small = np.where(small > 255 * settings.ink_min, 1, 0).astype(np.uint8)
    place = np.array(words, float) * scale
    for angle in _angles(small, settings):
        for stroke in _strokes(small, angle, settings):
            if _crosses(stroke, place, settings) and _is_a_pen_s(small, stroke, place, settings):
                ends = stroke[:, ::-1] if upright else stroke
                (low_x, low_y), (high_x, high_y) = ends.min(0) / scale, ends.max(0) / scale
                yield (left + int(low_x), top + int(low_y), left + int(high_x) + 1, top + int(high_y) + 1)


def _angles(ink: np.ndarray, settings: StrikeSettings) -> np.ndarray:
    """Directions in which strokes may run, degrees: those near which one is seen at a glance."""
    small = cv2.resize(ink * 255, None, fx=settings.glance, fy=settings.glance, interpolation=cv2.INTER_AREA)
    small = (small > 255 * settings.ink_min).astype(np.uint8)
    glance = replace(
        settings,
        letter_px=round(settings.glance * settings.letter_px),
        length_min=settings.glance_length * settings.length_min,
    )
    angles = np.arange(-settings.angle_max_deg, settings.angle_max_deg + 0.1, settings.angle_step_deg)
    seen = np.zeros(len(angles), bool)
    step = round(1 / settings.glance)
    for i in range(0, len(angles), step):
        if next(_strokes(small, float(angles[i]), glance), None) is not None:
            seen[max(0, i - step + 1) : i + step] = True
    return angles[seen & (np.abs(angles) >= settings.angle_min_deg)]


def _strokes(ink: np.ndarray, angle_deg: float, settings: StrikeSettings) -> Iterator[np.ndarray]:
    """Ends ``(2, 2)`` of the longest run of ink of each row in one direction, where it is long enough."""
    turned, back = _turned(ink, angle_deg)
    count = np.cumsum(turned, axis=1, dtype=np.int32)
    run = count - np.maximum.accumulate(np.where(turned, 0, count), axis=1)
    for row in np.flatnonzero(run.max(1) >= settings.length_min * settings.letter_px):
        end = int(run[row].argmax())
        ends = np.array([[end - run[row, end], row, 1], [end, row, 1]], float)
        yield ends @ back.T


def _turned(ink: np.ndarray, angle_deg: float) -> tuple[np.ndarray, np.ndarray]:
    """Ink turned by an angle, and the affine matrix that turns places on it back."""
    high, wide = ink.shape
    turn = cv2.getRotationMatrix2D((wide / 2, high / 2), angle_deg, 1.0)
    radians = np.radians(abs(angle_deg))
    size = (
        int(wide * np.cos(radians) + high * np.sin(radians)) + 1,
        int(high * np.cos(radians) + wide * np.sin(radians)) + 1,
    )
    turn[:, 2] += (size[0] - wide) / 2, (size[1] - high) / 2
    turned = cv2.warpAffine(ink, turn, size, flags=cv2.INTER_NEAREST)
    turned = cv2.dilate(turned, np.ones((2, 2), np.uint8))  # turning leaves gaps of a pixel
    return turned, cv2.invertAffineTransform(turn)


def _crosses(stroke: np.ndarray, words: np.ndarray, settings: StrikeSettings) -> bool:
    """Whether a stroke, given by its ends, runs through the middle of the words' box."""
    along, down = (stroke[0] + np.linspace(0, 1, 50)[:, None] * (stroke[1] - stroke[0])).T
    low, high = words[1] + np.array(settings.middle) * (words[3] - words[1])
    inside = (along > words[0]) & (along < words[2]) & (down > low) & (down < high)
    length = float(np.linalg.norm(stroke[1] - stroke[0]))
    return bool(inside.mean() * length > settings.middle_length_min * settings.letter_px)


def _is_a_pen_s(ink: np.ndarray, stroke: np.ndarray, words: np.ndarray, settings: StrikeSettings) -> bool:
    """Whether a stroke lies bare between letters, or beside them, or else runs over much of the words."""
    (x0, y0), (x1, y1) = stroke[np.argsort(stroke[:, 0])]
    if x1 - x0 >= settings.covered_min * (words[2] - words[0]):
        return True
    columns = np.arange(max(0, int(x0)), min(ink.shape[1], int(x1) + 1))
    path = y0 + (y1 - y0) * (columns - x0) / max(1.0, x1 - x0)
    low, high = max(0, int(words[1])), int(np.ceil(words[3]))
    away = np.abs(np.arange(low, min(high, len(ink)))[:, None] - path) > settings.bare_reach * settings.letter_px
    bare = ~(ink[low:high, columns].astype(bool) & away).any(0)
    return bool(bare.mean() >= settings.bare_min)


@dataclass(frozen=True)
class StampStrikeSettings:
    """What strikes a whole stamp out; lengths in heights of its lines."""

    height_min_px: float = 6.0  # lower lines are specks
    letter_px: int = 24  # height to which the lines are brought
    ink_min: float = 0.35  # of a reduced pixel: thin strokes survive
    dark_max: float = 0.5  # of the ground: where letters are light, all between them are strokes
    angle_min_deg: float = 8.0  # of a cross: rules of blanks are more level
    angle_step_deg: float = 4.0  # a pen's width over such a length
    length_min: float = 1.7  # letters of one line are shorter
    apart_deg: float = 25.0  # at least, between the strokes of a cross
    arm_min: float = 1.0  # of a cross, from where its strokes meet: a letter X of a pen has shorter ones
    beside: float = 3.0  # behind the legend, where it is filled in, a cross that begins over it may meet as well
    around: tuple[float, float] = (6.0, 1.5)  # along the lines and across them, what is looked at
    strokes_max: int = 1000  # more are a photograph, or a screened ground
    tried_max: int = 40  # of the pairs that cross, those with the longest arms, and of single strokes the longest
    whole_share: float = 0.75  # of the stamp's length that a single slanting stroke runs over ...
    whole_down: float = 0.6  # ... and of its height
    fine_step_deg: float = 0.4  # a pen's width over a stamp's length
    lead: float = 0.2  # a level stroke begins so far before the words at least and ends so far behind them ...
    lead_max: float = 2.5  # ... and so far beyond the stamp at most: the rules of forms run on
    words_min: float = 3.0  # of the words: a dash stands before and behind a number
    thin_max: float = 0.35  # it is no thicker
    stray: float = 0.12  # from an even curve
    middle: tuple[float, float] = (0.1, 0.9)  # of the height of the words, where it runs
    stems_min: float = 0.1  # of the columns of the words that go on above it, and so many below ...
    stem: float = 0.17  # ... so far from its middle: what only touches a rule stands on one side;
    hung_min: float = 0.4  # of them that go on below, where it runs from side to side of the stamp, under a line
    inked_min: float = 0.96  # of the columns of the words: between letters as well


def is_stamp_struck(
    scan: Scan, legend: Sequence[np.ndarray], *, settings: StampStrikeSettings = StampStrikeSettings()
) -> bool:
    """Whether a whole stamp was struck out: with a cross over its lines or a level stroke through one.

    Crosses are looked for over stamps of two lines or more.

    Args:
        scan: the page.
        legend: corners ``(4, 2)`` of the stamp's printed lines, from where each begins and clockwise.
        settings: sizes.
    """
    height = float(np.median([np.linalg.norm(corners[3] - corners[0]) for corners in legend]))
    if height < settings.height_min_px:
        return False
    share, lines = _set_level(scan.ink, np.array(legend, float), height, settings)
    ink = (share > settings.ink_min).astype(np.uint8)
    boxes = [_close_around(ink, line) for line in lines]
    stamp = union(*boxes)
    ground = share[stamp[1] : stamp[3], stamp[0] : stamp[2]]
    if not ground.size or float(ground.mean()) > settings.dark_max:
        return False
    if any(_is_struck_level(ink, box, stamp, settings) for box in boxes):
        return True
    usual_end = round(float(np.median([box[2] for box in boxes])))  # some lines run on into what is filled in
    return len(boxes) > 1 and _is_crossed(ink, (*stamp[:2], usual_end, stamp[3]), settings)


def _set_level(
    ink: np.ndarray, legend: np.ndarray, height: float, settings: StampStrikeSettings
) -> tuple[np.ndarray, np.ndarray]:
    """Shares of ink of a stamp and around it, its lines level and at their usual height, and their corners there."""
    low = np.maximum(0, legend.min((0, 1)) - settings.around[0] * height).astype(int)
    high = (legend.max((0, 1)) + settings.around[0] * height).astype(int)
    scale = settings.letter_px / height
    cut = ink[low[1] : high[1], low[0] : high[0]].astype(np.float32)
    share = cv2.resize(cut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    along = (legend[:, 1] - legend[:, 0]).sum(0)
    along /= np.linalg.norm(along)
    turn = np.array([along, (-along[1], along[0])])
    placed = (legend - low) * scale @ turn.T
    more = np.array(settings.around) * settings.letter_px
    shift = more - placed.min((0, 1))
    wide, deep = (placed.max((0, 1)) + shift + more).astype(int).tolist()
    level = cv2.warpAffine(share, np.hstack([turn, shift[:, None]]), (wide, deep), flags=cv2.INTER_LINEAR)
    return level, placed + shift


def _close_around(ink: np.ndarray, corners: np.ndarray) -> Box:
    """The box of a level line, close around its ink."""
    (x0, y0), (x1, y1) = np.rint(corners.min(0)).astype(int).tolist(), np.rint(corners.max(0)).astype(int).tolist()
    x, y, wide, high = cv2.boundingRect(ink[y0:y1, x0:x1])
    return (x0 + x, y0 + y, x0 + x + wide, y0 + y + high) if wide else (x0, y0, x1, y1)


def _is_crossed(ink: np.ndarray, legend: Box, settings: StampStrikeSettings) -> bool:
    """Whether two long slanting strokes cross over a legend, or one runs from end to end of it."""
    x0, y0, x1, y1 = legend
    px = settings.letter_px
    near = ink[:, : round(x1 + (settings.beside + settings.length_min) * px)]
    angles = np.arange(settings.angle_min_deg, 90 - settings.angle_min_deg / 2, settings.angle_step_deg)
    found = [stroke for angle in (*-angles, *angles) for stroke in _runs(near, angle, round(settings.length_min * px))]
    if not 0 < len(found) <= settings.strokes_max:
        return False
    ends = np.array(found)
    if _runs_from_end_to_end(near, ends, (x0, y0, x1, y1), settings):
        return True
    x, y, arms = _meetings(ends, settings)
    inside = (x > x0) & (x < x1 + settings.beside * px) & (y > y0) & (y < y1)
    over = ends[..., 0].min(1) < x1
    pairs = np.argwhere(inside & (over | over[:, None]) & (arms >= settings.arm_min * px))
    pairs = pairs[np.argsort(-arms[tuple(pairs.T)])][: settings.tried_max]
    return any(_is_drawn(near, drawn.reshape(-1, 2), settings) for drawn in ends[pairs])


def _runs_from_end_to_end(ink: np.ndarray, ends: np.ndarray, legend: Box, settings: StampStrikeSettings) -> bool:
    """Whether one of the longest slanting strokes, turned a little, runs on over the length and height of a legend."""
    x0, y0, x1, y1 = legend
    step = ends[:, 1] - ends[:, 0]
    longest = np.argsort(-np.linalg.norm(step, axis=1))[: settings.tried_max]
    middle, angle = ends[longest].mean(1), np.arctan2(step[longest, 1], step[longest, 0])
    finely = np.radians(np.arange(-settings.angle_step_deg, settings.angle_step_deg, settings.fine_step_deg))
    slope = np.tan(angle[:, None] + finely)[..., None]
    x = np.arange(x0, x1)
    y = np.rint(middle[:, 1, None, None] + slope * (x - middle[:, 0, None, None])).astype(int)
    inside = (y >= y0 - settings.letter_px) & (y < y1 + settings.letter_px)
    fat = cv2.dilate(ink, np.ones((3, 1), np.uint8))
    inked = fat[np.clip(y, 0, len(ink) - 1), x] > 0
    share = (inked & inside).sum(2) / np.maximum(1, inside.sum(2))
    wide = inside.sum(2) >= settings.whole_share * (x1 - x0)
    high = np.ptp(np.clip(y, y0, y1), axis=2) >= settings.whole_down * (y1 - y0)
    return bool((wide & high & (share >= settings.inked_min)).any())


def _meetings(ends: np.ndarray, settings: StampStrikeSettings) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where each two of strokes ``(n, 2, 2)`` cross, and how far the shortest arm reaches from there; else negative."""
    start, step = ends[:, 0], ends[:, 1] - ends[:, 0]
    length = np.linalg.norm(step, axis=1)
    turn = step[:, None, 0] * step[:, 1] - step[:, None, 1] * step[:, 0]
    crossing = np.abs(turn) > np.sin(np.radians(settings.apart_deg)) * length[:, None] * length
    turn = np.where(crossing, turn, 1)
    apart = start - start[:, None]
    along = (apart[..., 0] * step[:, 1] - apart[..., 1] * step[:, 0]) / turn  # of the first, in shares of it
    other = (apart[..., 0] * step[:, None, 1] - apart[..., 1] * step[:, None, 0]) / turn
    arms = np.minimum(np.minimum(along, 1 - along) * length[:, None], np.minimum(other, 1 - other) * length)
    x, y = np.moveaxis(start[:, None] + along[..., None] * step[:, None], -1, 0)
    return x, y, np.where(crossing, arms, -1.0)


def _is_drawn(ink: np.ndarray, ends: np.ndarray, settings: StampStrikeSettings) -> bool:
    """Whether strokes are drawn on paper, and not found in a dark bar or in a heavy word."""
    low, high = np.maximum(0, np.rint(ends.min(0))).astype(int), np.rint(ends.max(0)).astype(int) + 1
    return float(ink[low[1] : high[1], low[0] : high[0]].mean()) <= settings.dark_max


def _runs(ink: np.ndarray, angle_deg: float, least: int) -> Iterator[np.ndarray]:
    """Ends ``(2, 2)`` of all straight runs of ink in one direction that are so long."""
    turned, back = _turned(ink, angle_deg)
    long = cv2.morphologyEx(turned, cv2.MORPH_OPEN, np.ones((1, least), np.uint8))
    for row in np.flatnonzero(long.any(1)):
        for start, end in np.flatnonzero(np.diff(long[row], prepend=0, append=0)).reshape(-1, 2):
            yield np.array([[start, row, 1], [end, row, 1]], float) @ back.T


def _is_struck_level(ink: np.ndarray, line: Box, stamp: Box, settings: StampStrikeSettings) -> bool:
    """Whether a thin stroke leads into a line of print, on through its letters and the gaps between them, and out."""
    x0, y0, x1, y1 = line
    if x1 - x0 < settings.words_min * settings.letter_px:
        return False
    least, most = settings.lead * settings.letter_px, settings.lead_max * settings.letter_px
    before, behind = x0 - _LEAD_PX, x1 + _LEAD_PX
    columns = np.arange(x0, x1)
    rights = list(_leads(ink, (behind, y0, y1), 1, settings))
    for left in _leads(ink, (before, y0, y1), -1, settings) if rights else ():
        for right in rights:
            start, end = before - len(left), behind + len(right)
            if min(len(left), len(right)) < least or start < stamp[0] - most or end > stamp[2] + most:
                continue
            places = np.concatenate([before - np.arange(len(left)), behind + np.arange(len(right))])
            path = np.polyval(np.polyfit(places, np.concatenate([left, right]), 2), columns)
            under = min(left[-1], right[-1]) > stamp[1] + settings.letter_px / 2
            across = under and start < stamp[0] and end > stamp[2]
            if _runs_through_letters(ink, columns, path, (y0, y1), across, settings):
                return True
    return False


_LEAD_PX = 2
"""From the box of a line to the columns beside it where strokes that lead into it begin."""


def _runs_through_letters(
    ink: np.ndarray,
    columns: np.ndarray,
    path: np.ndarray,
    band: tuple[int, int],
    across: bool,
    settings: StampStrikeSettings,
) -> bool:
    """Whether a path along a line of print is inked between the letters as well, and they stand out on both sides.

    Or below it alone, where it runs `across` the stamp from side to side, under another of its lines.
    """

    def inked(reach: np.ndarray) -> np.ndarray:
        rows = np.rint(path + reach[:, None] * settings.letter_px).astype(int)
        return ink[np.clip(rows, 0, len(ink) - 1), columns].any(0)

    stray = np.linspace(-settings.stray, settings.stray, 7)
    above, below = (inked(np.array([way * settings.stem])).mean() for way in (-1, 1))
    share = (path.mean() - band[0]) / (band[1] - band[0])
    return bool(
        settings.middle[0] <= share <= settings.middle[1]
        and inked(stray).mean() >= settings.inked_min
        and (min(above, below) >= settings.stems_min or (across and below >= settings.hung_min))
    )


def _leads(
    ink: np.ndarray, start: tuple[int, int, int], way: int, settings: StampStrikeSettings
) -> Iterator[np.ndarray]:
    """Heights, column by column, of each thin stroke that leads away from a column between two rows."""
    first, low, high = start
    if not (0 <= first < ink.shape[1] and 0 <= low < high):
        return
    thin = settings.thin_max * settings.letter_px
    edges = np.flatnonzero(np.diff(ink[low:high, first], prepend=0, append=0)).reshape(-1, 2) + low
    for head, foot in edges.tolist():
        if foot - head > thin:
            continue
        middle, found = (head + foot - 1) / 2, list[float]()
        for column in range(first, ink.shape[1] if way > 0 else -1, way):
            rows = np.flatnonzero(ink[:, column])
            rows = rows[np.abs(rows - round(middle)) <= _LEAD_PX]
            if not rows.size:
                break
            if rows.size <= 2 * _LEAD_PX:  # elsewhere something crosses it, as a frame does
                middle += 0.5 * (float(rows.mean()) - middle)
            found.append(middle)
        yield np.array(found)
