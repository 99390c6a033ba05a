"""How much a covered area hides: lines and characters, from the type of the page itself.

Typescript has 10 or 12 characters an inch and 6 lines an inch; print has a mean advance. Both are measured on the lines
that were read, from the places of their characters. What a cover of one line hides is counted between the letters that
are left beside it, what a block hides by how full blocks of that height are on the same page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from redactlib.marks import Box, Point
from redactlib.reading import TextLine

TYPEWRITER_PITCHES = (10.0, 12.0)
"""Characters an inch: pica and elite."""


@dataclass(frozen=True)
class PageType:
    """Measures of a page's running type, pixels: mean advance of a character, height of a line, distance of lines.

    `slope` is how far lines fall a pixel to the right; `fixed` says whether the advance is a typewriter's. `rows` is
    float ``(n, 4)``, one row of type each, set level: y of its middle, x of both ends, 1 where no cover cuts it short.
    """

    advance: float
    height: float
    pitch: float
    slope: float = 0.0
    fixed: bool = False
    rows: np.ndarray = field(default_factory=lambda: np.zeros((0, 4)), compare=False, repr=False)


@dataclass(frozen=True)
class ExtentSettings:
    """Which lines are measured, and how sure the measures are."""

    confidence_min: float = 0.75
    chars_min: int = 5
    lines_min: int = 3
    letters_min: int = 40  # in all: a page of rests of lines says nothing
    body_share: float = 0.4  # of all that is read; where stamps and labels prevail, the text has no measure
    side_by_side: tuple[float, float] = (0.5, 1.5)  # of the typical step; others stand for letters that were not read
    hole: float = 3.5  # typical steps between two letters that are further apart than any space
    uneven_max: float = 0.2  # scatter of a typewriter's steps, as they are read; printed letters have their own widths
    spaces_min: float = 0.1  # share of a line's characters; with fewer of them, some were not read
    space_gap: float = 1.65  # typical steps between two letters that have such a space between them
    space_min: float = 0.97  # mean step with spaces against that between letters: printed spaces are narrow
    snap: float = 0.035  # how near to a typewriter's pitch counts as one
    advance_tolerance: float = 0.05  # lines of one type differ so much; headings, stamps and labels are of another
    pitch_min: float = 0.6  # heights between two lines; less is one line in two parts
    pitch_max: float = 3.2  # more is a paragraph
    pitch_tolerance: float = 0.08
    half_share: float = 0.6  # of the commonest step that half of it has: then the step holds a blank line
    padding: float = 0.65  # characters by which a cover is wider than what it hides, at both ends together
    pen_padding: float = 1.2  # the same of a stroke of the pen
    line_height: float = 0.9  # heights of a line's box that a cover of one line is high
    pen_pitch: float = 1.2  # distances of lines that the stroke of a pen on one line may be high
    beside: float = 2.6  # advances between a cover's edge and the middle of the letter beside it, at most
    spread: float = 0.05  # of the advance: copies that were enlarged
    spread_print: float = 0.12  # the same of proportional type
    block_padding: float = 1.1  # the same of a block round its longest line
    full_line: tuple[float, float, float] = (0.9, 0.95, 1.0)  # share of the longest one: ragged right
    last_line: tuple[float, float, float] = (0.2, 0.5, 0.8)  # the same of the last one of a paragraph
    paragraph_weight: float = 4.0  # against one block of the page that is just like the hidden one
    bound_weight: float = 0.3  # of one that has type above, or below, and the hidden one has none there, or the reverse
    blank_weight: float = 0.3  # of one that holds a blank line, unless there is white above and below the hidden one
    stepped: float = 0.97  # of the lines, on average: the cover ends where each line ends


def measure_type(
    lines: Sequence[TextLine], dpi: float, covers: Sequence[Box] = (), *, settings: ExtentSettings = ExtentSettings()
) -> PageType | None:
    """Measures of the running type of level lines; ``None`` where too few were read.

    Args:
        covers: boxes of redactions; a line that one of them cuts short is no measure of how long lines are.
    """
    read = [t for t in lines if t.confidence >= settings.confidence_min and len(t.text) >= settings.chars_min]
    read = [t for t in read if len(t.reading.centres) == len(t.text)]
    read = [t for t in read if sum(map(str.isalpha, t.text)) > len(t.text) / 2]
    typed, uneven, letters, mean = np.array([_advances(t, settings) for t in read]).reshape(-1, 4).T
    heights = np.array([t.height for t in read])
    body = _crowd(typed, inked := letters * heights, settings.advance_tolerance)
    height = float(np.median(heights[body])) if body.any() else 0.0
    body &= (heights > 0.6 * height) & (heights < 1.6 * height)
    if body.sum() < settings.lines_min or letters[body].sum() < settings.letters_min:
        return None
    if inked[body].sum() < settings.body_share * inked.sum():
        return None
    advance = float(np.average(typed[body], weights=letters[body]))
    nearest = min((dpi / pitch for pitch in TYPEWRITER_PITCHES), key=lambda a: abs(a - advance))
    scatter, spaced = (float(np.average(v[body], weights=letters[body])) for v in (uneven, mean))
    fixed = abs(nearest - advance) < settings.snap * advance
    fixed = fixed and scatter < settings.uneven_max and spaced > settings.space_min * advance
    advance = nearest if fixed else spaced
    read = [t for t, of_body in zip(read, body, strict=True) if of_body]
    ends = np.array([centre_line(t) for t in read])
    slope = float(np.median((ends[:, 1, 1] - ends[:, 0, 1]) / np.maximum(ends[:, 1, 0] - ends[:, 0, 0], 1)))
    pitch = _pitch(ends, height, slope, settings) or dpi / 6
    return PageType(advance, height, pitch, slope, fixed, _rows(lines, covers, height, pitch, slope))


def _advances(line: TextLine, settings: ExtentSettings) -> tuple[float, float, int, float]:
    """Mean step between letters that stand side by side, its scatter, their number; mean step with spaces, pixels."""
    steps = np.diff(line.reading.centres) * (line.box[2] - line.box[0])
    side_by_side = np.array([a.isalpha() and b.isalpha() for a, b in zip(line.text, line.text[1:], strict=False)])
    typical = max(float(np.median(steps[side_by_side])), 1e-6) if side_by_side.any() else 1e-6
    near, far = settings.side_by_side
    close = steps[side_by_side & (steps > near * typical) & (steps < far * typical)]
    if not len(close):
        return 1.0, 1.0, 0, 1.0
    steps = steps[steps < settings.hole * typical]
    count = len(steps)
    if line.text.count(" ") < settings.spaces_min * len(line.text):  # wide letters stand as far apart, in print
        count += int(np.sum(steps > settings.space_gap * typical))
    return float(close.mean()), float(close.std() / close.mean()), len(close), float(steps.sum()) / count


def _pitch(ends: np.ndarray, height: float, slope: float, settings: ExtentSettings) -> float | None:
    """Distance of lines of type by the middles of their ends, float ``(n, 2, 2)``; a line counts by its length.

    Blank lines between paragraphs and lines under a cover make some steps twice or three times as long.
    """
    middle, long = ends[..., 1].mean(1) - slope * ends[..., 0].mean(1), ends[:, 1, 0] - ends[:, 0, 0]
    order = np.argsort(middle)
    steps, weights = np.diff(middle[order]), np.minimum(long[order][1:], long[order][:-1])
    near = (steps > settings.pitch_min * height) & (steps < settings.pitch_max * height)
    if not near.any():
        return None
    steps, weights = steps[near], weights[near]
    like = _crowd(steps, weights, settings.pitch_tolerance)
    half = np.abs(2 * steps - np.median(steps[like])) < settings.pitch_tolerance * np.median(steps[like])
    if weights[half].sum() > settings.half_share * weights[like].sum():
        like = half
    return float(np.average(steps[like], weights=weights[like]))


def _crowd(values: np.ndarray, weights: np.ndarray, tolerance: float) -> np.ndarray:
    """Which values lie together where most weight is: as near as a share of them to the one with most around it."""
    near = np.abs(values[:, None] - values[None]) < tolerance * values[:, None]
    return near[np.argmax(near @ weights)] if len(values) else np.zeros(0, bool)


def centre_line(line: TextLine) -> np.ndarray:
    """Both ends of the line through the middles of a line's letters: float ``(2, 2)``, x and y."""
    top_left, top_right, bottom_right, bottom_left = line.corners
    return np.array([(top_left + bottom_left) / 2, (top_right + bottom_right) / 2], float)


