"""Words of a line by their places, where marks stand in it."""

from __future__ import annotations

import numpy as np
import pytest

from redactlib.detect.passage import words_of
from redactlib.reading import Reading, TextLine


def line(text: str) -> TextLine:
    """A line whose letters are ten pixels wide, from 100."""
    x1 = 100 + 10 * len(text)
    corners = np.array([[100, 50], [x1, 50], [x1, 66], [100, 66]], np.float32)
    centres = tuple((i + 0.5) / len(text) for i in range(len(text)))
    return TextLine((100, 50, x1, 66), corners, 0.0, Reading(text, 0.95, None, centres))


def test_words_know_where_they_begin_and_end() -> None:
    words = words_of(line("in no case"))
    assert [(w.text, w.left, w.right) for w in words] == [("in", 100, 120), ("no", 130, 150), ("case", 160, 200)]


@pytest.mark.parametrize("read", ["asAdefined", "as^defined", "as defined"])
def test_a_mark_between_words_is_no_letter_of_theirs(read: str) -> None:
    assert [w.text for w in words_of(line(read), [125.0])] == ["as", "defined"]


def test_a_mark_that_was_not_read_parts_the_words_it_stands_between() -> None:
    assert [w.text for w in words_of(line("agreedthat"), [160.0])] == ["agreed", "that"]


def test_where_a_mark_was_erased_a_letter_is_a_letter() -> None:
    assert [w.text for w in words_of(line("the NATO"), [175.0])] == ["the", "NAT"]
    assert [w.text for w in words_of(line("the NATO"), [175.0], erased=True)] == ["the", "NATO"]


def test_a_mark_close_to_a_space_takes_no_letter() -> None:
    assert [w.text for w in words_of(line("of the Cuba"), [166.0])] == ["of", "the", "Cuba"]


def test_a_reading_without_places_gives_no_words() -> None:
    corners = np.zeros((4, 2), np.float32)
    assert words_of(TextLine((0, 0, 9, 9), corners, 0.0, Reading("no places", 0.9))) == []
