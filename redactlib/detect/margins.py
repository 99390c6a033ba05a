"""Stamps that stand on their side: the page's margins are turned level before lines are looked for there.

A text detector finds upright lines on their side only in pieces, and worn ones not at all; on a strip of the page
turned by a quarter it sees them as it sees any other line, for the twentieth part of a page's time. Between the margins
such a strip is looked at where a piece on its side looks like a stamp's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from redactlib.detect.closer import likeness
from redactlib.marks import Box, area, intersection
from redactlib.reading import Reader, TextLine, crop_line, text_line, turned_corners
from redactlib.scan import Scan


@dataclass(frozen=True)
class MarginSettings:
    """Where lines on their side are looked for, and which of them are kept."""

    width_share: float = 0.18  # of the page's width, at either side
    legend_min: float = 0.7  # share of a legend's letters in a piece on its side between the margins,
    reach: float = 4.0  # to whose sides other lines may stand, in its heights;
    strips_max: int = 2  # places looked at for such
    ink_min_mm2: float = 12.0  # in a margin: a line of 3 mm letters over 20 mm has as much
    aspect_min: float = 1.8  # of such a line; level typing gives blots
    level_max: float = 0.2  # slope in the turned strip
    covered_max: float = 0.3  # of it that lies on what was read without doubt
    sure: float = 0.9  # confidence of a reading without doubt
    lines_max: int = 24  # read at most, the longest first: 6 ms each way
    careful_max: int = 12  # of them read carefully, those that look most like a legend or were best read: 30 ms each
    promise_min: float = 1.0  # share of a legend's letters and confidence together: texture has little of both
    confidence_min: float = 0.6  # of a careful reading that is kept


def read_margins(
    scan: Scan, pieces: Sequence[TextLine], reader: Reader, *, settings: MarginSettings = MarginSettings()
) -> list[TextLine]:
    """The page's lines with those on their side in its margins read anew; what they were read as before is left out."""
    sure = [p.box for p in pieces if p.confidence >= settings.sure and abs(p.rotation_deg) < 45]
    found = _lines_on_their_side(scan, sure, _strips(scan, pieces, settings), reader, settings)
    fresh = [
        c for c in found if sum(intersection(_box(c), other) for other in sure) <= settings.covered_max * area(_box(c))
    ]
    fresh = sorted(fresh, key=lambda c: -float(np.linalg.norm(c[1] - c[0])))[: settings.lines_max]
    ways = [c for corners in fresh for c in (corners, np.roll(corners, 2, axis=0))]
    guesses = [text_line(c, r) for c, r in zip(ways, reader.read([crop_line(scan.grey, c) for c in ways]), strict=True)]
    best = [max(pair, key=lambda line: line.confidence) for pair in zip(guesses[::2], guesses[1::2], strict=True)]
    alike = likeness(best)
    order = sorted(range(len(best)), key=lambda i: -(alike[i] + best[i].confidence))[: settings.careful_max]
    order = [i for i in order if alike[i] + best[i].confidence >= settings.promise_min]
    wanted = [best[i].corners for i in order]
    readings = reader.read([crop_line(scan.grey, c) for c in wanted], careful=True)
    lines = [text_line(c, r) for c, r in zip(wanted, readings, strict=True)]
    lines = [line for line in lines if line.confidence >= settings.confidence_min and len(line.text) >= 3]
    return [piece for piece in pieces if not any(_is_part(piece, line) for line in lines)] + lines


def _strips(scan: Scan, pieces: Sequence[TextLine], settings: MarginSettings) -> list[tuple[int, int]]:
    """Left and right end of the margins, and of what lies around pieces of stamps on their side between them."""
    wide = round(settings.width_share * scan.width)
    strips = [(0, wide), (scan.width - wide, scan.width)]
    side = [p for p in pieces if 45 <= abs(p.rotation_deg) < 135]
    legends = [(score, p) for p, score in zip(side, likeness(side), strict=True) if score >= settings.legend_min]
    for _, piece in sorted(legends, key=lambda scored: -scored[0]):
        reach = round(settings.reach * piece.height)
        x0, _, x1, _ = piece.box
        if not any(left <= x0 and x1 <= right for left, right in strips):
            strips.append((max(0, x0 - reach), min(scan.width, x1 + reach)))
    return strips[: 2 + settings.strips_max]


def _lines_on_their_side(
    scan: Scan, sure: Sequence[Box], strips: Sequence[tuple[int, int]], reader: Reader, settings: MarginSettings
) -> list[np.ndarray]:
    """Corners ``(4, 2)`` of lines that read upwards in strips of the page, where those hold more than was read."""
    unread = scan.ink.astype(np.uint8)
    for x0, y0, x1, y1 in sure:
        unread[max(0, y0) : y1, max(0, x0) : x1] = 0
    found = []
    for left, right in strips:
        if cv2.countNonZero(unread[:, left:right]) < settings.ink_min_mm2 * scan.mm(1.0) ** 2:
            continue
        turned = cv2.rotate(scan.grey[:, left:right], cv2.ROTATE_90_CLOCKWISE)
        for corners in reader.find_lines(turned):
            along, down = corners[1] - corners[0], corners[3] - corners[0]
            level = abs(along[1]) <= settings.level_max * abs(along[0])
            if level and np.linalg.norm(along) >= settings.aspect_min * np.linalg.norm(down):
                found.append(turned_corners(corners, 1, scan.height, right - left) + np.array([left, 0], np.float32))
    return found


def _box(corners: np.ndarray) -> Box:
    low, high = np.floor(corners.min(0)).astype(int), np.ceil(corners.max(0)).astype(int)
    return (int(low[0]), int(low[1]), int(high[0]), int(high[1]))


def _is_part(piece: TextLine, line: TextLine) -> bool:
    """Whether a piece is what a line on its side was read as before."""
    same = intersection(piece.box, line.box) > 0.5 * area(piece.box)
    return same and (piece.confidence <= line.confidence or len(piece.text) < len(line.text))
