"""Markings read as forms: ticks, agencies one letter off, dates printed into blanks or alone under a legend."""

from __future__ import annotations

import re
from dataclasses import replace

import cv2
import numpy as np
import pytest

from redactlib.catalogue.markings import Line, Match, markings, match_markings, stack
from redactlib.datelines import DateLines
from redactlib.dates import DateReading
from redactlib.detect.stamp import StampSettings, _belongs, _crossed, _legend_parts, _whole_of, document_date
from redactlib.forms import Form, FormSettings, _weighed, date_blanks, read_form
from redactlib.layers import Layers
from redactlib.reading import ALPHABET, PageText, Reading, TextLine, decode_lattice, text_line
from redactlib.scan import Scan

HEIGHT = 40
CHAR = 20


def piece(text: str, row: int, left: int = 200, confidence: float = 0.97) -> TextLine:
    """A level line of text, its characters evenly spaced."""
    x0, y0, x1, y1 = left, 100 + 60 * row, left + CHAR * len(text), 100 + 60 * row + HEIGHT
    centres = tuple((i + 0.5) / len(text) for i in range(len(text)))
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)
    return text_line(corners, Reading(text, confidence, centres=centres))


def matched(pieces: list[TextLine], filled: tuple[int, ...] = ()) -> tuple[Match, list[Line]]:
    """The marking that the pieces are, and its lines."""
    lines = [
        Line(p.text, tuple(p.corners.mean(0)), float(p.box[2] - p.box[0]), p.height, parts=(i,))
        for i, p in enumerate(pieces)
        if i not in filled
    ]
    return match_markings(lines)[0], lines


def read(
    pieces: list[TextLine],
    page: np.ndarray | None = None,
    filled: tuple[int, ...] = (),
    closer: DateLines | None = None,
) -> Form:
    """The form that the pieces are, those in `filled` being what the pen or a dater put there, read closer so."""
    match, lines = matched(pieces, filled)
    page = np.full((900, 1400), 255, np.uint8) if page is None else page
    return read_form(Scan(page, 300.0), match, lines, pieces, filled, lambda: closer or DateLines())


def views(*lines: tuple[str, ...]) -> DateLines:
    """Readings of lines in several views each; where one says ``{15}`` it is either."""
    readings, found = [], []
    for number, said in enumerate(lines):
        for text in said:
            steps = [(c,) for c in re.sub(r"\{.*?\}", "?", text)]
            for both in re.findall(r"\{(.*?)\}", text):
                steps[steps.index(("?",))] = tuple(both)
            lattice = np.zeros((2 * len(steps), 1 + len(ALPHABET)), np.float32)
            lattice[::2, 0] = 1.0
            for i, choice in enumerate(steps):
                for c in choice:
                    lattice[2 * i + 1, 1 + ALPHABET.index(c)] = 0.97 / len(choice)
            lattice[1::2, 0] = 0.03
            readings.append(decode_lattice(lattice))
            found.append(number)
    return DateLines(tuple(readings), (1.0,) * len(found), *[tuple(found)] * 3)


TASK_FORCE = ("REVIEWED BY FBI/JFK TASK FORCE", "ON 4/12/95 dal", "RELEASE IN FULL", "RELEASE IN PART", "TOTAL DENIAL")


def with_boxes(ticked: int) -> np.ndarray:
    page = np.full((900, 1400), 255, np.uint8)
    for row in (2, 3, 4):
        y = 100 + 60 * row
        cv2.rectangle(page, (150, y + 4), (182, y + 36), 0, 3)
        if row == ticked:
            cv2.line(page, (146, y + 18), (164, y + 34), 0, 4)
            cv2.line(page, (164, y + 34), (190, y - 4), 0, 4)
    return page


@pytest.mark.parametrize(("row", "decision"), [(2, "released"), (3, "released_in_part"), (4, "denied")])
def test_a_thin_tick_counts_by_what_it_leaves_in_the_middle_of_its_box(row: int, decision: str) -> None:
    form = read([piece(text, i) for i, text in enumerate(TASK_FORCE)], with_boxes(row))
    assert form.decision == decision
    assert sum(ticked for _, _, ticked in form.ticks) == 1


