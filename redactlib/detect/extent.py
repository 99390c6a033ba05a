"""How much a covered area hides: lines and characters, from the type of the page itself.

Typescript has 10 or 12 characters an inch and 6 lines an inch; print has a mean advance. Both are measured on the lines
that were read, from the places of their characters. What a cover of one line hides is counted between the letters that
are left beside it. What a block hides is weighed with the page's own prose: how often a line is the last of its
paragraph, and so may be short, and whether the lines above and below leave the block's paragraph open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

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
    float ``(n, 4)``, one row of type each, set level: y of its middle, x of both ends, 1 where all of it was read.
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
    half_min: float = 0.85  # heights of a line's box, which has some paper above and below, that lines are apart
    half_share: float = 0.25  # of all steps that are whole numbers of half the commonest one, and not of itself
    off_grid: float = 0.12  # pitches that a step may differ from a whole number of them
    lines_apart: float = 6.5  # pitches; over longer steps the error adds up
    padding: float = 0.65  # characters by which a cover is wider than what it hides, at both ends together
    pen_padding: float = 1.2  # the same of a stroke of the pen
    line_height: float = 0.9  # heights of a line's box that a cover of one line is high
    two_lines: float = 0.6  # the same, beside one distance of lines, that a cover of two is high at least
    amid: float = 0.25  # distances of lines between the middles of a line and of a cover of its rest
    pen_pitch: float = 1.2  # distances of lines that the stroke of a pen on one line may be high
    beside: float = 2.6  # advances between a cover's edge and the middle of the letter beside it, at most
    spread: float = 0.05  # of the advance: copies that were enlarged
    spread_print: float = 0.12  # the same of proportional type
    block_padding: float = 1.1  # the same of a block round its longest line
    apart: float = 6.0  # advances between two parts of a row that are not of one line of prose
    prose: float = 15.0  # advances that a line of prose is long at least, unless it ends a paragraph
    indent: tuple[float, float] = (2.5, 12.0)  # advances that the first line of a paragraph is set in
    near: float = 1.5  # distances of lines between two that have no blank one between them
    short: float = 0.8  # share of the measure; with less, a line ends its paragraph, for no word is so long
    paragraph_lines: float = 4.0  # of prose, until the page says more
    single: float = 0.3  # how much rarer a paragraph is over after its first line than after any other
    within: float = 0.1  # weight of a block that starts or ends amid a paragraph and holds the end of one besides
    last_line: float = 0.1  # share of the width that the last line of a paragraph has at least; all more is as likely
    full_line: float = 0.95  # the same of the others where the page has none: ragged right
    near_enough: float = 0.1  # of the truth: the estimate is the one that is most likely so near
    as_likely: float = 0.95  # of the greatest chance: the middle of all that are about as good
    cells: int = 40  # parts of a line in which lengths are counted
    stepped: float = 0.97  # of the lines, on average: the cover ends where each line ends


ROUGH = ExtentSettings(confidence_min=0.55, letters_min=30, advance_tolerance=0.1, spread=0.12, spread_print=0.2)
"""Where type is worn, or printed in short lines, no line is sure and no two agree: better a rough measure than none."""


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
    page_type = PageType(advance, height, pitch, slope, fixed)
    return replace(page_type, rows=_rows(lines, covers, page_type, settings))


def _advances(line: TextLine, settings: ExtentSettings) -> tuple[float, float, int, float]:
    """Mean step between letters that stand side by side, its scatter, their number; mean step with spaces, pixels."""
    steps = np.diff(line.reading.centres) * (line.box[2] - line.box[0])
    letters = np.array([char.isalpha() for char in line.text])
    side_by_side = np.sort(steps[letters[:-1] & letters[1:]])
    typical = float(side_by_side[len(side_by_side) // 2]) if len(side_by_side) else 0.0
    if typical <= 0:
        return 1.0, 1.0, 0, 1.0
    near, far = np.searchsorted(side_by_side, np.array(settings.side_by_side) * typical)
    close = side_by_side[near:far]
    step = float(close.sum()) / len(close)
    scatter = max(0.0, float(close @ close) / len(close) - step**2) ** 0.5
    steps = steps[steps < settings.hole * typical]
    count = len(steps)
    if line.text.count(" ") < settings.spaces_min * len(line.text):  # wide letters stand as far apart, in print
        count += int(np.count_nonzero(steps > settings.space_gap * typical))
    return step, scatter / step, len(close), float(steps.sum()) / count


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
    like = _crowd(steps[near], weights[near], settings.pitch_tolerance)
    pitch = float(np.average(steps[near][like], weights=weights[near][like]))

    near = (steps > settings.pitch_min * height) & (steps < settings.lines_apart * pitch / 2)

    def on_grid(pitch: float) -> float:
        lines = steps[near] / pitch
        return float(weights[near][np.abs(lines - np.rint(lines)) < settings.off_grid].sum() / weights[near].sum())

    blank = pitch / 2 > settings.half_min * height and on_grid(pitch / 2) - on_grid(pitch) > settings.half_share
    return pitch / 2 if blank else pitch


def _crowd(values: np.ndarray, weights: np.ndarray, tolerance: float) -> np.ndarray:
    """Which values lie together where most weight is: as near as a share of them to the one with most around it."""
    near = np.abs(values[:, None] - values[None]) < tolerance * values[:, None]
    return near[np.argmax(near @ weights)] if len(values) else np.zeros(0, bool)


def centre_line(line: TextLine) -> np.ndarray:
    """Both ends of the line through the middles of a line's letters: float ``(2, 2)``, x and y."""
    top_left, top_right, bottom_right, bottom_left = line.corners
    return np.array([(top_left + bottom_left) / 2, (top_right + bottom_right) / 2], float)


