"""Dates of stamps, printed and handwritten."""

from __future__ import annotations

import numpy as np
import pytest

from redactlib.dates import find_dates, parse_date, read_date, spells
from redactlib.reading import ALPHABET, Reading


def reading_of(*steps: dict[str, float] | str) -> Reading:
    """A reading whose lattice holds the given characters, a blank between each two; a string is a sure character."""
    rows = []
    for step in steps:
        shares = {step: 0.97} if isinstance(step, str) else step
        row = np.zeros(1 + len(ALPHABET), np.float32)
        for character, share in shares.items():
            row[1 + ALPHABET.index(character)] = share
        row[0] = max(0.0, 1 - row.sum())
        blank = np.zeros_like(row)
        blank[0] = 1.0
        rows += [blank, row]
    return Reading("", 0.0, np.array(rows))


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("4-6-88", "1988-04-06"),
        ("FPC/HDR by WR 10/27/92", "1992-10-27"),
        ("10|27|92", "1992-10-27"),
        ("27 OCT 1962", "1962-10-27"),
        ("MAR 18 1993", "1993-03-18"),
        ("MAR 1 3 2015", "2015-03-13"),
        ("Date: J UL 13 2011", "2011-07-13"),
        ("Approved For Release 2003/05/23 : CIA-RDP85-00142R0004", "2003-05-23"),
        ("NSA on 09-20-2012 pursuant to", "2012-09-20"),
        ("11 09 - 2020 ,", "2020-11-09"),
        ("19AUG15", "2015-08-19"),
        ("Feb. 25 2015", "2015-02-25"),
        ("DECLASSIFICATION DATE: February 25, 2015", "2015-02-25"),
        ("Case No. F-2014-20439 Doc No. C05795279 Date: 01/07/2016", "2016-01-07"),
        ("03-Mar-2022", "2022-03-03"),
        ("O4 MAY 2OO6", "2006-05-04"),
        ("28 JUN 2004 200303827", "2004-06-28"),
        ("SEP 1997", "1997-09"),
        ("CIA HISTORICAL REVIEW PROGRAM 1997", "1997"),
        ("27-7-94", "1994-07-27"),
        ("DATEOCT 12 1984", "1984-10-12"),
        ("Approved for Release by NSA on O01-15-2021, FOIA Case #62104", "2021-01-15"),
    ],
)
def test_printed_forms(text, date):
    assert parse_date(text).date == date


@pytest.mark.parametrize(
    "text",
    [
        "Case No. F-2014-20439", "104-10012-10076", "62-116395", "12-M-3145", "NLJ 94-123", "281605Z DEC 76",
        "E.O. 12356, Sec. 3.4", "1.4(d)", "31-13-88", "2-30-1988", "Page 12 of 13", "NW 88613 DocId:32199554",
    ],
)  # fmt: skip
def test_numbers_that_are_no_dates(text):
    assert parse_date(text) is None


def test_two_digit_years_of_stamps_are_not_those_of_documents():
    assert parse_date("4-6-12").date == "2012-04-06"
    assert parse_date("4-6-38") is None
    assert parse_date("4-6-38", era="document").date == "1938-04-06"


def test_the_day_comes_first_where_it_does():
    assert parse_date("4-6-88", order="DMY").date == "1988-06-04"


def test_a_year_that_the_edge_may_have_cut_is_doubted():
    assert parse_date("Date: 01/07/20").confidence < 0.65 < parse_date("Date: 01/07/2016").confidence


def test_all_dates_of_a_line_are_found_in_order():
    found = find_dates("OSD letter, May 3, 1972 / By DBS NARS Date 11-6-75")
    assert [f.date for f in found] == ["1972-05-03", "1975-11-06"]


def test_a_handwritten_date_is_read_past_initials_and_brackets():
    found = read_date([reading_of(*"(KP 3-19-98)")], not_after="2026-01-01")
    assert (found.date, found.text) == ("1998-03-19", "3-19-98")
    assert found.confidence > 0.7


def test_strokes_read_as_ones_are_strokes_where_the_date_needs_them():
    assert read_date([reading_of(*"10127192")], not_after="2026-01-01").date == "1992-10-27"


def test_the_second_guess_wins_where_the_first_is_no_date():
    month = {"A": 0.6, "4": 0.35}
    assert read_date([reading_of(month, *"-1-98")], not_after="2026-01-01").date == "1998-04-01"


def test_plausibility_settles_what_the_pen_leaves_open():
    doubtful = reading_of(*"8-10-", {"9": 0.5, "8": 0.45}, "4")
    assert read_date([doubtful], not_after="2026-01-01").candidates[0][0] == "1994-08-10"
    assert read_date([doubtful], not_after="1990-01-01").date == "1984-08-10"
    assert read_date([doubtful], not_before="1990-01-01", not_after="2026-01-01").date == "1994-08-10"


def test_an_open_choice_is_not_answered_but_kept():
    found = read_date([reading_of({"1": 0.45, "7": 0.45}, *"-14-98")], not_after="2026-01-01")
    assert found.date is None
    assert {c[0] for c in found.candidates[:2]} == {"1998-01-14", "1998-07-14"}


