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
    chars_min: int = 8
    lines_min: int = 3
    space_gap: float = 1.65  # advances between two letters that have a space between them which was not read
    snap: float = 0.035  # how near to a typewriter's pitch counts as one
    pitch_max: float = 3.2  # heights between two lines; more is a paragraph
    padding: float = 0.65  # characters by which a cover is wider than what it hides, at both ends together
    pen_padding: float = 1.2  # the same of a stroke of the pen
    beside: float = 2.6  # advances between a cover's edge and the middle of the letter beside it, at most
    spread: float = 0.05  # of the advance: copies that were enlarged
    spread_print: float = 0.12  # the same of proportional type
    indent: float = 9.0  # advances by which a line of a block may begin right or left of it
    rows_min: int = 6  # of the page, that tell how full the lines of a block are
    stepped: float = 0.97  # of the lines, on average: the cover ends where each line ends
    short_line: float = 0.5  # of a line is missing from a block of a page that does not tell


def measure_type(
    lines: Sequence[TextLine], dpi: float, covers: Sequence[Box] = (), *, settings: ExtentSettings = ExtentSettings()
) -> PageType | None:
    """Measures of the running type of level lines; ``None`` where too few were read.

    Args:
        covers: boxes of redactions; a line that one of them cuts short is no measure of how long lines are.
    """
    read = [t for t in lines if t.confidence >= settings.confidence_min and len(t.text) >= settings.chars_min]
    read = [t for t in read if len(t.reading.centres) == len(t.text)]
    height = float(np.median([t.height for t in read] or [0.0]))
    read = [t for t in read if 0.6 * height <= t.height <= 1.6 * height]
    if len(read) < settings.lines_min:
        return None
    width, count = 0.0, 0
    for line in read:
        steps = np.diff(line.reading.centres) * (line.box[2] - line.box[0])
        spaced = np.array([a == " " or b == " " for a, b in zip(line.text, line.text[1:], strict=False)])
        typical = max(float(np.sort(steps)[len(steps) // 2]), 1e-6)
        width += float(steps.sum())
        count += len(steps) + int(np.sum((steps > settings.space_gap * typical) & ~spaced))
    advance = width / max(count, 1)
    nearest = min((dpi / pitch for pitch in TYPEWRITER_PITCHES), key=lambda a: abs(a - advance))
    fixed = abs(nearest - advance) < settings.snap * advance
    middles = np.sort([(t.box[1] + t.box[3]) / 2 for t in read])
    steps = np.diff(middles)
    steps = steps[(steps > 0.6 * height) & (steps < settings.pitch_max * height)]
    pitch = float(np.median(steps)) if len(steps) else dpi / 6
    along = np.array([t[1] - t[0] for t in map(centre_line, read)])
    slope = float(np.median(along[:, 1] / np.maximum(along[:, 0], 1)))
    rows = _rows(lines, covers, height, pitch, slope)
    return PageType(nearest if fixed else advance, height, pitch, slope, fixed, rows)


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
        pen: whether it is the stroke of a pen, which is careless about its ends and covers one line.

    >>> hidden_extent((0, 0, 300, 40), (), PageType(advance=30, height=45, pitch=50, fixed=True))
    (1, 9, (8, 11))
    """
    x0, y0, x1, y1 = box
    thick = np.full(1, y1 - y0, float) if len(polygon) < 3 else _thickness(box, polygon)
    rows = (
        np.ones_like(thick) if pen else 1 + np.maximum(0, np.rint((thick - 0.9 * page_type.height) / page_type.pitch))
    )
    count = round(float(np.percentile(rows, 90)))
    spread = settings.spread if page_type.fixed else settings.spread_print
    if count == 1:
        chars = _between(box, page_type, lines, settings.pen_padding if pen else settings.padding, settings)
        slack = 0.5 + 0.5 * pen
    elif rows.mean() < settings.stepped * count:
        chars = float(rows.sum()) * (x1 - x0) / len(rows) / page_type.advance - count * settings.padding
        slack = 0.5 * count
    else:
        width = max(1.0, (x1 - x0) / page_type.advance - settings.padding)
        typed, fill, varies = _block(box, count, page_type, settings)
        chars, slack = width * typed * fill * float(rows.mean()) / count, width * varies
        count = max(1, round(typed))
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
    reach, inside = settings.beside * advance, 0.7 * advance
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


def _block(box: Box, count: int, page_type: PageType, settings: ExtentSettings) -> tuple[float, float, float]:
    """What a block as high as `count` lines holds on this page.

    Returns:
        number of lines, less the blank ones between paragraphs; how full they are; lines by which a block may err.
    """
    rows, pitch, width = page_type.rows, page_type.pitch, box[2] - box[0]
    last = (count - 1) * pitch
    typed = []
    for y in rows[:, 0]:
        inside = rows[(rows[:, 0] > y - 0.3 * pitch) & (rows[:, 0] < y + last + 0.4 * pitch), 0]
        if inside[-1] > y + last - 0.4 * pitch:
            typed.append(len(inside))
    # the mean is right for many blocks, the median for most: most lines are full, a few are very short
    like = (rows[:, 3] > 0) & (rows[:, 1] < box[0] + settings.indent * page_type.advance)
    like &= rows[:, 1] > box[0] - settings.indent * page_type.advance
    fills = np.minimum(1.0, (rows[like, 2] - box[0]) / width)
    if len(fills) < settings.rows_min or not typed:
        return count, 1 - settings.short_line / count, 0.5
    mean = min(float(count), float(np.mean(typed)))
    return (
        mean,
        float(fills.mean() + np.median(fills)) / 2,
        float(np.hypot(fills.std() * np.sqrt(count), np.std(typed))),
    )
