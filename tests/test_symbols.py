"""The symbol of a Presidential library read from character probabilities, and by the form that it stands in."""

from __future__ import annotations

import numpy as np
import pytest
from test_forms import piece

from redactlib.catalogue.markings import Line, match_markings
from redactlib.datelines import DateLines
from redactlib.forms import read_form
from redactlib.reading import ALPHABET, Reading
from redactlib.scan import Scan
from redactlib.symbols import read_library


def reading(*said: str) -> Reading:
    """One step for each character, a blank after it; of several characters at one place all are alike probable."""
    lattice = np.full((2 * len(said), 1 + len(ALPHABET)), 1e-6, np.float32)
    lattice[1::2, 0] = 1.0
    for step, characters in enumerate(said):
        for c in characters:
            lattice[2 * step, 1 + ALPHABET.index(c)] = 1 / len(characters)
    return Reading("".join(characters[0] for characters in said), 0.9, lattice)


@pytest.mark.parametrize(
    ("said", "library"),
    [
        (["N", "L", "35J", *" 92-224"], "LBJLibrary"),  # a hook that may be any of three
        ([*"NL", "3", *" 92-224"], "LBJLibrary"),
        (["NM", "L1", "KX", *"-99-152"], "JFKLibrary"),
        ([*"NL", "KR", *"-99-152"], None),
        ([*"NLRR F03-002/8 01"], "ReaganLibrary"),
        ([*"NLRR 03-002"], None),  # its numbers begin with the kind of request
        (["N", "L", "EF", *" MR 92-49"], None),  # either
        ([*"NLMMR 99-43"], None),  # an M may stand for any letter before MR
        ([*"NARA, DATE 3-20-95"], None),
        ([*"NND 877402"], None),
        ([*"NLJ, see file"], None),
    ],
)
def test_a_library_is_known_by_its_symbol_before_a_number(said: list[str], library: str | None) -> None:
    assert read_library([reading(*said)], [0]) == library


def test_a_spelt_symbol_stands_unless_another_is_probable_as_well() -> None:
    assert read_library([], [], spelt="TrumanLibrary") == "TrumanLibrary"
    assert read_library([reading(*"NLT 94-238")], [0], spelt="TrumanLibrary") == "TrumanLibrary"
    doubtful = reading(*"NL", "TJ", *" 94-238")
    assert read_library([doubtful], [0], spelt="TrumanLibrary") is None
    assert (
        read_library([doubtful, *[reading(*"NLJ 94-238")] * 4], [0, 1, 2, 3, 4], spelt="TrumanLibrary") == "LBJLibrary"
    )


def test_one_view_in_doubt_does_not_outweigh_many_that_are_not() -> None:
    doubtful, plain = reading(*"NL", "TJ", *" 93-261"), reading(*"NLJ 93-261")
    assert read_library([doubtful, doubtful, plain, plain], [0, 1, 2, 2], spelt="LBJLibrary") == "LBJLibrary"
    assert read_library([doubtful, doubtful, doubtful, plain], [0, 1, 2, 2], spelt="LBJLibrary") is None


def test_lines_that_name_two_libraries_name_none() -> None:
    both = [reading(*"NLJ 92-224"), reading(*"NLK 92-224")]
    assert read_library(both, [0, 1]) is None
    assert read_library([*both, both[0], both[0], both[0]], [0, 1, 2, 3, 4]) == "LBJLibrary"


def test_the_symbol_under_a_legend_gives_the_agency_where_no_best_guess_spells_it() -> None:
    texts = ("DECLASSIFIED", "E.O. 12356, Sec. 3.4", "23592-224", "By PA, NARA, Date 4/24/90")
    pieces = [piece(text, row) for row, text in enumerate(texts)]
    lines = [
        Line(p.text, tuple(p.corners.mean(0)), float(p.box[2] - p.box[0]), p.height, parts=(i,))
        for i, p in enumerate(pieces)
    ]
    pen = DateLines((reading(*"N", "L1", "35J", *" 92-224"),), (1.0,), (0,), (0,), (0,))
    page = Scan(np.full((900, 1400), 255, np.uint8), 300.0)
    assert read_form(page, match_markings(lines)[0], lines, pieces, (), lambda: pen).agency == "LBJLibrary"
    assert read_form(page, match_markings(lines)[0], lines, pieces, (), DateLines).agency is None