def _rows(
    lines: Sequence[TextLine], covers: Sequence[Box], page_type: PageType, settings: ExtentSettings
) -> np.ndarray:
    """Rows of type, set level: see :class:`PageType`."""
    height, pitch, slope, pieces = page_type.height, page_type.pitch, page_type.slope, []
    for line in lines:
        (x0, a), (x1, b) = centre_line(line)
        if 0.5 * height < line.height < 1.8 * height:
            y = (a + b - slope * (x0 + x1)) / 2
            pieces.append((y, float(x0) + slope * y, float(x1) + slope * y))
    rows: list[list[float]] = []
    for y, x0, x1 in sorted(pieces):
        if rows and y - rows[-1][0] < 0.5 * height:
            apart = max(x0 - rows[-1][2], rows[-1][1] - x1) > settings.apart * page_type.advance
            rows[-1][1:] = [min(rows[-1][1], x0), max(rows[-1][2], x1), 0.0 if apart else rows[-1][3]]
        else:
            rows.append([y, x0, x1, 1.0])
    for x0, y0, x1, y1 in covers:
        y = (y0 + y1 - slope * (x0 + x1)) / 2
        high = max(height, y1 - y0 - abs(slope) * (x1 - x0))
        here = [r for r in rows if abs(r[0] - y) < high / 2]
        for row in here:
            row[3] = 0.0
        count = 1 + max(0, round((high - 0.9 * height) / pitch))
        for k in range(count if len(here) < count else 0):
            middle = y + (k - (count - 1) / 2) * pitch
            rows.append([middle, x0 + slope * middle, x1 + slope * middle, 0.0])
    return np.array(sorted(rows), float).reshape(-1, 4)


