"""Writing between the lines of a double-spaced draft: ink that stands where no line of type can.

Lines of a typescript follow each other at one distance. What stands halfway between two of them was added afterwards,
whatever it looks like; so neat capitals, which pass for type by their shape, are found by their place.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from redactlib.detect.extent import centre_line
from redactlib.marks import Box, area, intersection, union
from redactlib.reading import PageText, TextLine


@dataclass(frozen=True)
class InterlinearSettings:
    """Which lines are a draft's, and what may stand between them; heights in those of its lines of type."""

    typed_confidence: float = 0.8  # of lines that are type
    typed_letters_min: int = 20  # lines of running text, no entries of a form ...
    level_heights: float = 0.3  # ... whose pieces stand so level
    gaps_min: int = 5  # fewer pairs of lines at one distance are no draft
    spacing_min_heights: float = 1.5  # single-spaced lines leave no room
    spacing_spread: float = 1.35  # of the page's distance; more, and a line was not read between them
    off_line: float = 0.75  # of that distance: a short line nearer than this to both neighbours was put between them
    between: tuple[float, float] = (0.35, 0.8)  # of the way from one line's middle to the next, its own middle
    line_between: tuple[float, float] = (0.3, 0.7)  # that of a line that was read there
    line_rim: float = 0.1  # of a line's height: readers want paper about letters
    under_heights: float = 0.5  # from a line's middle to its feet
    over_heights: float = 0.33  # and to its head
    letter_min_mm: float = 1.0  # smaller ink is dirt
    join_mm: float = 5.0  # words of one insertion lie closer
    width_min_mm: float = 3.0  # of an insertion: two letters ...
    height_min_mm: float = 2.0  # ... taller than a dash
    height_max_mm: float = 9.0
    dirt_max: float = 0.5  # as much ink again lies about it: no writing, but a dirty copy
    inked_min: float = 0.1  # of its box: script; sown dirt covers less
    flat_max: float = 0.5  # of its ink is in level strokes: an underline
    column_max: float = 0.5  # of the lines' width: more is a line that was not read
    read_confidence: float = 0.94  # what reads better and begins where another line does is type: a table's entry ...
    letters_alike: float = 0.15  # ... if its letters are as wide as this near those of the line below
    pen_min: float = 0.5  # of the model's chance of a pen: no type
    flush_heights: float = 0.5  # so near are the beginnings of lines that are set under each other


@dataclass(frozen=True)
class CaretSettings:
    """What a caret looks like: two legs that stand below the line and lean together; lengths on paper."""

    sizes_mm: tuple[tuple[float, float], ...] = ((1.6, 2.0), (2.5, 2.3), (3.4, 2.3), (2.5, 3.4), (4.0, 3.4))
    pens_mm: tuple[float, ...] = (0.4, 0.8)
    foot_mm: float = 1.7  # its feet lie lower than this under the middle of the line: below those of letters
    apex_mm: float = 1.5  # its point at most so far above that middle
    aside_mm: float = 6.0  # from the sides of what is inserted
    legs_min: float = 0.9  # of them is inked ...
    hollow_max: float = 0.25  # ... and at most so much of what is between
    likeness_min: float = 0.75  # share of the legs that is inked, less that of what is between, and less
    beside: float = 0.2  # ... so much of the share beside its point, where an M or a W has strokes,
    off: float = 0.01  # ... this for each millimetre from the middle of what is inserted,
    short: float = 0.4  # ... and this for each by which its feet end higher than most do, ...
    feet_mm: float = 2.5  # ... so far under the middle of the line: letters with slanting legs stand on the line


@dataclass(frozen=True)
class Gap:
    """Two lines of type that follow each other at the page's distance."""

    above: TextLine
    below: TextLine


def find_interlinear(
    ink: np.ndarray,
    scale: float,
    mm: float,
    text: PageText,
    *,
    chance: np.ndarray | None = None,
    settings: InterlinearSettings = InterlinearSettings(),
) -> list[tuple[Box, Gap]]:
    """Find ink between the lines of a double-spaced typescript.

    Args:
        ink: bool ``(h, w)``, where the page is inked.
        scale: pixels of `ink` a page pixel.
        mm: pixels of `ink` a millimetre.
        text: the page's lines as read.
        chance: ``(h, w)``, of a pen there, 0..1, where a model tells.
        settings: sizes.

    Returns:
        for words that lie close together their box in page pixels, and the lines between which they stand.
    """
    gaps = find_gaps(text, settings=settings)
    if not gaps:
        return []
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    parts = stats[1:][np.maximum(stats[1:, 2], stats[1:, 3]) >= settings.letter_min_mm * mm]
    found: list[tuple[Box, Gap]] = []
    for gap in gaps:
        between = _with_lines(parts[_stands_in(parts, gap, scale, settings)], ink, scale, gap, text, settings)
        for group in _words(between, settings.join_mm * mm):
            if not _is_over(group, gap, scale):
                continue
            x0, y0, x1, y1 = _bounds(group)
            box = (int(x0 / scale), int(y0 / scale), int(np.ceil(x1 / scale)), int(np.ceil(y1 / scale)))
            placed = settings.between[0] < way_down(box, gap) < settings.between[1]
            written = placed and _is_writing(group, ink[y0:y1, x0:x1], mm, settings)
            penned = chance is not None and chance[y0:y1, x0:x1][ink[y0:y1, x0:x1]].mean() >= settings.pen_min
            if written and not _is_type(box, gap, text, penned, settings):
                found.append((box, gap))
    found.sort(key=lambda f: -area(f[0]))
    boxes = [box for box, _ in found]
    return [f for i, f in enumerate(found) if not any(intersection(f[0], b) > 0.5 * area(f[0]) for b in boxes[:i])]


