"""The pages of one document vote on what repeats: release banner, date, case number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from redactlib.classify import classify
from redactlib.marks import DECISIVE, REVIEW, Event
from redactlib.report import Declassification, DocumentReport, PageReport

_MAJORITY = 0.6
"""Share of the pages that must agree before they correct one that says otherwise."""

_BORROWED = 0.9
"""Trust in a date that all the document's other banners carry, on a page whose own could not be read."""


def conclude(path: str | None, pages: Sequence[PageReport]) -> DocumentReport:
    """Let pages vote, and sum up the document.

    A banner that repeats carries one date and one case number: where most pages agree, a page that read another one,
    or none, takes theirs; where it read another, less sure than before. The document's authority and date are those of
    its latest decisive event; pages that say otherwise are named in a warning.
    """
    voted = tuple(_corrected(page, _banner_votes(pages)) for page in pages)
    return DocumentReport(path=path, pages=voted, declassification=_document(voted), warnings=_disagreements(voted))


def _banner_votes(pages: Sequence[PageReport]) -> dict[str, Counter[str]]:
    votes: dict[str, Counter[str]] = {}
    for page in pages:
        for event in page.events:
            if event.date and not event.date_handwritten:
                votes.setdefault(_banner(page, event), Counter())[event.date] += 1
    return votes


def _banner(page: PageReport, event: Event) -> str:
    family = next((mark.family for mark in page.stamps if mark.id == event.mark), "")
    return f"{family}|{event.agency}"


def _corrected(page: PageReport, votes: dict[str, Counter[str]]) -> PageReport:
    changed: list[Event] = []
    notes: list[str] = []
    for event in page.events:
        ballot = votes.get(_banner(page, event), Counter())
        total = sum(ballot.values())
        date, count = ballot.most_common(1)[0] if ballot else (None, 0)
        if total < 3 or count < _MAJORITY * total or event.date == date or event.date_handwritten:
            changed.append(event)
            continue
        evidence = event.evidence | {"read": event.date, "votes": dict(ballot)}
        trust = event.confidence if event.date else max(event.confidence, _BORROWED)
        confidence = round(trust * count / total, 3)
        changed.append(replace(event, date=date, confidence=confidence, evidence=evidence))
        notes.append(
            f"{event.id}: date {event.date or 'unread'} on this page, {date} on {count} banners of the document"
        )
    if not notes:
        return page
    events = tuple(changed)
    withheld = page.declassification.status == "withheld"
    return replace(
        page, events=events, declassification=classify(events, withheld=withheld), warnings=(*page.warnings, *notes)
    )


def _document(pages: Sequence[PageReport]) -> Declassification:
    events = [
        replace(event, id=f"p{page.source.page}.{event.id}")
        for page in pages
        for event in page.events
        if event.decision not in DECISIVE | REVIEW or not event.struck
    ]
    withheld = bool(pages) and all(page.declassification.status == "withheld" for page in pages)
    return classify(events, withheld=withheld)


def _disagreements(pages: Sequence[PageReport]) -> tuple[str, ...]:
    headlines = Counter(
        (page.authority.agency if page.authority else None, page.date) for page in pages if page.authority or page.date
    )
    if len(headlines) < 2:
        return ()
    said = "; ".join(
        f"{agency or 'unknown'} {date or 'undated'} on {n}" for (agency, date), n in headlines.most_common()
    )
    return (f"pages name different authorities or dates: {said} pages",)