def _rows(lines: Sequence[TextLine], covers: Sequence[Box], height: float, pitch: float, slope: float) -> np.ndarray:
    """Rows of type, set level: see :class:`PageType`."""
    pieces = []
    for line in lines:
        (x0, a), (x1, b) = centre_line(line)
        if 0.5 * height < line.height < 1.8 * height:
            pieces.append(((a + b - slope * (x0 + x1)) / 2, float(x0), float(x1)))
    rows: list[list[float]] = []
    for y, x0, x1 in sorted(pieces):
        if rows and y - rows[-1][0] < 0.5 * height:
            rows[-1][1:] = [min(rows[-1][1], x0), max(rows[-1][2], x1), 1.0]
        else:
            rows.append([y, x0, x1, 1.0])
    for x0, y0, x1, y1 in covers:
        y = (y0 + y1 - slope * (x0 + x1)) / 2
        high = max(height, y1 - y0 - abs(slope) * (x1 - x0))
        here = [r for r in rows if abs(r[0] - y) < high / 2]
        for row in here:
            row[3] = 0.0
        count = 1 + max(0, round((high - 0.9 * height) / pitch))
        rows += [[y + (k - (count - 1) / 2) * pitch, x0, x1, 0.0] for k in range(count if len(here) < count else 0)]
    return np.array(sorted(rows), float).reshape(-1, 4)


