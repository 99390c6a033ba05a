from __future__ import annotations

import random
import string

import numpy as np
import pytest

from redactlib.catalogue.markings import match_markings
from redactlib.detect.legend import read_as_legends
from redactlib.detect.outline import as_line
from redactlib.reading import ALPHABET, TextLine, decode_lattice, text_line


def line(text: str, *, runner_up: str = "", share: float = 0.3, y: float = 0.0) -> TextLine:
    """A line whose best guess is `text` and whose second guess, letter by letter, is `runner_up`."""
    lattice = np.full((2 * len(text) + 1, 1 + len(ALPHABET)), 1e-6, np.float32)
    lattice[::2, 0] = 1.0
    for i, c in enumerate(text):
        other = runner_up[i] if i < len(runner_up) else c
        lattice[2 * i + 1, 1 + ALPHABET.index(c)] = 1.0 if other == c else 1 - share
        if other != c:
            lattice[2 * i + 1, 1 + ALPHABET.index(other)] = share
    corners = np.array([[0, y], [20 * len(text), y], [20 * len(text), y + 40], [0, y + 40]], np.float32)
    return text_line(corners, decode_lattice(lattice))


def test_a_worn_line_is_read_as_the_legend_that_its_probabilities_favour():
    found = read_as_legends([line("Clussjfedqbyq9803", runner_up="Classified by 9803")])
    assert found[0].text.upper().startswith("CLASSIFIED BY")
    assert found[0].text.endswith("9803")


def test_centres_follow_the_letters():
    reading = read_as_legends([line("Clussjfedqbyq9803", runner_up="Classified by 9803")])[0].reading
    assert len(reading.centres) == len(reading.text)
    assert list(reading.centres) == sorted(reading.centres)


def test_two_lines_that_no_alignment_of_letters_would_take_are_a_stamp():
    worn = [
        line("Clussjfedqbyq5668", runner_up="Classified by 5668"),
        line("Dechasslyyqon:q0ADS", runner_up="Declassify on: OADR", y=60),
    ]
    found = read_as_legends(worn)
    matches = match_markings([as_line(piece, i) for i, piece in enumerate(found)])
    assert [match.marking.family for match in matches] == ["fbi-classified-by"]


def test_prose_stays_as_it_was_read():
    prose = line("was not classed by him", share=0.3, runner_up="wes nct clessed hy hjm")
    assert read_as_legends([prose])[0].text == prose.text


def test_a_word_within_a_word_is_no_legend():
    """CLASSIFY AS begins within declassify as."""
    found = read_as_legends([line("declassifvvas", runner_up="declassify as")])
    assert "CLASSIFY AS" not in found[0].text


def test_where_nothing_can_be_read_no_legend_is_seen():
    """A lattice that holds all letters as likely as each other fits any legend of its length."""
    flat = np.full((60, 1 + len(ALPHABET)), 1 / (1 + len(ALPHABET)), np.float32)
    dice = random.Random(1)
    text = "".join(dice.choice(string.ascii_uppercase) for _ in range(18))
    piece = line(text)
    blind = text_line(piece.corners, decode_lattice(flat))
    assert read_as_legends([blind])[0] is not None
    assert read_as_legends([blind])[0].text == blind.text


@pytest.mark.parametrize("text", ["Classified by 9803", "ALL INFORMATION CONTAINED"])
def test_a_line_read_without_doubt_is_not_touched(text: str):
    piece = line(text)
    assert read_as_legends([piece])[0] is piece
