"""Worn stamps on their side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from redactlib.detect.sideways import read_sideways
from redactlib.reading import ALPHABET, Reading, TextLine, decode_lattice, text_line
from redactlib.scan import Scan


def reading(text: str, *, runner_up: str = "", share: float = 0.2) -> Reading:
    """A reading whose best guess is `text` and whose second guess, letter by letter, is `runner_up`."""
    lattice = np.full((2 * len(text) + 1, 1 + len(ALPHABET)), 1e-6, np.float32)
    lattice[::2, 0] = 1.0
    for i, (c, other) in enumerate(zip(text, runner_up or text, strict=True)):
        lattice[2 * i + 1, 1 + ALPHABET.index(other)] = share
        lattice[2 * i + 1, 1 + ALPHABET.index(c)] = 1.0 if other == c else 1 - share
    return decode_lattice(lattice)


def upwards(text: str, x: int, start: int, stop: int) -> TextLine:
    """A piece that reads up the page, from `start` to `stop`."""
    corners = np.array([(x, start), (x, stop), (x + 40, stop), (x + 40, start)], np.float32)
    return text_line(corners, reading(text, runner_up="~" * len(text), share=0.3))


class Recogniser:
    """Says what it is told to, of the lines that it is given in turn."""

    def __init__(self, *readings: Reading) -> None:
        self.readings = readings
        self.shapes: list[tuple[int, ...]] = []

    def find_lines(self, grey: np.ndarray) -> list[np.ndarray]:
        return []

    def read(self, crops: Sequence[np.ndarray], *, careful: bool = False) -> list[Reading]:
        self.shapes += [crop.shape for crop in crops]
        return list(self.readings[: len(crops)])


@pytest.fixture
def page() -> Scan:
    """Two rows of dots up the left margin: a stamp of which the detector saw the last words only."""
    image = np.full((1400, 1000), 255, np.uint8)
    image[200:1000:20, 60:90] = 0
    image[200:1000:20, 110:140] = 0
    return Scan(image, 300.0)


ENDS = (upwards("CNTAIMD", 55, 400, 200), upwards("LASSFD", 105, 400, 200))


def test_lines_are_read_from_end_to_end_and_say_what_their_probabilities_favour(page):
    recogniser = Recogniser(
        reading("ALLEIMFORMATTONECNNTAIMED", runner_up="ALL INFORMATION CONTAINED"),
        reading("MERRIN IS UNCLASSIFIED", runner_up="HEREIN IS UNCLASSIFIED"),
    )
    found = read_sideways(page, ENDS, recogniser)
    assert "HEREIN IS UNCLASSIFIED" in [line.text for line in found]
    assert all(width > 600 for _, width in recogniser.shapes)
    assert not any(piece in found for piece in ENDS)


def test_a_legend_that_another_agency_has_is_not_read_over_what_the_line_says(page):
    osd = Recogniser(reading("OSD HAS NO OBJECTION TO"), reading("DECLASSIFICATION AND RELEASE"))
    assert read_sideways(page, ENDS, osd) == list(ENDS)


def test_one_line_alone_is_not_enough(page):
    recogniser = Recogniser(reading("HEREIN IS UNCLASSIFIED"), reading("of the party in Mexico"))
    assert read_sideways(page, ENDS, recogniser) == list(ENDS)


def test_lines_in_another_order_are_no_legend(page):
    recogniser = Recogniser(reading("HEREIN IS UNCLASSIFIED"), reading("ALL INFORMATION CONTAINED"))
    assert read_sideways(page, ENDS, recogniser) == list(ENDS)


def test_where_nothing_can_be_read_no_legend_is_seen(page):
    blind = Reading("EE", 0.1, np.full((60, 1 + len(ALPHABET)), 1 / (1 + len(ALPHABET)), np.float32), (0.3, 0.6))
    assert read_sideways(page, ENDS, Recogniser(blind, blind)) == list(ENDS)


def test_level_lines_are_left_alone(page):
    level = text_line(np.array([(0, 0), (200, 0), (200, 40), (0, 40)], np.float32), reading("anything"))
    assert read_sideways(page, [level, level], Recogniser()) == [level, level]