def hidden_extent(
    box: Box,
    polygon: Sequence[Point],
    page_type: PageType,
    lines: Sequence[TextLine] = (),
    *,
    pen: bool = False,
    settings: ExtentSettings = ExtentSettings(),
) -> tuple[int, int, tuple[int, int]]:
    """Lines and characters that a covered area holds, and the range in which the characters lie.

    Args:
        box, polygon: the cover, page pixels; no polygon is the box.
        lines: the text that is left on the page.
        pen: whether it is the stroke of a pen, which is careless about its ends and its height.

    >>> hidden_extent((0, 0, 300, 40), (), PageType(advance=30, height=45, pitch=50, fixed=True))
    (1, 9, (8, 11))
    """
    x0, y0, x1, y1 = box
    plain = max(1.0, y1 - y0 - abs(page_type.slope) * (x1 - x0))  # a cover leans with the lines that it hides
    of_box = {(x, y) for x in (x0, x1) for y in (y0, y1)}
    thick = np.full(1, plain) if of_box >= set(polygon) else _thickness(box, polygon)
    one = settings.pen_pitch * page_type.pitch if pen else settings.line_height * page_type.height
    rows = 1 + np.maximum(0, np.rint((thick - one) / page_type.pitch))
    count = round(float(np.percentile(rows, 90)))
    spread = settings.spread if page_type.fixed else settings.spread_print
    if count == 1:
        chars = _between(box, page_type, lines, settings.pen_padding if pen else settings.padding, settings)
        slack = 0.5 + 0.5 * pen
    elif rows.mean() < settings.stepped * count:
        chars = float(rows.sum()) * (x1 - x0) / len(rows) / page_type.advance - count * settings.padding
        slack = 0.5 * count
    else:
        width = max(1.0, (x1 - x0) / page_type.advance - settings.block_padding)
        count, fills = _block(box, count, page_type, settings)
        low, chars, high = (width * float(rows.sum() / len(rows)) * fill for fill in fills)
        return count, max(1, round(chars)), (max(1, int(low * (1 - spread))), int(np.ceil(high * (1 + spread))))
    low, high = chars * (1 - spread) - slack, chars * (1 + spread) + slack
    return count, max(1, round(chars)), (max(1, int(low)), int(np.ceil(high)))