def hidden_extent(
    box: Box,
    polygon: Sequence[Point],
    page_type: PageType,
    lines: Sequence[TextLine] = (),
    *,
    pen: bool = False,
    bare: bool = False,
    settings: ExtentSettings = ExtentSettings(),
) -> tuple[int, int, tuple[int, int]]:
    """Lines and characters that a covered area holds, and the range in which the characters lie.

    Args:
        box, polygon: the cover, page pixels; no polygon is the box.
        lines: the text that is left on the page.
        pen: whether it is the stroke of a pen, which is careless about its ends and its height.
        bare: whether nothing is seen of the cover itself, whose box is then the room that the text leaves for it.

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
    if count == 2 and len(rows) == 1 and plain < page_type.pitch + settings.two_lines * page_type.height:
        y = (y0 + y1 - page_type.slope * (x0 + x1)) / 2
        if (np.abs(page_type.rows[:, 0] - y) < settings.amid * page_type.pitch).any():  # a line goes on beside it
            count, rows = 1, np.ones(1)
    spread = settings.spread if page_type.fixed else settings.spread_print
    before, after = _beside(box, page_type, lines, settings) if count == 1 else ([], [])
    if count == 1 and (before or after or not bare):
        padding = settings.pen_padding if pen else settings.padding
        chars = _between(box, before, after, page_type, padding)
        slack = 0.5 + 0.5 * pen
    elif not bare and rows.mean() < settings.stepped * count:
        chars = float(rows.sum()) * (x1 - x0) / len(rows) / page_type.advance - count * settings.padding
        slack = 0.5 * count
    else:
        width = max(1.0, (x1 - x0) / page_type.advance - settings.block_padding)
        typed, fills = _block(box, count, page_type, bare, settings)
        low, chars, high = (width * fill * float(rows.mean()) / count for fill in fills)
        return typed, max(1, round(chars)), (max(1, int(low * (1 - spread))), int(np.ceil(high * (1 + spread))))
    low, high = chars * (1 - spread) - slack, chars * (1 + spread) + slack
    return count, max(1, round(chars)), (max(1, int(low)), int(np.ceil(high)))


def _thickness(box: Box, polygon: Sequence[Point]) -> np.ndarray:
    """Height of a polygon at every fourth column of its box."""
    x0, y0, x1, y1 = box
    mask = np.zeros((max(1, (y1 - y0) // 2), max(1, (x1 - x0) // 4)), np.uint8)
    corners = (np.array(polygon, float) - (x0, y0)) / (4, 2)
    cv2.fillPoly(mask, [np.rint(corners).astype(np.int32)], (1,))
    return 2.0 * mask.sum(0)


def _beside(
    box: Box, page_type: PageType, lines: Sequence[TextLine], settings: ExtentSettings
) -> tuple[list[float], list[float]]:
    """The middles of the letters that are left in a line before a cover, and behind it."""
    x0, y0, x1, y1 = box
    advance, middle = page_type.advance, (y0 + y1) / 2
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
    return before, after


def _between(box: Box, before: Sequence[float], after: Sequence[float], page_type: PageType, padding: float) -> float:
    """Characters that a cover of one line hides, counted from the letters that are left beside it where there are."""
    advance = page_type.advance
    left, right = box[0] + padding / 2 * advance, box[2] - padding / 2 * advance
    space = advance if page_type.fixed else 0.55 * advance
    if before:
        edge = max(before) + 0.5 * advance
        left = edge + space * max(1, round((left - edge) / space))
    if after:
        edge = min(after) - 0.5 * advance
        right = edge - space * max(1, round((edge - right) / space))
    return max(1.0, (right - left) / advance)


@dataclass(frozen=True, eq=False)
class _Prose:
    """How a page's paragraphs run, set level: margins and indent, pixels; lengths of full lines ``(n,)``.

    `ends` is the chance that a line is the last of its paragraph, `blank` that a blank one follows, `marked` that the
    first line of a paragraph is set in.
    """

    left: float
    right: float
    indent: float
    full: np.ndarray
    ends: float
    blank: float
    marked: float


def _prose(page_type: PageType, settings: ExtentSettings) -> _Prose:
    (y, x0, x1, whole), advance = page_type.rows.T, page_type.advance
    body = (whole > 0) & (x1 - x0 > settings.prose * advance)
    if not body.any():
        return _Prose(0.0, 0.0, 0.0, np.zeros(0), 1 / settings.paragraph_lines, 0.5, 0.0)
    left, right = float(np.percentile(x0[body], 20)), float(np.percentile(x1[body], 90))
    column = (whole > 0) & (x0 < (left + right) / 2) & (x1 > left)
    steps = np.diff(y) / page_type.pitch
    set_in = x0 > left + settings.indent[0] * advance
    parted = np.append(steps > settings.near, False)
    short = x1 < left + settings.short * (right - left)
    last = column & (parted | short | np.append((set_in & column)[1:], False))
    first = column & (set_in | np.insert(parted[:-1], 0, True)) & (x0 < left + settings.indent[1] * advance)
    lines, ends = column & ~(first & last), last & ~first  # what is both is a heading
    blank = parted[:-1][ends[:-1] & (steps < 2 * settings.near)]
    return _Prose(
        left=left,
        right=right,
        indent=max(0.0, float(np.median(x0[first]) - left)) if first.any() else 0.0,
        full=(x1 - left)[lines & ~last],
        ends=float((ends.sum() + 1) / (lines.sum() + settings.paragraph_lines)),
        blank=float((blank.sum() + 0.5) / (len(blank) + 1)),
        marked=float(set_in[first].mean()) if first.any() else 0.0,
    )


def _block(
    box: Box, count: int, page_type: PageType, bare: bool, settings: ExtentSettings
) -> tuple[int, tuple[float, float, float]]:
    """How many of `count` rows a block's text stands in, and their lengths in all: at least, most likely, at most.

    Lengths are parts of the block's width. Prose is a chain of lines: each is followed by another one of its paragraph,
    or it is the last, which may be short; behind it stands a blank one or a new paragraph. The chances of every length
    are carried on from row to row, from what the line above the block says to what the one below says. What is withheld
    is one passage: a block is rather of one paragraph than of parts of two.
    """
    prose, pitch, cells = _prose(page_type, settings), page_type.pitch, settings.cells
    width = max(1.0, box[2] - box[0] - settings.block_padding * page_type.advance)
    top = (box[1] + box[3] - page_type.slope * (box[0] + box[2]) - (count - 1) * pitch) / 2
    opening, closing = _bounds(top, top + (count - 1) * pitch, prose, page_type, settings)

    def chances(lengths: np.ndarray) -> np.ndarray:
        at = np.rint(cells * np.clip(lengths / width, 0, 1)).astype(int)
        return np.bincount(at, minlength=cells + 1) / len(at)

    def add(lengths: np.ndarray, line: np.ndarray) -> np.ndarray:
        return np.stack([np.convolve(mass, line)[: lengths.shape[1]] for mass in lengths])

    lengths = prose.full[(prose.full > settings.short * width) & (prose.full < width + page_type.advance)]
    lengths = lengths if len(lengths) else np.full(1, settings.full_line * width)
    full, first, last = (
        chances(v) for v in (lengths, lengths - prose.indent, np.linspace(settings.last_line, 1, cells) * width)
    )
    # chance of each length, and that times the blank rows in it: where a paragraph goes on, is over, and is to begin
    goes_on, over, begins = (np.zeros((2, count * cells + 1)) for _ in range(3))
    goes_on[0, 0], begins[0, 0] = 1 - opening, opening
    more = 1.0 if opening > 0.5 and closing == 1 else settings.within
    for row in range(count):
        fresh = (more if row else 1.0) * (begins + (1 - prose.blank) * over)
        ends, single = prose.ends, settings.single * prose.ends
        blank = prose.blank * np.stack([over[0], over[1] + over[0]])
        goes_on, over, begins = (
            add((1 - ends) * goes_on, full) + add((1 - single) * fresh, first),
            add(ends * goes_on + single * fresh, last),
            blank,
        )
    chance, blanks = (1 - closing) * goes_on + closing * over
    up_to = np.cumsum(chance + 1e-12) / (chance + 1e-12).sum()
    # one line of them is as long as a cover is wide
    longest = 0.0 if bare else 1 - float(np.minimum(lengths / width, 1).mean())
    at = np.arange(len(up_to)) / cells + longest
    low, high = np.interp((0.05, 0.95), up_to, at)
    over, under = (np.interp(at / (1 + part), at, up_to) for part in (-settings.near_enough, settings.near_enough))
    best = at[over - under > settings.as_likely * (over - under).max()].mean()
    return count - round(float(blanks.sum() / max(chance.sum(), 1e-12))), (float(low), float(best), float(high))


def _bounds(
    top: float, bottom: float, prose: _Prose, page_type: PageType, settings: ExtentSettings
) -> tuple[float, float]:
    """Chance that a block begins with a paragraph, and that it ends with one: 0.5 where nothing is known of it.

    Args:
        top, bottom: the middles of its first and last row, set level.
    """
    (y, x0, x1, whole), near = page_type.rows.T, settings.near * page_type.pitch
    above, below = (
        np.flatnonzero(y < top - page_type.pitch / 2)[-1:],
        np.flatnonzero(y > bottom + page_type.pitch / 2)[:1],
    )
    opening, closing = 0.5, 0.5
    for i in above:
        if top - y[i] > near or x1[i] < prose.left + settings.short * (prose.right - prose.left):
            opening = 1.0
        else:  # a long line may be the last one too, if no blank one follows
            opening = prose.ends * (1 - prose.blank) if whole[i] else prose.ends
    for i in below:
        if y[i] - bottom > near or x0[i] > prose.left + settings.indent[0] * page_type.advance:
            closing = 1.0
        elif whole[i] and max(prose.marked, prose.blank) >= 0.5:
            closing = 0.0
    return opening, closing
