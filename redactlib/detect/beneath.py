"""What a line of type says without the brackets that were drawn into it: they are taken out, and it is read anew.

Level strokes come out as staff lines do of music: where one lies bare, the run of ink across it is as thick as the
stroke and goes with it; where a letter stands in it, the run is longer and stays. Strikes stay too: too much of the
letters lies along them, and readers were trained on worse.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from redactlib.marks import Box
from redactlib.reading import Reader, TextLine, crop_line, text_line
from redactlib.scan import Scan


@dataclass(frozen=True)
class BeneathSettings:
    """What of a mark is a stroke of the pen; shares of the mark's own size."""

    back: float = 0.6  # of a bracket's height, its back
    arm: float = 0.4  # of its width, its arms ...
    arm_mm: float = 1.8  # ... and at least that: bars of letters are shorter ...
    arms_within: float = 0.3  # ... in so much of its height, above and below
    around: float = 0.15  # of its size may lie outside its box
    more_px: int = 2  # a bare run of ink is thicker than most by this at most
    caret_mm: float = 0.6  # a pen's width and a little
    confidence_min: float = 0.6  # of the new reading; a worse one leaves the old


def without(
    scan: Scan,
    *,
    brackets: Iterable[tuple[str, Box]] = (),
    carets: Iterable[Sequence[tuple[int, int]]] = (),
    settings: BeneathSettings = BeneathSettings(),
) -> np.ndarray:
    """The page's grey without strokes of the pen.

    Args:
        scan: the page, upright.
        brackets: sides (``open`` or ``close``) and boxes.
        carets: points of each, joined by straight strokes.
        settings: sizes.
    """
    ink = np.zeros(scan.ink.shape, bool)
    for side, box in brackets:
        _bracket(scan, side, box, ink, settings)
    plane = ink.astype(np.uint8)
    for points in carets:
        cv2.polylines(plane, [np.array(points)], False, 1, max(1, round(scan.mm(settings.caret_mm))))
    grey = scan.grey.copy()
    grey[cv2.dilate(plane, np.ones((3, 3), np.uint8)) > 0] = 255
    return grey


def _place(box: Box, scan: Scan) -> tuple[slice, slice]:
    x0, y0, x1, y1 = box
    return slice(max(0, y0), max(0, y1)), slice(max(0, x0), max(0, x1))


def _bracket(scan: Scan, side: str, box: Box, out: np.ndarray, settings: BeneathSettings) -> None:
    """Marks the ink of a bracket: its back, which letters only touch, and its arms where they lie bare."""
    x0, y0, x1, y1 = box
    wide, high = x1 - x0, y1 - y0
    dx, dy = round(settings.around * high), round(settings.around * high)
    left, right = (x0 - dx, (x0 + x1) // 2) if side == "open" else ((x0 + x1) // 2, x1 + dx)
    place = _place((left, y0 - dy, right, y1 + dy), scan)
    ink = scan.ink[place].astype(np.uint8)
    if not ink.any():
        return
    upright = cv2.morphologyEx(
        cv2.dilate(ink, np.ones((1, 3), np.uint8)),
        cv2.MORPH_OPEN,
        np.ones((max(3, round(settings.back * high)), 1), np.uint8),
    )
    out[place] |= (upright > 0) & (ink > 0)
    band = round(settings.arms_within * high)
    length = round(max(scan.mm(settings.arm_mm), settings.arm * wide))
    for top, foot in ((y0 - dy, y0 + band), (y1 - band, y1 + dy)):
        place = _place((x0 - dx, top, x1 + dx, foot), scan)
        out[place] |= _bare(scan.ink[place], length, settings)


def _bare(ink: np.ndarray, length: int, settings: BeneathSettings) -> np.ndarray:
    """Level strokes of such a length, where nothing crosses them."""
    if not ink.any():
        return np.zeros(ink.shape, bool)
    plane = ink.astype(np.uint8)
    level = np.ones((1, length), np.uint8)
    bars = (cv2.morphologyEx(cv2.dilate(plane, np.ones((3, 1), np.uint8)), cv2.MORPH_OPEN, level) > 0) & ink
    if not bars.any():
        return bars
    rows = np.arange(len(ink))[:, None]
    heads = np.maximum.accumulate(np.where(ink, -1, rows), axis=0)
    feet = np.minimum.accumulate(np.where(ink, len(ink), rows)[::-1], axis=0)[::-1]
    thick = feet - heads - 1
    usual = np.median(np.sort(thick[bars])[: max(1, int(bars.sum()) // 2)])
    thin = ink & (thick <= usual + settings.more_px)
    return thin & (cv2.dilate(bars.astype(np.uint8), np.ones((2 * int(usual) + 3, 1), np.uint8)) > 0)


def read_anew(
    lines: Sequence[TextLine], grey: np.ndarray, reader: Reader, *, settings: BeneathSettings = BeneathSettings()
) -> list[TextLine]:
    """Read lines once more on a page without strokes; one that now reads badly stays as it was."""
    readings = reader.read([crop_line(grey, line.corners) for line in lines], careful=True)
    return [
        text_line(line.corners, reading) if reading.confidence >= settings.confidence_min else line
        for line, reading in zip(lines, readings, strict=True)
    ]
