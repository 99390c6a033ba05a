"""Worn lines are read under the catalogue's wording only where the recogniser all but said its words."""

from __future__ import annotations

import numpy as np
import pytest

from redactlib.detect.wording import in_catalogue_words
from redactlib.reading import ALPHABET, Reading, TextLine, text_line

CORNERS = np.array([[0, 0], [260, 0], [260, 20], [0, 20]], np.float32)


def half_read(read: str, meant: str, *, doubt: float) -> TextLine:
    """A line whose letters were read as `read`, and with the probability `doubt` as `meant`."""
    lattice = np.full((2 * len(read), 1 + len(ALPHABET)), 1e-5, np.float32)
    lattice[1::2, 0] = 0.99
    for step, (best, other) in enumerate(zip(read, meant, strict=True)):
        lattice[2 * step, 1 + ALPHABET.index(other)] = doubt
        lattice[2 * step, 1 + ALPHABET.index(best)] = 1 - doubt
    places = tuple((step + 0.5) / len(read) for step in range(len(read)))
    return text_line(CORNERS, Reading(read, 1 - doubt, lattice, places))


def test_a_line_that_nearly_says_a_legend_is_that_legend() -> None:
    [line] = in_catalogue_words([half_read("Dechassily on", "Declassify on", doubt=0.3)])
    assert line.text == "Declassify on"
    assert len(line.reading.centres) == len(line.text)


@pytest.mark.parametrize(
    ("read", "meant", "doubt"),
    [
        ("Dechassily on", "Declassify on", 0.001),  # hardly thought possible
        ("Declassily an", "Declassify on", 0.04),  # read without doubt
        ("Desired by me", "Desired by me", 0.3),  # unlike any legend
    ],
)
def test_other_lines_stay_as_they_were_read(read: str, meant: str, doubt: float) -> None:
    line = half_read(read, meant, doubt=doubt)
    assert in_catalogue_words([line]) == [line]