def test_readings_that_agree_outvote_one_that_does_not():
    pair = [reading_of(*"3-1", {"9": nine, "4": four}, *"-98") for nine, four in ((0.4, 0.5), (0.8, 0.1))]
    assert read_date(pair, not_after="2026-01-01").date == "1998-03-19"


def test_the_years_in_which_such_stamps_were_filled_in_settle_a_doubtful_year():
    doubtful = reading_of(*"3-19-", {"9": 0.4, "0": 0.55}, "8")
    assert read_date([doubtful], not_after="2026-01-01", usual=(1993, 1999)).date == "1998-03-19"
    assert read_date([doubtful], not_after="2026-01-01", usual=(2005, 2012)).date == "2008-03-19"


def test_reviewers_seldom_worked_on_a_sunday():
    friday_or_sunday = reading_of(*"4-", {"7": 0.45, "9": 0.5}, *"-95")
    candidates = read_date([friday_or_sunday], not_after="2026-01-01").candidates
    assert [date for date, _ in candidates[:2]] == ["1995-04-07", "1995-04-09"]


def test_views_of_one_line_are_averaged_and_do_not_add_up():
    clear, other = reading_of(*"3-19-98"), reading_of(*"3-13-98")
    alone = read_date([clear, other, other], groups=[0, 0, 0], not_after="2026-01-01")
    assert alone.candidates[0][0] == "1998-03-13"
    outvoted = read_date([clear, reading_of(*"3-19-98"), other, other], groups=[0, 1, 2, 2], not_after="2026-01-01")
    assert outvoted.candidates[0][0] == "1998-03-19"


def test_of_two_cuttings_of_one_line_the_one_in_which_a_date_is_plain_counts():
    """Half of a tall line: its 2 has lost its foot, and with it half of what it says."""
    whole = [reading_of({"2": 0.6, "4": 0.2}, *"/22/99")]
    half = [reading_of({"4": 0.6, "A": 0.3}, *"/22", {"U": 0.8, "/": 0.1}, {"9": 0.2, "Y": 0.7}, {"9": 0.2, "P": 0.7})]
    found = read_date([*whole, *half, *half], groups=[0, 1, 2], lines=[0, 0, 0], not_after="2026-01-01")
    rivals = read_date([*whole, *half, *half], groups=[0, 1, 2], not_after="2026-01-01")
    assert found.candidates[0] == read_date(whole, not_after="2026-01-01").candidates[0]
    assert found.confidence > rivals.confidence


@pytest.mark.parametrize("number", ["118 18", "211326", "5668", "1,6", "62-116395"])
def test_numbers_beside_a_stamp_are_no_dates(number):
    found = read_date([reading_of(*number)], not_after="2026-01-01", usual=(1993, 1999))
    assert found is None or found.date is None


def test_legends_are_no_dates():
    for legend in ("IN THIS DOCUMENT.", "HEREIN IS UNCLASSIFIED", "DECLASSIFY ON: 25X 1,6", "5668 SLD/KSR"):
        found = read_date([reading_of(*legend)], not_after="2026-01-01")
        assert found is None or found.date is None
    assert read_date([], not_after="2026-01-01") is None


def test_a_capital_l_beside_a_month_is_read_as_one_not_stumbled_over() -> None:
    found = parse_date("MAY L 1963", era="document")
    assert found is not None
    assert found.date == "1963-05-01"


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("10119/0DD BP8", "2000-10-19"),
        ("DATE0/19/00 BY", "2000-10-19"),
        ("TE/0//9/0DD-BY", "2000-10-19"),
        ("BNE8-3-9/6D 3669SLD", "1996-08-03"),
        ("DATE 12 A pr 02 BY NCS", "2002-04-12"),
        ("ATE 2/Dec79", "1979-12-21"),
        ("KR 7Jon 94", "1994-01-07"),
        ("DATE 6-2/-93", "1993-06-21"),
    ],
)
def test_a_guess_spells_a_date_though_a_century_is_lost_or_a_stroke_runs_into_a_figure(text, iso):
    assert spells(text, iso)


def test_a_month_and_year_are_a_date_where_such_stamps_give_no_more():
    said = reading_of(*": Aug 2008")
    assert read_date([said], not_after="2026-01-01", months=True).date == "2008-08"
    assert read_date([reading_of(*"15 AUG 2008")], not_after="2026-01-01", months=True).date == "2008-08-15"
    otherwise = read_date([said], not_after="2026-01-01")
    assert otherwise is None or otherwise.date is None


def test_what_stands_before_a_date_does_not_make_its_month_a_day():
    before = {"2": 0.5, ")": 0.4}
    assert read_date([reading_of(before, *"8-12-95")], not_after="2026-01-01").candidates[0][0] == "1995-08-12"


def test_a_lost_stroke_makes_two_dates_of_one_row_of_figures():
    assert spells("1114/00", "2000-01-14")
    assert not spells("1114/00", "2000-11-14")
    assert spells("1114/00", "2000-11-14", lost=True)
    assert not spells("1114/00", "2000-12-14", lost=True)
