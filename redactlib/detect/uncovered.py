"""Lines of a stamp that the pen runs over: looked for once more with the pen's ink taken away.

A text detector makes one line of print and of what is written across it, or sees no line at all. Near a line that may
be a stamp's, where what stands there was read with doubt and the pen is in it, the page is looked at again without the
pen, turned so that the stamp stands level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from redactlib.detect.closer import is_well_read, likeness, read_legends
from redactlib.layers import Layers
from redactlib.marks import Box, area, intersection
from redactlib.reading import Reader, TextLine, turned_corners
from redactlib.scan import Scan


@dataclass(frozen=True)
class UncoveredSettings:
    """Where lines are looked for without the pen; lengths in heights of the line that may be a stamp's."""

    score: float = 0.75  # share of a key phrase's letters that makes a line a stamp's
    doubtful: float = 0.88  # confidence of a line beside it that may be two
    pen_min: float = 0.2  # of its ink, that was written by hand
    along: float = 8.0  # from the line's ends
    across: float = 5.0  # over and under it
    windows_max: int = 3  # looked at, those of the likeliest lines first: 50 ms each
    legend_min: float = 0.6  # share of a key phrase's letters in a line that is read carefully, and kept
    length_min: float = 2.0  # of such a line, by its height
    letters_min: int = 4  # beside figures in it: 2015 By is what is left of a pen's date
    same: float = 0.5  # of its box, in which another line was read
    hand: int = 110  # of 255: probability of a pen's ink
    margin: int = 32  # px of paper around what is looked at


def read_uncovered(
    scan: Scan,
    layers: Layers | None,
    pieces: Sequence[TextLine],
    reader: Reader,
    *,
    settings: UncoveredSettings = UncoveredSettings(),
) -> list[TextLine]:
    """Lines that come out near a stamp's line when the pen's ink is taken away.

    Args:
        scan: the page, upright.
        layers: which ink is what; without them nothing is found.
        pieces: the page's lines as read.
        reader: finds lines and reads them carefully.
    """
    if layers is None:
        return []
    covered = [p.box for p in pieces if p.confidence < settings.doubtful and _has_pen(scan, layers, p.box, settings)]
    scores = likeness(pieces)
    found: list[TextLine] = []
    seen: list[tuple[int, Box]] = []
    for i in sorted(range(len(pieces)), key=lambda i: -scores[i]):
        turns, window = _around(pieces[i], scan, settings)
        if scores[i] < settings.score or not any(intersection(window, box) for box in covered):
            continue
        if any(t == turns and intersection(window, w) > 0.5 * area(window) for t, w in seen):
            continue
        if len(seen) == settings.windows_max:
            break
        seen.append((turns, window))
        bare = _lines_without_pen(scan, layers, turns, window, pieces, reader, settings)
        found += [line for line in bare if _says_more(line, pieces, scores, settings)]
    return found


def _around(piece: TextLine, scan: Scan, settings: UncoveredSettings) -> tuple[int, Box]:
    """The quarter turns that set a line level, and the page's part around it."""
    turns = round(piece.rotation_deg / 90) % 4
    x0, y0, x1, y1 = piece.box
    along, across = round(settings.along * piece.height), round(settings.across * piece.height)
    right, down = (across, along) if turns % 2 else (along, across)
    return turns, (max(0, x0 - right), max(0, y0 - down), min(scan.width, x1 + right), min(scan.height, y1 + down))


def _hand(layers: Layers, box: Box, settings: UncoveredSettings) -> np.ndarray:
    """Where a part of the page is a pen's more than a stamp's or typing's."""
    x0, y0, x1, y1 = box
    grid = np.array([[layers.scale, 0, x0 * layers.scale], [0, layers.scale, y0 * layers.scale]], np.float32)
    size = (x1 - x0, y1 - y0)
    hand, stamp, type_ = (
        cv2.warpAffine(m, grid, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        for m in (layers.handwriting, layers.stamp, layers.print)
    )
    return np.asarray((hand > settings.hand) & (hand > stamp) & (hand > type_))


def _has_pen(scan: Scan, layers: Layers, box: Box, settings: UncoveredSettings) -> bool:
    """Whether much of the ink in a box would be taken away."""
    x0, y0, x1, y1 = (max(0, v) for v in box)
    ink = scan.ink[y0:y1, x0:x1]
    hand = _hand(layers, (x0, y0, x0 + ink.shape[1], y0 + ink.shape[0]), settings) if ink.size else ink
    return float((ink & hand).sum()) > settings.pen_min * float(ink.sum())


def _lines_without_pen(
    scan: Scan,
    layers: Layers,
    turns: int,
    window: Box,
    pieces: Sequence[TextLine],
    reader: Reader,
    settings: UncoveredSettings,
) -> list[TextLine]:
    x0, y0, x1, y1 = window
    bare = np.full_like(scan.grey, 255)
    bare[y0:y1, x0:x1] = np.where(_hand(layers, window, settings), 255, scan.grey[y0:y1, x0:x1])
    level = np.ascontiguousarray(np.rot90(bare[y0:y1, x0:x1], -turns))
    high, wide = level.shape
    rim, corner = settings.margin, np.array([x0, y0], np.float32)
    plane = cv2.copyMakeBorder(level, rim, rim, rim, rim, cv2.BORDER_CONSTANT, value=255)
    places = [turned_corners(corners - rim, turns, wide, high) + corner for corners in reader.find_lines(plane)]
    long = [c for c in places if np.linalg.norm(c[1] - c[0]) > settings.length_min * np.linalg.norm(c[3] - c[0])]
    fresh = [corners for corners in long if not is_well_read(corners, pieces)]
    return read_legends(bare, fresh, reader, settings.legend_min)


def _says_more(line: TextLine, pieces: Sequence[TextLine], scores: np.ndarray, settings: UncoveredSettings) -> bool:
    """Whether a line with figures has words more like a legend than what was read in its place.

    Else it is a piece of that again, with what is left of a pen's figures, which reads as others.
    """
    if not any(map(str.isdigit, line.text)):
        return True
    there = [k for k, p in enumerate(pieces) if intersection(p.box, line.box) > settings.same * area(line.box)]
    said = max((float(scores[k]) for k in there), default=0.0)
    return sum(map(str.isalpha, line.text)) >= settings.letters_min and float(likeness([line])[0]) > said