def find_caret(
    ink: np.ndarray, scale: float, mm: float, box: Box, line: TextLine, *, settings: CaretSettings = CaretSettings()
) -> Box | None:
    """Find the caret that says where in a line an insertion goes.

    Args:
        ink: bool ``(h, w)``, where the page is inked.
        scale: pixels of `ink` a page pixel.
        mm: pixels of `ink` a millimetre.
        box: of the insertion, in page pixels.
        line: of type under it.
        settings: sizes.

    Returns:
        its box in page pixels, whose middle is where its point is, or ``None``.
    """
    middle = float(middle_of(line, np.array((box[0] + box[2]) / 2))) * scale
    left = max(0, round(box[0] * scale - settings.aside_mm * mm))
    right = round(box[2] * scale + settings.aside_mm * mm)
    top = max(0, round(middle - settings.apex_mm * mm))
    strip = ink[top : round(middle + 6 * mm), left:right].astype(np.float32)
    near = cv2.dilate(strip, np.ones((3, 3), np.uint8))
    centre, best, place = (box[0] + box[2]) / 2 * scale - left, settings.likeness_min, None
    for wide_mm, high_mm in settings.sizes_mm:
        for pen_mm in settings.pens_mm:
            legs, hollow, beside, (apex, foot) = _caret(wide_mm * mm, high_mm * mm, pen_mm * mm)
            if not hollow.any() or (np.array(strip.shape) < legs.shape).any():
                continue
            inked, between = _share(near, legs), _share(strip, hollow)
            y, x = np.nonzero((inked >= settings.legs_min) & (between <= settings.hollow_max))
            feet, off = (top + y + foot - middle) / mm, np.abs(x + apex - centre) / mm
            like = inked[y, x] - between[y, x] - settings.beside * _share(strip, beside)[y, x] - settings.off * off
            like -= settings.short * np.maximum(0, settings.feet_mm - feet)
            like[feet < settings.foot_mm] = 0
            if like.max(initial=0) > best:
                k = int(like.argmax())
                x0, y0 = left + int(x[k]), top + int(y[k])
                best, place = float(like.max()), (x0, y0, x0 + 2 * apex + 1, y0 + foot + 1)
    if place is None:
        return None
    x0, y0, x1, y1 = (round(v / scale) for v in place)
    return (x0, y0, x1, y1)