def _thickness(box: Box, polygon: Sequence[Point]) -> np.ndarray:
    """Height of a polygon at every fourth column of its box."""
    x0, y0, x1, y1 = box
    mask = np.zeros((max(1, (y1 - y0) // 2), max(1, (x1 - x0) // 4)), np.uint8)
    corners = (np.array(polygon, float) - (x0, y0)) / (4, 2)
    cv2.fillPoly(mask, [np.rint(corners).astype(np.int32)], (1,))
    return 2.0 * mask.sum(0)


def _between(
    box: Box, page_type: PageType, lines: Sequence[TextLine], padding: float, settings: ExtentSettings
) -> float:
    """Characters that a cover of one line hides, counted from the letters that are left beside it where there are."""
    x0, y0, x1, y1 = box
    advance, middle = page_type.advance, (y0 + y1) / 2
    left, right = x0 + padding / 2 * advance, x1 - padding / 2 * advance
    tilt = page_type.slope * (x1 - x0) / 2
    reach, inside = settings.beside * advance, 0.3 * advance
    before, after = [], []
    for line in lines:
        (a, ya), (b, yb) = centre_line(line)
        if not (line.box[1] < y1 and line.box[3] > y0 and b > a and len(line.reading.centres) == len(line.text)):
            continue
        for char, at in zip(line.text, line.reading.centres, strict=True):
            x, y = a + at * (b - a), ya + at * (yb - ya)
            if not char.isalnum() and char not in ".,;:)('\"":  # the cover's own sides are read as strokes
                continue
            if abs(y - middle + tilt) < 0.5 * page_type.height and x0 - reach < x < x0 + inside:
                before.append(x)
            if abs(y - middle - tilt) < 0.5 * page_type.height and x1 - inside < x < x1 + reach:
                after.append(x)
    space = advance if page_type.fixed else 0.55 * advance
    if before:
        edge = max(before) + 0.5 * advance
        left = edge + space * max(1, round((left - edge) / space))
    if after:
        edge = min(after) - 0.5 * advance
        right = edge - space * max(1, round((edge - right) / space))
    return max(1.0, (right - left) / advance)


def _block(
    box: Box, count: int, page_type: PageType, settings: ExtentSettings
) -> tuple[int, tuple[float, float, float]]:
    """How many lines a block as high as `count` lines holds, and how full it is: at least, most likely, at most.

    All blocks of that height on the page are looked at. Those that have a line of type above and below where this one
    has are the most like it; and what is hidden is rather of one paragraph than of two with a blank line between them.
    With them counts a paragraph as such: full lines, but a short one at its end.
    """
    rows, pitch = page_type.rows, page_type.pitch
    y, x0, x1, whole = rows.T
    top = (box[1] + box[3] - page_type.slope * (box[0] + box[2]) - (count - 1) * pitch) / 2

    def bounds(start: float) -> tuple[bool, bool]:
        steps = (start - y) / pitch, (y - start) / pitch - count + 1
        return bool(((steps[0] > 0.5) & (steps[0] < 1.5)).any()), bool(((steps[1] > 0.5) & (steps[1] < 1.5)).any())

    above, below = bounds(top)
    lines = zip(settings.full_line, settings.full_line if below else settings.last_line, strict=True)
    fills = [((count - 1) * full + last) / count for full, last in lines]
    weights, typed = [settings.paragraph_weight / len(fills)] * len(fills), [count] * len(fills)
    blank_weight = settings.blank_weight if above or below else 1.0
    for start in y:
        inside = np.flatnonzero((y > start - 0.3 * pitch) & (y < start + (count - 0.6) * pitch))
        if not whole[inside].all() or y[inside[-1]] < start + (count - 1.4) * pitch:
            continue
        alike = sum(a == b for a, b in zip(bounds(start), (above, below), strict=True))
        fills.append(float((x1 - x0)[inside].sum() / (count * max(1.0, x1[inside].max() - x0[inside].min()))))
        weights.append(settings.bound_weight ** (2 - alike) * (blank_weight if len(inside) < count else 1.0))
        typed.append(len(inside))
    order = np.argsort(fills)
    sorted_weights = np.array(weights)[order]
    at = (np.cumsum(sorted_weights) - sorted_weights / 2) / sorted_weights.sum()
    low, middle, high = np.interp((0.05, 0.5, 0.95), at, np.array(fills)[order])
    return round(float(np.average(typed, weights=weights))), (float(low), float(middle), float(high))
