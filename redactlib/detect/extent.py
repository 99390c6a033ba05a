"""How much a covered area hides: lines and characters, from the type of the page itself.

Typescript has 10 or 12 characters an inch and 6 lines an inch; print has a mean advance. Both are measured on the lines
that were read, from the places of their characters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from redactlib.marks import Box, Point
from redactlib.reading import TextLine

TYPEWRITER_PITCHES = (10.0, 12.0)
"""Characters an inch: pica and elite."""


@dataclass(frozen=True)
class PageType:
    """Measures of a page's running type, pixels: mean advance of a character, height of a line, distance of lines."""

    advance: float
    height: float
    pitch: float


@dataclass(frozen=True)
class ExtentSettings:
    """Which lines are measured, and how sure the measures are."""

    confidence_min: float = 0.75
    chars_min: int = 8
    lines_min: int = 3
    space_gap: float = 1.65  # advances between two letters that have a space between them which was not read
    snap: float = 0.035  # how near to a typewriter's pitch counts as one
    pitch_max: float = 3.2  # heights between two lines; more is a paragraph
    padding: float = 0.5  # characters by which a cover is wider than what it hides, at both ends together
    spread: float = 0.08  # of the advance: proportional type, and copies that were enlarged
    short_line: float = 0.35  # of the lines of a block but one, the last, may be missing


def measure_type(
    lines: Sequence[TextLine], dpi: float, *, settings: ExtentSettings = ExtentSettings()
) -> PageType | None:
    """Measures of the running type of level lines; ``None`` where too few were read."""
    read = [t for t in lines if t.confidence >= settings.confidence_min and len(t.text) >= settings.chars_min]
    read = [t for t in read if len(t.reading.centres) == len(t.text)]
    if len(read) < settings.lines_min:
        return None
    height = float(np.median([t.height for t in read]))
    read = [t for t in read if 0.6 * height <= t.height <= 1.6 * height]
    width, count = 0.0, 0
    for line in read:
        steps = np.diff(line.reading.centres) * (line.box[2] - line.box[0])
        spaced = np.array([a == " " or b == " " for a, b in zip(line.text, line.text[1:], strict=False)])
        typical = max(float(np.median(steps)), 1e-6)
        width += float(steps.sum())
        count += len(steps) + int(np.sum((steps > settings.space_gap * typical) & ~spaced))
    advance = width / max(count, 1)
    for pitch in TYPEWRITER_PITCHES:
        if abs(dpi / pitch - advance) < settings.snap * advance:
            advance = dpi / pitch
    middles = np.sort([(t.box[1] + t.box[3]) / 2 for t in read])
    steps = np.diff(middles)
    steps = steps[(steps > 0.6 * height) & (steps < settings.pitch_max * height)]
    return PageType(advance, height, float(np.median(steps)) if len(steps) else dpi / 6)


def hidden_extent(
    box: Box, polygon: Sequence[Point], page_type: PageType, *, settings: ExtentSettings = ExtentSettings()
) -> tuple[int, int, tuple[int, int]]:
    """Lines and characters that a covered area holds, and the range in which the characters lie.

    >>> hidden_extent((0, 0, 300, 40), (), PageType(advance=30, height=45, pitch=50))
    (1, 10, (8, 11))
    """
    x0, y0, x1, y1 = box
    lines = 1 + max(0, round((y1 - y0 - 0.9 * page_type.height) / page_type.pitch))
    share = 1.0
    if len(polygon) > 4:
        x, y = np.array(polygon, float).T
        share = abs(float(x @ np.roll(y, 1) - y @ np.roll(x, 1))) / 2 / max(1, (x1 - x0) * (y1 - y0))
    full = lines * max(1.0, (x1 - x0) / page_type.advance * min(1.0, share) - settings.padding)
    missing = settings.short_line * full / lines if lines > 1 else 0.0
    low = max(1, int((full - missing) * (1 - settings.spread) - 0.5))
    high = int(np.ceil(full * (1 + settings.spread) + 0.5))
    return lines, max(1, round(full - missing / 2)), (low, high)