def _caret(wide: float, high: float, pen: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[int, int]]:
    """Masks of a caret's legs, of what is between them and of two places beside its point, and where point and feet
    are, from the left and from above."""
    half, deep, thick = round(wide / 2), round(high), max(1, round(pen))
    rim = thick // 2 + 1
    points = np.array([[rim, rim + deep], [rim + half, rim], [rim + 2 * half, rim + deep]])
    legs, fat, hollow, beside = np.zeros((4, deep + 1 + 2 * rim, 2 * half + 1 + 2 * rim), np.uint8)
    cv2.polylines(legs, [points], False, 1, 1)
    cv2.polylines(fat, [points], False, 1, thick + 2)
    cv2.fillPoly(hollow, [points], 1)
    hollow[fat > 0] = 0
    hollow[rim + deep :] = 0
    beside[rim : rim + max(1, deep // 3), [rim, rim + 2 * half]] = 1
    return legs, hollow, beside, (rim + half, rim + deep)


def _share(ink: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """How much of a mask is inked, wherever it is laid."""
    return cv2.matchTemplate(ink, mask.astype(np.float32), cv2.TM_CCORR) / mask.sum()


def find_gaps(text: PageText, *, settings: InterlinearSettings = InterlinearSettings()) -> list[Gap]:
    """Pairs of lines between which a hand could write: none unless the page is typed with double spacing."""
    typed = [
        line
        for line in text.lines
        if line.confidence >= settings.typed_confidence and len(line.text) >= 3 and abs(line.rotation_deg) < 8
    ]
    if len(typed) < settings.gaps_min:
        return []
    height = float(np.median([line.height for line in typed]))
    letters = np.array([len(line.text) for line in typed])
    down, shared = _drops(typed)
    whole = letters >= settings.typed_letters_min
    follows = (shared > 0.5) & whole[:, None] & whole & (down > 0.5 * height)
    steps = np.where(follows, down, np.inf).min(1)
    if np.isfinite(steps).sum() < settings.gaps_min:
        return []
    spacing = float(np.median(steps[np.isfinite(steps)]))
    if spacing < settings.spacing_min_heights * height:
        return []
    longer = (shared > 0.5) & (letters > 1.5 * letters[:, None])
    under = np.where(longer & (down > 0), down, np.inf).min(1)
    over = np.where(longer & (down < 0), -down, np.inf).min(1)
    inserted = (np.maximum(over, under) < settings.off_line * spacing) & (over + under > settings.off_line * spacing)
    level = (np.abs(down) < settings.level_heights * height) & (shared < 0.1) & ~inserted  # pieces of one line
    running = letters + np.where(level, letters, 0).sum(1) >= settings.typed_letters_min
    lines = np.flatnonzero(running & ~inserted)
    over_them = np.flatnonzero(~inserted)
    starts = np.array([line.box[0] for line in typed])
    flush = np.abs(starts - starts[:, None]) < settings.flush_heights * height
    wide = np.array([line.box[2] - line.box[0] for line in typed]) / letters
    flush &= np.abs(wide / wide[:, None] - 1) < settings.letters_alike
    flush &= np.array([line.confidence for line in typed]) >= settings.read_confidence
    close = (shared > 0.1) & (np.abs(down) > 0.4 * height) & (np.abs(down) < settings.off_line * spacing)
    close &= (running & ~inserted) | flush  # lines set closer than the page's distance: a passage in single spacing
    gaps, certain = [], 0
    for i in lines:
        least = np.where(running[over_them], 0.4 * height, settings.off_line * spacing)  # short ones end a paragraph
        steps_up = np.where((shared[over_them, i] > 0.1) & (down[over_them, i] > least), down[over_them, i], np.inf)
        k = int(over_them[np.argmin(steps_up)])
        beside = (close[k] & (down[k] < 0)).any() or (close[i] & (down[i] > 0)).any()
        if settings.spacing_min_heights * height < steps_up.min() < settings.spacing_spread * spacing and not beside:
            gaps.append(Gap(typed[k], typed[i]))
            certain += whole[k] and whole[i]
    return gaps if certain >= settings.gaps_min else []  # rows of a form's entries alone are no draft


def _drops(lines: Sequence[TextLine]) -> tuple[np.ndarray, np.ndarray]:
    """How far each line lies under each other where both run, and what share of the shorter runs there: ``(n, n)``."""
    x0, x1 = (np.array([line.box[i] for line in lines], float) for i in (0, 2))
    left, right = np.maximum(x0[:, None], x0), np.minimum(x1[:, None], x1)
    middle = np.stack([middle_of(line, (left + right)[i] / 2) for i, line in enumerate(lines)])
    width = x1 - x0
    return middle.T - middle, np.maximum(right - left, 0) / np.maximum(np.minimum(width[:, None], width), 1)


def middle_of(line: TextLine, x: np.ndarray) -> np.ndarray:
    """Height on the page of a line's middle at x, along its slope; page pixels."""
    (x0, left), (x1, right) = centre_line(line)
    return left + (x - x0) * (right - left) / max(1.0, x1 - x0)


def _stands_in(parts: np.ndarray, gap: Gap, scale: float, settings: InterlinearSettings) -> np.ndarray:
    """Which components stand between two lines and neither hang from the upper nor tower from the lower."""
    x, y, w, h = (parts[:, i] / scale for i in range(4))
    height = (gap.above.height + gap.below.height) / 2
    middle, above, below = y + h / 2, middle_of(gap.above, x + w / 2), middle_of(gap.below, x + w / 2)
    inside = (middle > above + settings.under_heights * height) & (middle < below - settings.over_heights * height)
    apart = (y > above - 0.1 * height) & (y + h < below + 0.3 * height)  # a tail may touch the lines
    return inside & apart


def _with_lines(
    parts: np.ndarray, ink: np.ndarray, scale: float, gap: Gap, text: PageText, settings: InterlinearSettings
) -> np.ndarray:
    """Components between two lines, and where a short line was read there, that in place of its own.

    The reader sees words that touch the lines above and below, or what was drawn through them.
    """
    for line in text.lines:
        x0, y0, x1, y1 = line.box
        rim = round(settings.line_rim * line.height)
        box = (x0 + rim, y0 + rim, x1 - rim, y1 - rim)
        low, high = settings.line_between
        placed = low < way_down(line.box, gap) < high and abs(line.rotation_deg) < 8
        if line in (gap.above, gap.below) or len(line.text) < 3 or not placed or box[0] >= box[2] or box[1] >= box[3]:
            continue
        left, top, right, foot = (int(v * scale) for v in box)
        middle = parts[:, :2] + parts[:, 2:4] / 2
        own = ((middle > np.array((x0, y0)) * scale) & (middle < np.array((x1, y1)) * scale)).all(1)
        letters = np.linspace(left, right, len(line.text) + 1).astype(int)
        drawn = [[a, top, b - a, foot - top, int(ink[top:foot, a:b].sum())] for a, b in itertools.pairwise(letters)]
        parts = np.vstack([parts[~own], drawn])
    return parts


def _is_over(parts: np.ndarray, gap: Gap, scale: float) -> bool:
    """Whether what stands between two lines begins or ends over them; it may run on into the margin."""
    left, right = min(gap.above.box[0], gap.below.box[0]), max(gap.above.box[2], gap.below.box[2])
    x0, _, x1, _ = _bounds(parts)
    return bool(x0 / scale < right and x1 / scale > left)


def way_down(box: Box, gap: Gap) -> float:
    """How far a box's middle has come from the middle of the line above (0) to that of the line below (1)."""
    x, y = np.array((box[0] + box[2]) / 2), (box[1] + box[3]) / 2
    above, below = float(middle_of(gap.above, x)), float(middle_of(gap.below, x))
    return (y - above) / max(1.0, below - above)


def _words(parts: np.ndarray, join: float) -> list[np.ndarray]:
    """Components in groups without wide gaps, left to right."""
    if not len(parts):
        return []
    parts = parts[np.argsort(parts[:, 0])]
    reach = np.maximum.accumulate(parts[:, 0] + parts[:, 2])
    return np.split(parts, np.flatnonzero(parts[1:, 0] - reach[:-1] > join) + 1)


def _bounds(parts: np.ndarray) -> Box:
    low, high = parts[:, :2].min(0), (parts[:, :2] + parts[:, 2:4]).max(0)
    return (int(low[0]), int(low[1]), int(high[0]), int(high[1]))


def _is_writing(group: np.ndarray, ink: np.ndarray, mm: float, settings: InterlinearSettings) -> bool:
    """By size and density: no dirt, no underline."""
    own = group[:, 4].sum()
    pieces = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)[2][1:]
    dirt = pieces[np.maximum(pieces[:, 2], pieces[:, 3]) < settings.letter_min_mm * mm, 4].sum()
    flat = group[group[:, 2] > 5 * group[:, 3], 4].sum()
    return bool(
        ink.shape[1] >= settings.width_min_mm * mm
        and settings.height_min_mm * mm <= ink.shape[0] <= settings.height_max_mm * mm
        and own >= settings.inked_min * ink.size
        and dirt <= settings.dirt_max * own
        and flat <= settings.flat_max * own
    )


def _as_typed(line: TextLine, other: TextLine, settings: InterlinearSettings) -> bool:
    """Whether a line reads well and its letters are as wide as those of another."""
    wide = [(x.box[2] - x.box[0]) / len(x.text) for x in (line, other)]
    alike = abs(wide[0] / wide[1] - 1) < settings.letters_alike
    return alike and line.confidence >= settings.read_confidence


def _is_type(box: Box, gap: Gap, text: PageText, penned: bool, settings: InterlinearSettings) -> bool:
    """Is it a line of its own: one that begins where one nearby does and reads well, or too long to be put between?

    What the model sees a pen in may begin there.
    """
    middle, reach = (box[1] + box[3]) / 2, settings.flush_heights * gap.below.height
    here = [
        line
        for line in text.lines
        if line.text.strip()
        and line not in (gap.above, gap.below)
        and intersection(line.box, box) > 0.5 * area(box)
        and abs(middle_of(line, np.array((box[0] + box[2]) / 2)) - middle) < reach
    ]
    near = [other.box for other in text.lines if other not in here and len(other.text) >= 3]
    starts = [x0 for x0, y0, _, y1 in near if abs((y0 + y1) / 2 - middle) < gap.below.box[3] - gap.above.box[1]]
    flush = any(abs(start - line.box[0]) < reach for line in here for start in starts)
    if flush and not penned and any(_as_typed(line, gap.below, settings) for line in here):
        return True
    x0, _, x1, _ = union(gap.above.box, gap.below.box)
    return max(b[2] - b[0] for b in [box, *(line.box for line in here)]) > settings.column_max * (x1 - x0)