def test_a_label_that_was_not_read_does_not_take_the_box_of_one_like_it() -> None:
    read_lines = [piece(text, i) for i, text in enumerate(TASK_FORCE) if text != "RELEASE IN FULL"]
    form = read(read_lines, with_boxes(3))
    assert form.decision == "released_in_part"
    assert "RELEASE IN FULL" not in [label for label, _, _ in form.ticks]


def test_a_box_on_the_other_side_of_its_label_is_found() -> None:
    texts = ("DOCUMENT NO. 14", "NO CHANGE IN CLASS.", "DECLASSIFIED", "CLASS. CHANGED TO: TS S C", "AUTH: HR 70-2")
    page = np.full((900, 1400), 255, np.uint8)
    x = 200 + CHAR * len(texts[1]) + 12
    cv2.rectangle(page, (x, 164), (x + 32, 196), 0, 3)
    cv2.line(page, (x + 2, 166), (x + 30, 194), 0, 4)
    cv2.line(page, (x + 2, 194), (x + 30, 166), 0, 4)
    cv2.rectangle(page, (150, 224), (182, 256), 0, 3)
    form = read([piece(text, i) for i, text in enumerate(texts)], page)
    assert [label for label, _, ticked in form.ticks if ticked] == ["NO CHANGE IN CLASS."]


@pytest.mark.parametrize(
    ("word", "agency"), [("FBI", "FBI"), ("EBI", "FBI"), ("FB", "FBI"), ("CLA", "CIA"), ("XYZ", None)]
)
def test_an_agency_is_known_with_one_letter_misread(word: str, agency: str | None) -> None:
    texts = ("REVIEWED BY", f"{word}/JFK TASK FORCE", *TASK_FORCE[1:])
    assert read([piece(text, i) for i, text in enumerate(texts)]).agency == agency


def test_a_date_printed_into_a_blank_for_the_pen_is_a_printed_one() -> None:
    texts = ("ALL INFORMATION CONTAINED", "HEREIN IS UNCLASSIFIED", "DATE 06-17-2008 BY 60324 uc baw/sab/lsg")
    date = read([piece(text, i) for i, text in enumerate(texts)]).date
    assert (date["iso"], date["handwritten"]) == ("2008-06-17", False)


@pytest.mark.parametrize(("line", "iso"), [("1998", "1998"), ("AUG 24 1998", "1998-08-24")])
def test_a_date_that_stands_alone_under_a_legend_is_its_own(line: str, iso: str) -> None:
    texts = ("CIA HISTORICAL REVIEW PROGRAM", "RELEASE AS SANITIZED", line)
    assert read([piece(text, i) for i, text in enumerate(texts)], filled=(2,)).date["iso"] == iso


def test_a_date_that_was_read_in_two_pieces_is_one() -> None:
    texts = ("CIA HISTORICAL REVIEW PROGRAM", "RELEASE AS SANITIZED")
    pieces = [*(piece(text, i) for i, text in enumerate(texts)), piece("APR 25", 2), piece("1997", 2, left=340)]
    match, lines = matched(pieces, filled=(2, 3))
    whole = replace(lines[0], text="APR 25 1997", centre=(310.0, 240.0), parts=(2, 3))
    page = Scan(np.full((900, 1400), 255, np.uint8), 300.0)
    assert read_form(page, match, [*lines, whole], pieces, (3,), DateLines).date["iso"] == "1997-04-25"


def test_a_line_that_says_the_legend_once_more_does_not_date_the_stamp() -> None:
    texts = ("DECLASSIFIED", "DOD DIR. 5200.10, JUNE 29, 1960", "NMW by RHP date")
    repeated = piece("DOD DIR. 520.10, JUNE 29, 1960 70", 1, left=220)
    assert read([*(piece(text, i) for i, text in enumerate(texts)), repeated], filled=(3,)).date == {}


