"""Tick boxes of a form: found by their outline beside each label, ticked where ink stands inside.

All boxes of a form are of one size. So the outline is sought beside every label in every size, and the size that fits
them all best tells where each one stands, also where a bold cross hides its corners.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from redactlib.reading import TextLine, crop_line, stretch
from redactlib.scan import Scan


@dataclass(frozen=True)
class TickSettings:
    """How tick boxes look; lengths in heights of the label's line."""

    reach: float = 1.9  # beside a label, where its box stands
    overlap: float = 0.25  # with the label, whose place is known to a letter or so,
    clear: float = 0.15  # in which no box ends: letters look like boxes
    size_min: float = 0.42
    size_max: float = 1.05
    oblong_max: float = 1.35  # width over height, or height over width
    above: float = 0.2  # boxes reach over and under the line of their label
    outline_min: float = 0.5  # of its weakest side that is inked
    inset: float = 0.26  # of the box's size, from its outline to what counts as inside; worn outlines are thick
    ink_min: float = 0.06  # of the inside that a tick covers: clean boxes are empty, a thin check covers a fifteenth
    lead_min: float = 0.06  # by which it covers more than the emptiest box of the form, in which a worn stamp has dirt


@dataclass(frozen=True, eq=False)
class TickPlace:
    """A label of a tick box: the piece of text that it stands in, where it begins and ends there as shares of the
    piece's length, and whether the box stands to its right."""

    label: str
    piece: TextLine
    start: float
    end: float
    right: bool = False


def read_ticks(
    scan: Scan, places: Sequence[TickPlace], settings: TickSettings = TickSettings()
) -> tuple[tuple[str, float, bool], ...]:
    """For each label how much of its box's inside is inked, 0..1, and whether that is a tick.

    Labels beside which no box is found are left out.
    """
    if not places:
        return ()
    height = float(np.median([place.piece.height for place in places]))
    strips = [_strip(scan, place, height, settings) for place in places]
    fits = [_outlines(strip, place.right, settings) for strip, place in zip(strips, places, strict=True)]
    sizes = {size for fit in fits for size in fit}
    if not sizes:
        return ()
    size = max(sizes, key=lambda s: (sum(fit[s][0] for fit in fits if s in fit), s))
    inside = [
        (place.label, _inside(strip, *fit[size][1], size, settings))
        for place, strip, fit in zip(places, strips, fits, strict=True)
        if size in fit
    ]
    floor = min((share for _, share in inside), default=0.0)
    floor = floor if len(inside) > 1 else 0.0
    return tuple(
        (label, round(share, 3), share >= max(settings.ink_min, floor + settings.lead_min)) for label, share in inside
    )


_HEIGHT_PX = 32
"""Height of a label's line in its strip."""


def _strip(scan: Scan, place: TickPlace, height: float, settings: TickSettings) -> np.ndarray:
    """Ink beside a label, set upright, uint8 0 or 1; the form's lines, `height` pixels high, are `_HEIGHT_PX` high."""
    piece = place.piece
    width = float(np.linalg.norm(piece.corners[1] - piece.corners[0]))
    reach, overlap = (v * height / max(1.0, width) for v in (settings.reach, settings.overlap))
    edge = place.end if place.right else place.start
    low, high = (edge - overlap, edge + reach) if place.right else (edge - reach, edge + overlap)
    corners = stretch(piece.corners, low, high)
    middle, down = (corners[[0, 1]] + corners[[3, 2]]) / 2, (corners[3] - corners[0]) / max(1.0, piece.height)
    reach_down = down * np.float32((0.5 + settings.above) * height)
    corners = np.concatenate([middle - reach_down, middle[::-1] + reach_down]).astype(np.float32)
    crop = crop_line(scan.ink.astype(np.uint8) * 255, corners)
    scale = _HEIGHT_PX * (1 + 2 * settings.above) / max(1, crop.shape[0])
    size = max(1, round(crop.shape[1] * scale)), max(1, round(crop.shape[0] * scale))
    return (cv2.resize(crop, size, interpolation=cv2.INTER_AREA) > 100).astype(np.uint8)


def _outlines(
    strip: np.ndarray, right: bool, settings: TickSettings
) -> dict[tuple[int, int], tuple[float, tuple[int, int]]]:
    """By size of box, width and height, how well its weakest side is inked at its best place, and that place."""
    clear = round(settings.clear * _HEIGHT_PX)
    thick = cv2.dilate(strip, np.ones((3, 3), np.uint8))
    level = np.pad(np.cumsum(thick, 1, dtype=np.int32), ((0, 0), (1, 0)))
    upright = np.pad(np.cumsum(thick, 0, dtype=np.int32), ((1, 0), (0, 0)))
    high, wide = strip.shape
    low, top = (round(v * _HEIGHT_PX) for v in (settings.size_min, settings.size_max))
    found = {}
    for w in range(low, min(top, wide - 1) + 1):
        rows = (level[:, w:] - level[:, :-w]) / w
        for h in range(low, min(top, high - 1) + 1):
            if max(w, h) > settings.oblong_max * min(w, h):
                continue
            columns = (upright[h:] - upright[:-h]) / h
            n, m = high - h, wide - w
            sides = np.minimum.reduce([rows[:n, :m], rows[h : h + n, :m], columns[:n, :m], columns[:n, w : w + m]])
            sides[:, slice(clear) if right else slice(max(0, m - clear), None)] = 0
            y, x = divmod(int(sides.argmax()), m)
            if sides[y, x] >= settings.outline_min:
                found[w, h] = float(sides[y, x]), (x, y)
    return found


def _inside(strip: np.ndarray, x: int, y: int, size: tuple[int, int], settings: TickSettings) -> float:
    """Share of ink inside of a box, away from its outline."""
    w, h = size
    dx, dy = round(settings.inset * w), round(settings.inset * h)
    inner = strip[y + dy : y + h - dy + 1, x + dx : x + w - dx + 1]
    return float(inner.mean()) if inner.size else 0.0
