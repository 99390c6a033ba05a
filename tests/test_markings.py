"""The catalogue of markings tests itself: every row's examples are taken for it, its rejects are not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from redactlib.catalogue.markings import Line, markings, match_markings, stack
from redactlib.marks import DECISIONS

EXAMPLES = [(row.id, text) for row in markings() for text in row.examples]
REJECTS = [(row.id, text) for row in markings() for text in row.rejects]


def ids(text: str) -> list[str]:
    return [m.marking.id for m in match_markings(stack(*(part.strip() for part in text.split(" / "))))]


@pytest.mark.parametrize(("row", "text"), EXAMPLES)
def test_every_example_is_taken_for_its_row(row: str, text: str) -> None:
    assert row in ids(text)


@pytest.mark.parametrize(("row", "text"), REJECTS)
def test_no_reject_is_taken_for_its_row(row: str, text: str) -> None:
    assert row not in ids(text)


def test_ids_are_unique_and_vocabularies_are_kept() -> None:
    rows = markings()
    assert len({row.id for row in rows}) == len(rows)
    assert {row.decision for row in rows} <= DECISIONS
    assert all(row.examples for row in rows)


LONG = [
    (row.id, text)
    for row in markings()
    if row.pattern is None and sum(len(lit.folded) for lit in row.literals if not lit.optional) >= 45
    for text in row.examples[:1]
]


@pytest.mark.parametrize(("row", "text"), LONG)
def test_a_long_legend_with_one_letter_in_sixteen_misread_is_still_taken(row: str, text: str) -> None:
    worn = "".join("X" if i % 16 == 9 and c.isalpha() else c for i, c in enumerate(text))
    assert row in ids(worn)


def test_a_form_gives_a_line_up_to_the_stamp_below_it_that_needs_it_more() -> None:
    form = ("DEPARTMENT OF ENERGY DECLASSIFICATION REVIEW", "1ST REVIEW DATE: 12/9/92 DETERMINATION",
            "AUTHORITY: AOC ADC ADD 1. CLASSIFICATION RETAINED", "NAME: RFS 2. CLASSIFICATION CHANGED TO:",
            "2ND REVIEW DATE: 3. CONTAINS NO DOE CLASSIFIED INFO")  # fmt: skip
    stamp = ("CLASSIFICATION CANCELLED", "BY AUTHORITY OF OFFICE OF DECLASS", "BY PRA DATE 10/24/94")
    lines = [replace(line, centre=(line.centre[0], line.centre[1] + 1.0 * (i > 4)))
             for i, line in enumerate(stack(*form, *stamp))]  # fmt: skip
    found = {match.marking.id: match.lines for match in match_markings(lines)}
    assert found == {"doe-review-form": (0, 1, 2, 3, 4), "doe-classification-cancelled": (5, 6, 7)}
    alone = {match.marking.id: match.lines for match in match_markings(lines[:6])}
    assert alone == {"doe-review-form": (0, 1, 2, 3, 4, 5)}


def test_a_line_that_lost_a_letter_counts_by_those_that_it_has() -> None:
    [found] = match_markings(stack("SANTIZED", "E.O. 12958, Sec. 3.5", "NLK-99-132", "By NE , NARA, Date 8/6/04"))
    assert found.marking.id == "library-sanitized-stamp"
    assert max(hit.score for hit in found.hits if hit.literal.text == "SANITIZED") == pytest.approx(8 / 9)


def test_a_short_line_stands_under_the_beginning_of_a_long_one_though_its_key_is_the_end() -> None:
    lines = stack("DECLASSIFIED BY: JCS DECLASSIFICATION BRANCH", "DATE OCT 12 1984")
    lower = replace(lines[1], centre=(lines[1].width / 2, lines[1].centre[1]))
    found = match_markings([lines[0], lower])
    assert (found[0].marking.id, found[0].lines) == ("jcs-declassification-branch", (0, 1))


def test_a_date_stamped_over_a_printed_label_is_a_stamp_of_its_own_but_the_fill_of_one_that_holds_a_date() -> None:
    [label] = (row for row in markings() if row.id == "fbi-committee-legend")
    printed = [replace(line, parts=(i,)) for i, line in enumerate(stack(*label.lines))]
    over = Line("59 APR 10 1967", (8.0, printed[-1].centre[1]), 7.0, 1.6, parts=(9,))
    assert {match.marking.id for match in match_markings([*printed, over])} == {label.id, "band-date-stamp"}
    received = [replace(line, parts=(i,)) for i, line in enumerate(stack("MAILED 25", "SEP 23 1960", "COMM-FBI"))]
    twice = Line("SEP 23 1960", received[1].centre, received[1].width, 1.0, parts=(1,))
    assert [match.marking.id for match in match_markings([received[0], twice, received[2]])][:1] == ["fbi-mailed"]


def test_words_behind_a_blank_stand_under_a_legend_though_what_their_line_begins_with_is_a_piece_of_its_own() -> None:
    over = [Line("SANITIZED", (9.0, 0.0), 18.0, 4.0), Line("E.O. 12958, Sec. 3.5", (20.0, 6.0), 40.0, 4.0)]
    behind = Line(", NARA, Date 2-18-05", (40.0, 18.0), 36.0, 4.0)
    far = replace(behind, centre=(90.0, 18.0))
    for line, found in ((behind, True), (far, False)):
        [match] = match_markings([*over, line]) or [None]
        assert (match is not None and "NARA, Date" in [hit.literal.text for hit in match.hits]) is found