def crossed(page: np.ndarray) -> bool:
    """Whether the two-line legend at rows 0 and 1 is struck out, its first third alone being known for a pen's."""
    empty, pen = np.zeros(page.shape, np.uint8), np.zeros(page.shape, np.uint8)
    pen[90:210, 200:340] = 255
    layers = Layers(1.0, empty, pen, *[empty] * 5, np.zeros((*page.shape, 2), np.float32))
    legend = [np.array([(200, y), (620, y), (620, y + 40), (200, y + 40)], float) for y in (100, 160)]
    return _crossed(Scan(page, 300.0), layers, legend, StampSettings())


def test_a_cross_over_a_whole_legend_strikes_it_out_whatever_ink_it_is() -> None:
    page = np.full((400, 900), 255, np.uint8)
    for row, text in enumerate(("APPROVED FOR RELEASE", "HISTORICAL REVIEW")):
        cv2.putText(page, text, (205, 135 + 60 * row), cv2.FONT_HERSHEY_SIMPLEX, 1.1, 0, 3)
    assert not crossed(page)
    filled = page.copy()
    cv2.line(filled, (520, 210), (560, 120), 0, 4)  # the stroke of a date
    assert not crossed(filled)
    cv2.line(page, (190, 90), (640, 210), 0, 5)
    cv2.line(page, (190, 210), (640, 90), 0, 5)
    assert crossed(page)


def test_light_letters_on_dark_ground_are_not_struck_out() -> None:
    page = np.zeros((400, 900), np.uint8)
    cv2.putText(page, "Guide, issued", (205, 135), cv2.FONT_HERSHEY_SIMPLEX, 1.1, 255, 3)
    assert not crossed(page)


@pytest.mark.parametrize(("said", "iso"), [("Aug 2005", "2005-08"), ("2005", None)])
def test_a_pen_writes_a_month_and_year_but_no_year_alone(said: str, iso: str | None) -> None:
    form = read([piece("APPROVED FOR RELEASE", 0), piece(f"DATE: {said}", 1)])
    assert form.date.get("iso") == iso
    assert form.dated


FBI_EXCEPT = ("ALL INFORMATION CONTAINED", "HEREIN IS UNCLASSIFIED")


def test_a_guess_whose_stroke_may_be_a_one_speaks_for_both_dates_that_it_spells() -> None:
    pieces = [piece(text, i) for i, text in enumerate((*FBI_EXCEPT, "DATE 1-/5-91 BY SP4"))]
    date = read(pieces, closer=views(("1-15-91", "1-15-91"))).date
    assert date["iso"] == "1991-01-15"
    assert dict(date["candidates"]).get("1991-01-05", 0.0) < 0.05


@pytest.mark.parametrize(("share", "iso"), [(0.7, "1985-11-01"), (0.55, None)])
def test_a_guess_that_spells_a_rival_too_counts_only_where_the_share_leaves_no_doubt(
    share: float, iso: str | None
) -> None:
    candidates = (("1985-11-01", share), ("1985-01-01", share / 4))
    spelt, other = (DateReading("1985-11-01", text, (0, 7), share, candidates) for text in ("11/1/85", "2/3/85"))
    assert _weighed(spelt, [], [], FormSettings())["iso"] == iso
    assert _weighed(other, [], [], FormSettings())["iso"] is None


@pytest.mark.parametrize(
    ("words", "left", "right"),
    [("DATE 9-18-95 BY SP4", 4, 13), ("DATE 9-18-95", 4, 15), ("D 9-18-95 BY SP4", -11, 10)],
)
def test_the_room_for_a_date_lies_between_the_words_beside_it_and_over_their_feet(
    words: str, left: int, right: int
) -> None:
    pieces = [piece(text, i) for i, text in enumerate((*FBI_EXCEPT, words))]
    match, lines = matched(pieces)
    (blank,) = date_blanks(match, lines, pieces)
    x0, y0, x1, y1 = *blank.min(0), *blank.max(0)
    assert (x0 - 200) / CHAR == pytest.approx(left, abs=1.6)
    assert (x1 - 200) / CHAR == pytest.approx(right, abs=1.6) if "BY" in words else (x1 - 200) / CHAR > 11
    assert y1 > 220 + HEIGHT > 220 > y0 > 100


