"""What printed codes mean, row by row of the table."""

from __future__ import annotations

import pytest

from redactlib.catalogue.exemptions import RULE, Exemption, check_validity, exemptions, interpret
from redactlib.marks import Code

ROWS = exemptions()
FORMS = [(row, form) for row in ROWS for form in row.aliases]
MISREADINGS = [(row, form) for row in ROWS for form in row.confusions]


def names(row: Exemption, form: str) -> bool:
    """Whether a form leads to its row, or to the base code where the row only shows how codes are put together."""
    found = interpret(form)
    assert found is not None, form
    return row in found.rows or row.regime == RULE or (found.category is not None and row.id.endswith("-n"))


def test_every_row_has_an_id_of_its_own_and_dates_in_order():
    assert len({row.id for row in ROWS}) == len(ROWS) == 240
    assert all(row.valid_to is None or row.valid_from is None or row.valid_from < row.valid_to for row in ROWS)
    assert all(row.canonical and row.aliases and row.regime and row.basis for row in ROWS)


@pytest.mark.parametrize("kind", ["printed", "misread"])
def test_every_form_in_the_table_leads_to_its_row(kind):
    forms = FORMS if kind == "printed" else MISREADINGS
    assert [(row.id, form) for row, form in forms if not names(row, form)] == []


def test_no_misreading_is_the_printed_form_of_another_code():
    printed = {form.lower().replace(" ", ""): row for row, form in FORMS}
    assert [form for row, form in MISREADINGS if printed.get(form.lower().replace(" ", ""), row) is not row] == []


def test_the_same_digits_mean_different_laws():
    regimes = [interpret(form).regime for form in ("(b)(5)", "3.3(b)(5)", "5(B)(2)", "P5", "25X5", "5(g)(2)(D)")]
    assert len(set(regimes)) == 6


@pytest.mark.parametrize(
    ("printed", "canonical"),
    [
        ("b7E-1,2,3,6", "(b)(7)(E)-1,2,3,6"),
        ("25X1,6", "25X1 + 25X6"),
        ("25X(1)", "25X1"),
        ("(b)(1)1.4a", "(b)(1) + EO 13526 1.4(a)"),
        ("B1, 1.4(D)", "(b)(1) + EO 13526 1.4(d)"),
        ("3.5c", "EO 13526 3.5(c)"),
        ("JFK(1)(B)", "JFK Act 6(1)(B)"),
        ("JFKAct5(g)(2)(D)", "JFK Act 5(g)(2)(D)"),
        ("OSD 3.3(b)(6)", "OSD EO 13526 3.3(b)(6)"),
        ("EO 12958 3.4(b)(1)>25Yrs (C)", "EO 12958 3.4(b)(1)"),
        ("1.4{a)", "EO 13526 1.4(a)"),
        ("50X1", "50X1"),
    ],
)
def test_codes_are_taken_apart_and_named(printed, canonical):
    assert interpret(printed).canonical == canonical


@pytest.mark.parametrize("text", ["", "A-12", "hello", "(", "b", "25X", "1962", "JFK"])
def test_what_is_no_code_has_no_meaning(text):
    found = interpret(text)
    assert found is None or found.canonical is None


def test_a_lone_letter_belongs_to_several_laws_and_is_not_decided():
    found = interpret("(B)")
    assert found.canonical is None
    assert {row.id for row in found.rows} == {"LIB-B", "NIX-B"}


def test_a_restriction_number_means_something_in_its_field_only():
    assert interpret("1B", field="RESTRICTIONS").canonical == "JFK Act 6(1)(B)"
    assert interpret("4", field="RESTRICTIONS").canonical == "JFK Act 6(4)"
    assert interpret("4") is None


@pytest.mark.parametrize(
    ("code", "date", "valid"),
    [
        ("b7C", "1974", False),
        ("b7C", "1975-03", True),
        ("b7C", None, True),
        ("1.5(c)", "2004-06-01", True),  # two years of grace for what was stamped before the order changed
        ("1.5(c)", "2006", False),
        ("3.3(h)(2)", "2009-12-31", False),
        ("3.3(h)(2)", "2019-10-21", True),
        ("(A)", "1850", True),  # undecided: nothing is known to speak against it
    ],
)
def test_validity_in_time(code, date, valid):
    assert (check_validity(code, date) is None) is valid


def test_validity_takes_a_mark():
    mark = Code(box=(0, 0, 1, 1), confidence=1.0, text="25X1", code="25X1")
    assert "1995-10-14" in (check_validity(mark, "1988-04-06") or "")
