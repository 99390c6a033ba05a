"""Lines of a stamp that a pen runs over, found without the pen's ink."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import pytest

from redactlib.detect.uncovered import read_uncovered
from redactlib.layers import Layers
from redactlib.reading import Reading, TextLine, text_line
from redactlib.scan import Scan

STAMP = (300, 400, 700, 430)


class Eye:
    """Finds one line over all ink that it is shown, and keeps the pictures."""

    def __init__(self, says: str = "E.O. 12958, Sec. 3.5") -> None:
        self.shown: list[np.ndarray] = []
        self.says = says

    def find_lines(self, grey: np.ndarray) -> list[np.ndarray]:
        self.shown.append(grey)
        x, y, w, h = cv2.boundingRect((grey < 128).astype(np.uint8))
        return [np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]], np.float32)] if w else []

    def read(self, crops: Sequence[np.ndarray], *, careful: bool = False) -> list[Reading]:
        return [Reading(self.says, 0.9) for _ in crops]


def line(box: tuple[int, int, int, int], text: str, confidence: float, turns: int = 0) -> TextLine:
    x0, y0, x1, y1 = box
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)
    return text_line(np.roll(corners, turns, axis=0), Reading(text, confidence))


def page(*, upright: bool) -> tuple[Scan, Layers]:
    """A row of print at `STAMP`, turned a quarter if not `upright`, and a pen's stroke across it."""
    grey, hand = np.full((1000, 1000), 255, np.uint8), np.zeros((1000, 1000), np.uint8)
    x0, y0, x1, y1 = STAMP
    grey[y0:y1, x0:x1:20] = grey[y0:y1, x0 + 1 : x1 : 20] = 0
    hand[300:560, 500:508] = 255
    grey[hand > 0] = 0
    if not upright:
        grey, hand = (np.ascontiguousarray(np.rot90(plane)) for plane in (grey, hand))
    none = np.zeros_like(hand)
    maps = dict.fromkeys(("print", "stamp", "ruling", "fill", "bracket_open", "bracket_close"), none)
    return Scan(grey, 200.0), Layers(1.0, handwriting=hand, bracket_size=np.zeros((1000, 1000, 2), np.float32), **maps)


@pytest.mark.parametrize("upright", [True, False])
def test_a_line_under_the_pen_is_found_where_it_stands_and_set_level(upright: bool) -> None:
    scan, layers = page(upright=upright)
    key, covered = (300, 340, 560, 370), (300, 380, 700, 560)
    if not upright:  # the picture turned a quarter to the left: x, y become y, 1000 - x
        key, covered = ((y0, 1000 - x1, y1, 1000 - x0) for x0, y0, x1, y1 in (key, covered))
    turns = 0 if upright else 1
    pieces = [line(key, "DECLASSIFIED", 1.0, turns), line(covered, "E1258", 0.4, turns)]
    eye = Eye()
    [found] = read_uncovered(scan, layers, pieces, eye)
    x0, y0, x1, y1 = STAMP
    there = STAMP if upright else (y0, 1000 - x1, y1, 1000 - x0)
    assert np.abs(np.subtract(found.box, there)).max() <= 20  # the columns of its last letter
    assert abs(found.rotation_deg - (0 if upright else 90)) < 1
    assert len(eye.shown) == 1
    shown = eye.shown[0] < 128
    assert np.ptp(np.flatnonzero(shown.any(1))) < 40 < np.ptp(np.flatnonzero(shown.any(0)))  # level, the stroke gone


def test_what_is_left_of_a_pen_s_figures_is_no_line() -> None:
    scan, layers = page(upright=True)
    pieces = [line((300, 340, 560, 370), "DECLASSIFIED", 1.0), line((300, 380, 700, 560), "E1258", 0.4)]
    assert read_uncovered(scan, layers, pieces, Eye("2015 By")) == []
    assert read_uncovered(scan, layers, pieces, Eye("By NARA 2015"))


def test_a_line_that_was_read_is_not_read_again_in_pieces() -> None:
    scan, layers = page(upright=True)
    stamp, place = line((300, 340, 560, 370), "DECLASSIFIED", 1.0), (300, 380, 700, 450)
    whole, lost = line(place, "CLASSIFIED BY 5668 SLD", 0.7), line(place, "CDASSHTD B75668", 0.7)
    assert read_uncovered(scan, layers, [stamp, whole], Eye("CLASSIFIED BY56")) == []
    assert read_uncovered(scan, layers, [stamp, lost], Eye("CLASSIFIED BY56"))


def test_nothing_is_looked_for_without_a_pen_without_a_stamp_or_without_doubt() -> None:
    scan, layers = page(upright=True)
    stamp, covered = line((300, 340, 560, 370), "DECLASSIFIED", 1.0), line((300, 380, 700, 560), "E1258", 0.4)
    prose = line((300, 340, 560, 370), "of the papers", 1.0)
    sure = line((300, 380, 700, 560), "of the papers", 0.99)
    penless = replace(layers, handwriting=np.zeros_like(layers.handwriting))
    eye = Eye()
    assert read_uncovered(scan, None, [stamp, covered], eye) == []
    assert read_uncovered(scan, penless, [stamp, covered], eye) == []
    assert read_uncovered(scan, layers, [prose, covered], eye) == []
    assert read_uncovered(scan, layers, [stamp, sure], eye) == []
    assert eye.shown == []