def test_a_line_of_the_date_that_was_not_read_has_its_room_a_pitch_below_the_others() -> None:
    pieces = [piece(text, i) for i, text in enumerate(FBI_EXCEPT)]
    match, lines = matched(pieces)
    (blank,) = date_blanks(match, lines, pieces)
    x0, y0, x1, y1 = *blank.min(0), *blank.max(0)
    assert x0 == pytest.approx(200)
    assert x1 > 200 + CHAR * len(FBI_EXCEPT[1])
    assert y0 < 220 < 220 + HEIGHT < y1
    lone = [pieces[0]]
    match, lines = matched(lone)
    assert date_blanks(match, lines, lone) == []


def test_a_pen_s_date_in_a_stamp_is_not_the_document_s_own_however_well_it_reads() -> None:
    texts = ("DEPARTMENT OF STATE", "JFK ASSASSINATION RECORDS ACT REVIEW", "REVIEWER BD DATE")
    stamp = [piece(text, i) for i, text in enumerate(texts)]
    lines = [
        Line(p.text, tuple(p.corners.mean(0)), float(p.box[2] - p.box[0]), p.height, parts=(i,))
        for i, p in enumerate(stamp)
    ]
    matches = match_markings(lines)
    assert matches
    pen, typed = piece("8-27-93", 2, left=560, confidence=0.99), piece("17 December 1963", 9, confidence=0.99)
    assert document_date(PageText((*stamp, pen)), matches, lines) is None
    assert document_date(PageText((*stamp, pen, typed)), matches, lines) == "1963-12-17"
    over_it = piece("7/1/75", -1, confidence=0.99)
    assert document_date(PageText((*stamp, over_it)), matches, lines) == "1975-07-01"


@pytest.mark.parametrize(("said", "belongs"), [("1973, Mr. James", False), ("5/12/98", True), ("MAY 1998", True)])
def test_a_year_in_a_line_beside_a_legend_is_no_fill_of_it(said: str, belongs: bool) -> None:
    [row] = (row for row in markings() if row.id == "fbi-all-information-except-three-lines")
    corners = np.array([[0, 0], [200, 0], [200, 20], [0, 20]], np.float32)
    assert _belongs(row, text_line(corners, Reading(said, 0.8))) is belongs


@pytest.mark.parametrize(
    ("note", "sure", "right"),
    [("(JFK)", 0.8, 1.0), ("langua EX-103 was read on", 0.8, 0.49), ("EXCEPT BRACKETS IN PART 1", 0.95, 1.0)],
)
def test_a_printed_line_ends_with_its_words_or_a_pen_s_note(note: str, sure: float, right: float) -> None:
    texts = (f"ALL INFORMATION CONTAINED {note}", "HEREIN IS UNCLASSIFIED EXCEPT", "WHERE SHOWN OTHERWISE")
    lines = [replace(line, parts=(i,)) for i, line in enumerate(stack(*texts, height=20.0))]
    [match] = (m for m in match_markings(lines) if m.marking.family == "fbi-all-information")
    corners = np.array([[0, 0], [600, 0], [600, 20], [0, 20]], np.float32)
    spread = [tuple((i + 0.5) / len(text) for i in range(len(text))) for text in texts]
    pieces = [text_line(corners, Reading(t, sure, centres=c)) for t, c in zip(texts, spread, strict=True)]
    assert abs(_legend_parts(match, lines, pieces, StampSettings())[0][1, 0] / 600 - right) < 0.1


def test_the_whole_of_a_line_is_placed_by_what_was_read_of_it() -> None:
    assert _whole_of("ENCL. ATTACHED", "ATTACHED") == (-6 / 8, 1.0)
    assert _whole_of("NAT. INT. SEC.", "NAT. INT.") == (0.0, 14 / 9)
