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

from redactlib.marks import Box, Bracket
from redactlib.reading import Reader, TextLine, crop_line, stretch, text_line
from redactlib.scan import Scan


@dataclass(frozen=True)
class BeneathSettings:
    """What of a mark is a stroke of the pen; shares of the mark's own size."""

    back: float = 0.6  # of a bracket's height, its back ...
    leans_deg: tuple[int, ...] = (-12, -9, -6, -3, 0, 3, 6, 9, 12)  # ... which leans in one of these ways
    crosses_deg: tuple[int, ...] = (25, 30, 35, 40, 45, 50, 55, 60, 65)  # one up, one down: what crosses it out
    arm: float = 0.4  # of its width, its arms ...
    arm_mm: float = 1.8  # ... and at least that: bars of letters are shorter ...
    arms_within: float = 0.15  # ... in so much of its height, above and below: nearer, letters stand on them
    around: float = 0.15  # of its size may lie outside its box
    more_px: int = 2  # a bare run of ink is thicker than most by this at most
    confidence_min: float = 0.6  # of the new reading; a worse one leaves the old


def without(scan: Scan, brackets: Iterable[Bracket], *, settings: BeneathSettings = BeneathSettings()) -> np.ndarray:
    """The page's grey without drawn brackets, and without what crosses them out."""
    ink = np.zeros(scan.ink.shape, bool)
    for bracket in brackets:
        _bracket(scan, bracket, ink, settings)
    grey = scan.grey.copy()
    grey[cv2.dilate(ink.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0] = 255
    return grey


def _place(box: Box, scan: Scan) -> tuple[slice, slice]:
    x0, y0, x1, y1 = box
    return slice(max(0, y0), max(0, y1)), slice(max(0, x0), max(0, x1))


def _bracket(scan: Scan, bracket: Bracket, out: np.ndarray, settings: BeneathSettings) -> None:
    """Marks the ink of a bracket: its back, which letters only touch, and its arms where they lie bare."""
    x0, y0, x1, y1 = bracket.box
    wide, high = x1 - x0, y1 - y0
    rim = round(settings.around * high)
    left, right = (x0 - rim, (x0 + x1) // 2) if bracket.side == "open" else ((x0 + x1) // 2, x1 + rim)
    length = settings.back * high
    place = _place((left, y0 - rim, right, y1 + rim), scan)
    out[place] |= _straight(scan.ink[place], length, [90 + lean for lean in settings.leans_deg])
    if bracket.struck:
        place = _place((x0 - rim, y0 - rim, x1 + rim, y1 + rim), scan)
        for sign in (1, -1):
            out[place] |= _straight(scan.ink[place], length, [sign * angle for angle in settings.crosses_deg])
    band = round(settings.arms_within * high)
    arm = round(max(scan.mm(settings.arm_mm), settings.arm * wide))
    for top, foot in ((y0 - rim, y0 + band), (y1 - band, y1 + rim)):
        place = _place((x0 - rim, top, x1 + rim, foot), scan)
        out[place] |= _bare(scan.ink[place], arm, settings)


def _straight(ink: np.ndarray, length: float, angles_deg: Iterable[float]) -> np.ndarray:
    """Ink of straight strokes of such a length in one of these directions: the one that most runs in."""
    plane, half = np.pad(ink, 1).astype(np.uint8), length / 2
    near, most = cv2.dilate(plane, np.ones((1, 3), np.uint8)), np.zeros_like(plane)
    for angle in np.radians(list(angles_deg)):
        along, down = round(half * np.cos(angle)), round(half * np.sin(angle))
        stroke = np.zeros((2 * abs(down) + 1, 2 * abs(along) + 1), np.uint8)
        ends = (abs(along) - along, abs(down) - down), (abs(along) + along, abs(down) + down)
        cv2.line(stroke, *ends, 1)
        found = np.minimum(cv2.morphologyEx(near, cv2.MORPH_OPEN, stroke, borderValue=0), plane)
        most = max(most, found, key=np.count_nonzero)
    return np.asarray(most[1:-1, 1:-1] > 0)


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
    rows: Sequence[Sequence[TextLine]],
    grey: np.ndarray,
    reader: Reader,
    *,
    settings: BeneathSettings = BeneathSettings(),
) -> list[TextLine | None]:
    """Read lines once more on a page without strokes, which had parted some in pieces; ``None`` where that reads badly.

    Args:
        rows: the pieces of each line.
        grey: the page.
        reader: what reads crops.
        settings: which reading counts.
    """
    corners = [_whole(row) for row in rows]
    readings = reader.read([crop_line(grey, c) for c in corners], careful=True)
    return [
        text_line(c, reading) if reading.confidence >= settings.confidence_min else None
        for c, reading in zip(corners, readings, strict=True)
    ]


def _whole(pieces: Sequence[TextLine]) -> np.ndarray:
    """Corners of a line: its longest piece, drawn out over the others."""
    longest = max(pieces, key=lambda piece: piece.box[2] - piece.box[0])
    x0, _, x1, _ = longest.box
    low, high = min(piece.box[0] for piece in pieces), max(piece.box[2] for piece in pieces)
    return stretch(longest.corners, (low - x0) / (x1 - x0), 1 + (high - x1) / (x1 - x0))
