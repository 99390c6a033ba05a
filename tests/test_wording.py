"""Worn lines are read under the catalogue's wording only where the recogniser all but said its words."""

from __future__ import annotations

import numpy as np
import pytest

from redactlib.detect.wording import in_catalogue_words
from redactlib.reading import ALPHABET, Reading, TextLine, text_line

CORNERS = np.array([[0, 0], [260, 0], [260, 20], [0, 20]], np.float32)


def half_read(read: str, meant: str, *, doubt: float, sure: float = 0.7, down: float = 0.0) -> TextLine:
    """A line whose letters were read as `read`, and with the probability `doubt` as `meant`."""
    lattice = np.full((2 * len(read), 1 + len(ALPHABET)), 1e-5, np.float32)
    lattice[1::2, 0] = 0.99
    for step, (best, other) in enumerate(zip(read, meant, strict=True)):
        lattice[2 * step, 1 + ALPHABET.index(other)] = doubt
        lattice[2 * step, 1 + ALPHABET.index(best)] = 1 - doubt
    places = tuple((step + 0.5) / len(read) for step in range(len(read)))
    return text_line(CORNERS + np.array([0, down], np.float32), Reading(read, sure, lattice, places))


def test_a_line_that_nearly_says_a_legend_is_that_legend() -> None:
    [line] = in_catalogue_words([half_read("Dechassily on", "Declassify on", doubt=0.3)])
    assert line.text == "Declassify on"
    assert len(line.reading.centres) == len(line.text)


def test_a_line_where_the_legends_next_one_stands_may_be_less_likely() -> None:
    first = half_read("declassification", "declassification", doubt=0.01, sure=0.99)
    above = half_read("downprabimp anb", "downgrading and", doubt=0.005, down=-26)
    far = half_read("downprabimp anb", "downgrading and", doubt=0.005, down=-260)
    assert [line.text for line in in_catalogue_words([first, above])] == ["declassification", "downgrading and"]
    assert [line.text for line in in_catalogue_words([first, far])] == ["declassification", "downprabimp anb"]


def test_a_line_is_no_legend_s_where_another_in_its_place_was_read_as_that_more_surely() -> None:
    guess = half_read("Dechassily on", "Declassify on", doubt=0.3)
    sure = text_line(CORNERS + np.array([8, 4], np.float32), Reading("Declassily on", 0.97))
    elsewhere = text_line(CORNERS + np.array([0, 400], np.float32), Reading("Declassily on", 0.97))
    assert in_catalogue_words([guess, sure]) == [guess, sure]
    assert in_catalogue_words([guess, elsewhere])[0].text == "Declassify on"


@pytest.mark.parametrize(
    ("read", "meant", "doubt", "sure"),
    [
        ("Dechamsilb en", "Declassify on", 0.001, 0.7),  # hardly thought possible
        ("Dechassily on", "Declassify on", 0.3, 0.96),  # read without doubt
        ("Desired by me", "Desired by me", 0.3, 0.7),  # unlike any legend
    ],
)
def test_other_lines_stay_as_they_were_read(read: str, meant: str, doubt: float, sure: float) -> None:
    line = half_read(read, meant, doubt=doubt, sure=sure)
    assert in_catalogue_words([line]) == [line]
