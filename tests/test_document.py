"""Pages of one document vote on what repeats."""

from __future__ import annotations

import pytest

from redactlib.classify import classify, find_events
from redactlib.document import conclude
from redactlib.marks import Event, Stamp
from redactlib.report import ImageInfo, PageReport, Source


def page(number: int, date: str | None, confidence: float) -> PageReport:
    """A page with one release banner; without a date it was not read to the end."""
    box = (100, 40, 900, 80)
    event = Event(
        id="e1",
        decision="released",
        agency="CIA",
        date=date,
        confidence=confidence,
        mark="m1",
        box=box,
        evidence={"dated": True, "date": {"iso": date} if date else {}},
    )
    return PageReport(
        source=Source(path="a.pdf", page=number, pages=4, sha256="0" * 64),
        image=ImageInfo(width=1000, height=1300, dpi=100.0, skew_deg=0.0),
        declassification=classify([event]),
        events=(event,),
        marks=(Stamp(id="m1", box=box, confidence=0.9, text="", family="cia-approved-for-release"),),
    )


def test_a_page_whose_banner_is_unread_has_the_date_of_all_the_others() -> None:
    unread = page(4, None, 0.35)
    assert unread.declassification.authority is None
    pages = [*(page(i, "2000-08-07", 0.95) for i in (1, 2, 3)), unread]
    last = conclude("a.pdf", pages).pages[3]
    assert last.authority is not None
    assert (last.authority.agency, last.date) == ("CIA", "2000-08-07")
    assert last.warnings


def test_pages_that_disagree_lend_no_date() -> None:
    pages = [*(page(i, f"200{i}-08-07", 0.95) for i in (1, 2, 3)), page(4, None, 0.35)]
    assert conclude("a.pdf", pages).pages[3].date is None


@pytest.mark.parametrize(
    ("rival", "share", "answered"),
    [
        ("1988-02-06", 0.25, True),
        ("1988-02-06", 0.3, False),
        ("1988-04-06", 0.05, True),
        ("1988-04-06", 0.12, False),  # an open 4
        ("1988-09-16", 0.12, False),  # a 1 that may be lost
        ("1988-10-06", 0.12, True),
    ],
)
def test_a_date_by_hand_with_a_near_rival_is_no_headline(rival: str, share: float, answered: bool) -> None:
    candidates = [["1988-09-06", 0.61], [rival, share]]
    event = Event(
        id="e1",
        decision="declassified",
        agency="State",
        date="1988-09-06",
        date_handwritten=True,
        confidence=0.9,
        box=(100, 40, 900, 80),
        evidence={"dated": True, "date": {"iso": "1988-09-06", "confidence": 0.85, "candidates": candidates}},
    )
    said = classify([event])
    assert said.date == ("1988-09-06" if answered else None)
    assert (said.authority is not None) == answered
    assert said.evidence["candidates"]
    assert (said.confidence is not None) == answered  # who gives no answer is not sure of it


def test_an_event_whose_date_may_be_another_s_is_trusted_less() -> None:
    def trust(rival: str) -> float:
        date = {"iso": "1988-09-06", "confidence": 0.9, "handwritten": True}
        stamp = Stamp(
            id="m1", box=(0, 0, 9, 9), confidence=0.9, text="", family="state-acdcmr",
            decision="declassified", agency="State",
            evidence={"dated": True, "date": date | {"candidates": [["1988-09-06", 0.61], [rival, 0.13]]}},
        )  # fmt: skip
        return find_events([stamp])[0].confidence

    assert trust("1988-04-06") == pytest.approx(0.6 * trust("1988-03-06"), abs=0.01)
