"""Printed words that were struck out: a straight stroke through them, longer than any that letters are made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from redactlib.marks import Box
from redactlib.scan import Scan


@dataclass(frozen=True)
class StrikeSettings:
    """What makes a stroke one that strikes out; lengths in heights of the lettering."""

    letter_px: int = 40  # height to which the lettering is brought
    ink_min: float = 0.35  # of a reduced pixel: thin strokes survive
    reach: float = 0.7  # strokes begin and end outside the words
    length_min: float = 2.3  # no letter has a straight stroke so long, and rows of serifs stand above and below
    angle_min_deg: float = 0.0  # raised where the lines of a form run level
    angle_max_deg: float = 66.0  # steeper ones are frames and stems
    angle_step_deg: float = 1.5  # a pen's width over such a length
    middle: tuple[float, float] = (0.25, 0.75)  # of the height of the words
    middle_length_min: float = 0.45  # of the stroke that runs there


def is_struck(scan: Scan, box: Box, *, settings: StrikeSettings = StrikeSettings()) -> bool:
    """Whether a straight stroke crosses the middle of a line of print, all of it or some of its words.

    The lettering is turned through all angles; a stroke is an unbroken run of ink along a row.

    Args:
        scan: the page.
        box: of the line of print, close around its ink, level or upright.

    >>> page = np.full((120, 400), 255, np.uint8)
    >>> _ = cv2.putText(page, "SECRET", (60, 75), cv2.FONT_HERSHEY_SIMPLEX, 1.6, 0, 4)
    >>> clean = is_struck(Scan(page, 150.0), (58, 40, 224, 77))
    >>> _ = cv2.line(page, (40, 70), (290, 48), 0, 4)
    >>> clean, is_struck(Scan(page, 150.0), (58, 40, 224, 77))
    (False, True)
    """
    return next(strokes_through(scan, box, settings=settings), None) is not None


def strokes_through(scan: Scan, box: Box, *, settings: StrikeSettings = StrikeSettings()) -> Iterator[Box]:
    """Straight strokes that cross the middle of a line of print, by their boxes: :func:`is_struck` says how.

    A thick stroke comes out many times, once for each row of its pixels.
    """
    x0, y0, x1, y1 = box
    upright = y1 - y0 > x1 - x0
    height = min(x1 - x0, y1 - y0)
    if height < 4:
        return
    margin = round(settings.reach * height)
    left, top = max(0, x0 - margin), max(0, y0 - margin)
    ink = scan.ink[top : y1 + margin, left : x1 + margin].astype(np.uint8) * 255
    if not ink.any():
        return
    words = (y0 - top, x0 - left, y1 - top, x1 - left) if upright else (x0 - left, y0 - top, x1 - left, y1 - top)
    scale = settings.letter_px / height
    small = cv2.resize(ink.T if upright else ink, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    small = np.where(small > 255 * settings.ink_min, 1, 0).astype(np.uint8)
    place = np.array(words, float) * scale
    angles = np.arange(-settings.angle_max_deg, settings.angle_max_deg + 0.1, settings.angle_step_deg)
    for angle in angles[np.abs(angles) >= settings.angle_min_deg]:
        for stroke in _strokes(small, angle, settings):
            if _crosses(stroke, place, settings):
                ends = stroke[:, ::-1] if upright else stroke
                (low_x, low_y), (high_x, high_y) = ends.min(0) / scale, ends.max(0) / scale
                yield (left + int(low_x), top + int(low_y), left + int(high_x) + 1, top + int(high_y) + 1)


def _strokes(ink: np.ndarray, angle_deg: float, settings: StrikeSettings) -> Iterator[np.ndarray]:
    """Ends ``(2, 2)`` of the longest run of ink of each row in one direction, where it is long enough."""
    high, wide = ink.shape
    turn = cv2.getRotationMatrix2D((wide / 2, high / 2), angle_deg, 1.0)
    radians = np.radians(abs(angle_deg))
    size = (
        int(wide * np.cos(radians) + high * np.sin(radians)) + 1,
        int(high * np.cos(radians) + wide * np.sin(radians)) + 1,
    )
    turn[:, 2] += (size[0] - wide) / 2, (size[1] - high) / 2
    turned = cv2.warpAffine(ink, turn, size, flags=cv2.INTER_NEAREST)
    turned = cv2.dilate(turned, np.ones((2, 2), np.uint8))  # turning leaves gaps of a pixel
    count = np.cumsum(turned, axis=1, dtype=np.int32)
    run = count - np.maximum.accumulate(np.where(turned, 0, count), axis=1)
    back = cv2.invertAffineTransform(turn)
    for row in np.flatnonzero(run.max(1) >= settings.length_min * settings.letter_px):
        end = int(run[row].argmax())
        ends = np.array([[end - run[row, end], row, 1], [end, row, 1]], float)
        yield ends @ back.T


def _crosses(stroke: np.ndarray, words: np.ndarray, settings: StrikeSettings) -> bool:
    """Whether a stroke, given by its ends, runs through the middle of the words' box."""
    along, down = (stroke[0] + np.linspace(0, 1, 50)[:, None] * (stroke[1] - stroke[0])).T
    low, high = words[1] + np.array(settings.middle) * (words[3] - words[1])
    inside = (along > words[0]) & (along < words[2]) & (down > low) & (down < high)
    length = float(np.linalg.norm(stroke[1] - stroke[0]))
    return bool(inside.mean() * length > settings.middle_length_min * settings.letter_px)
