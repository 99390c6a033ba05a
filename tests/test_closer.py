"""A second look at lines: by halves, the other way round, and from end to end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import pytest

from redactlib.detect.closer import is_well_read, read_cut, read_halves, read_upside_down
from redactlib.reading import Reading, TextLine, text_line
from redactlib.scan import Scan


class Says:
    """Stands in for the recogniser: says the given texts, one a crop."""

    def __init__(self, *texts: str) -> None:
        self.texts = texts
        self.heights: list[int] = []

    def find_lines(self, grey: np.ndarray) -> list[np.ndarray]:
        return []

    def read(self, crops: Sequence[np.ndarray], *, careful: bool = False) -> list[Reading]:
        self.heights += [crop.shape[0] for crop in crops]
        return [Reading(text, 0.9) for text in self.texts[: len(crops)]]


def line(top: int, height: int, text: str, confidence: float) -> TextLine:
    corners = np.array([[100, top], [900, top], [900, top + height], [100, top + height]], np.float32)
    return text_line(corners, Reading(text, confidence))


def test_a_high_line_read_with_doubt_is_read_by_halves_of_which_a_legend_is_kept() -> None:
    scan = Scan(np.full((1200, 1000), 255, np.uint8), 300.0)
    typing = [line(40 * i, 36, "of the documents that the committee asked for", 0.99) for i in range(12)]
    reader = Says("DECLASSIFIED BY SP4 BTJ", "Q~ 4/7")
    found = read_halves(scan, [*typing, line(700, 110, "DNC895D Y SP1ML", 0.6)], reader)
    assert [piece.text for piece in found] == ["DECLASSIFIED BY SP4 BTJ"]
    assert found[0].box[1] == 700
    assert found[0].height < 70
    assert len(reader.heights) == 3  # both at a glance, one carefully


def test_lines_read_without_doubt_and_lines_of_the_typing_are_not() -> None:
    scan = Scan(np.full((1200, 1000), 255, np.uint8), 300.0)
    typing = [line(40 * i, 36, "of the documents that the committee asked for", 0.6) for i in range(12)]
    reader = Says("DECLASSIFIED BY", "ON")
    assert read_halves(scan, [*typing, line(700, 110, "TOP SECRET", 0.98)], reader) == []
    assert reader.heights == []


def test_a_stamp_that_stands_on_its_head_is_read_the_other_way_round() -> None:
    scan = Scan(np.full((1200, 1000), 255, np.uint8), 300.0)
    stamp = [
        line(700, 50, "SENT", 0.5),
        line(770, 50, "DECIN AIIOR DO", 0.6),
        line(840, 50, "OT NOLLI8RO ON SVH VIO", 0.6),
    ]
    reader = Says("DECLASSIFICATION AND/OR", "CIA HAS NO OBJECTION TO", "1-14-98")
    found = read_upside_down(scan, [line(100, 50, "of the documents that they had", 0.99), *stamp], reader)
    assert "CIA HAS NO OBJECTION TO" in [piece.text for piece in found]
    assert found[0].text == "of the documents that they had"
    turned = next(piece for piece in found if piece.text == "CIA HAS NO OBJECTION TO")
    assert turned.corners[0][0] > turned.corners[1][0]


def test_doubtful_lines_that_say_no_legend_the_other_way_round_stay() -> None:
    scan = Scan(np.full((1200, 1000), 255, np.uint8), 300.0)
    written = [line(700, 50, "qum yours", 0.5), line(770, 50, "wiu be thne", 0.5)]
    assert read_upside_down(scan, written, Says("sinok wnb", "auyt aq")) == written


@pytest.mark.parametrize(("said", "read"), [("9961 183", "FEB 1 1966"), ("1961 183", "1961 183")])
def test_a_year_that_is_read_on_its_head_turns_its_line(said: str, read: str) -> None:
    scan = Scan(np.full((1200, 1000), 255, np.uint8), 300.0)
    (found,) = read_upside_down(scan, [line(700, 50, said, 0.88)], Says("FEB 1 1966"))
    assert found.text == read


def test_of_two_legends_that_fit_a_part_alike_every_process_takes_the_same() -> None:
    said = "from redactlib.detect.closer import _keys; print(*_keys(), sep='|')"
    runs = {
        subprocess.run(
            [sys.executable, "-c", said], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(runs) == 1


def cut_line_page(*, inked: bool) -> Scan:
    page = np.full((1200, 2000), 255, np.uint8)
    page[710:740:2, 900:1500] = 0
    if inked:
        page[710:740:2, 500:900] = 0
    return Scan(page, 300.0)


@pytest.mark.parametrize("inked", [True, False])
def test_a_line_of_which_a_part_was_found_is_read_where_its_legend_begins(inked: bool) -> None:
    corners = np.array([[900, 700], [1500, 700], [1500, 750], [900, 750]], np.float32)
    part = text_line(corners, Reading("CAL RENEW PROGRAM", 0.7))
    found = read_cut(cut_line_page(inked=inked), [part], Says("CIA RISTORICAL REVIEW PROGRAM"))
    assert [piece.text for piece in found] == (["CIA RISTORICAL REVIEW PROGRAM"] if inked else [])
    assert not found or found[0].box[0] < 600


@pytest.mark.parametrize(("rise", "known"), [(0.0, True), (0.12, False)])
def test_a_place_was_read_where_a_line_on_its_own_level_was_not_where_one_above_it_slopes_past(
    rise: float, known: bool
) -> None:
    def place(x0: int, x1: int, y: float) -> np.ndarray:
        return np.array([[x, y - rise * (x - 100) + h] for x, h in ((x0, 0), (x1, 0), (x1, 40), (x0, 40))], np.float32)

    above = text_line(place(100, 600, 500 - 60 * (rise > 0)), Reading("DECLASSIFIED BY THE", 0.99))
    assert is_well_read(place(100, 900, 500), [above]) is known
    assert not is_well_read(place(100, 900, 500), [text_line(above.corners, Reading("DECLAS", 0.6))])
