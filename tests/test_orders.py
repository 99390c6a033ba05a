"""Orders and offices in their time."""

from __future__ import annotations

import re

import pytest

from redactlib.catalogue.orders import check_consistency, offices, orders, orders_named, years_in_use


def test_every_order_runs_forward_and_its_pattern_finds_its_own_name():
    for order in orders():
        assert order.signed <= order.effective
        assert order.ended is None or order.effective < order.ended
        assert re.search(order.pattern, order.id.replace("EO", "E.O."), re.IGNORECASE) or order.basis
        if order.successor and order.successor.startswith("EO") and "(" not in order.successor:
            assert order.successor in {other.id for other in orders()}
    assert len({order.id for order in orders()}) == len(orders()) >= 30


def test_offices_are_found_by_their_own_symbol():
    assert all(re.search(office.pattern, office.id) for office in offices())


@pytest.mark.parametrize(
    ("agency", "office", "basis", "date", "case", "says"),
    [
        ("State", "A/CDC/MR", "E.O. 12356, Sec. 3.4", "1988-04-06", None, None),
        ("State", None, "E.O. 12958", "1988-04-06", None, "signed on 1995-04-17"),
        ("NARA", "NARS", None, "1992-03-01", None, "until 1986"),
        ("NARA", "NARA", None, "1979-03-01", None, "from 1985 on"),
        ("State", None, None, "2013-01-07", "F-2014-20439", "opened in 2014"),
        ("LBJLibrary", None, None, "1995-03-20", "NLJ 94-203", None),
        ("LBJLibrary", None, None, "1992-03-20", "NLJ 94-203", "opened in 1994"),
        ("NARA", None, None, "2012-09-20", "NND 949523", None),
        ("ISCAP", None, "E.O. 13526", "2015-02-25", None, None),
        ("ISCAP", None, None, "1988", None, "from 1996 on"),
        ("NixonLibrary", None, "E.O. 12958, as amended", "1999-05-01", None, "signed on 2003-03-25"),
        ("NSA", None, "E.O. 11652", "2012-09-20", None, "ended on 1978-12-01"),
        ("NSA", None, "E.O. 13526", None, None, None),
    ],
)
def test_contradictions_are_said_in_words(agency, office, basis, date, case, says):
    found = check_consistency(agency, office, basis, date, case=case)
    assert (not found) if says is None else (len(found) == 1 and says in found[0])


def test_the_order_named_bounds_the_date_from_below():
    assert years_in_use("DECLASSIFIED / E.O. 12356, Sec. 3.4") == (1982, 1997)
    assert years_in_use("no order here") is None
    assert [order.id for order in orders_named("DOD DIR 5200.10")] == ["DOD DIR 5200.10"]
