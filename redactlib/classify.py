"""From stamps to events, from events to the page's authority and date: the rule of the page report.

1. ``declassified``, ``released``, ``released_in_part`` and ``sanitized`` decide before anything else: the latest dated
   one gives authority and date; without a date the first gives the authority.
2. Without one of those, ``no_objection`` and ``reviewed`` do, the same way.
3. Otherwise authority and date are unknown, and the status says what stands there instead.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from redactlib.catalogue.authorities import agency_name
from redactlib.catalogue.orders import check_consistency
from redactlib.marks import DECISIVE, REVIEW, Event, Stamp
from redactlib.report import Authority, Declassification

CONTRADICTED = 0.5
"""What is left of the trust in an event whose date contradicts the order, office or agency that it names."""

EVENTS = DECISIVE | REVIEW | {"retained", "denied", "classified", "schedule"}


@dataclass(frozen=True)
class ClassifySettings:
    """When an answer is given."""

    confidence_min: float = 0.4  # below it the answer is null and the candidates are in the evidence
    hand_date_min: float = 0.8  # of a date by hand in the headline: held out, 27 of 27 were right, and 4 of 6 below it
    hand_rival_max: float = (
        0.45  # share of its next candidate, by its own: 2 of 2 drawn beyond were wrong, 0 of 9 near it
    )
    hand_kin_max: float = 0.14  # the same of one that differs by a 4 for a 9 or a lost 1: 2 drawn wrong ones beyond it
    unread_factor: float = 0.75  # trust in the latest dated event while another's date could not be read


@dataclass(frozen=True)
class TrustSettings:
    """A logistic regression: how probably agency and date of an event are both right as given.

    Fitted on the 126 events found on the labelled pages (79 documents), dates read by the recognisers of then. By five
    document-wise folds its Brier score was 0.082, that of the product of the stamp's and the date's confidence 0.138;
    with the date recogniser of now, trained without the document, it is 0.056 on 130 events.
    """

    base: float = 0.08
    by_hand: float = -0.41  # a date written by hand
    unread: float = -1.03  # a place for a date, and none read there
    undated: float = 0.79  # no place for a date
    by_stamp: float = 0.08  # times the log odds of the stamp's confidence
    by_date: float = 1.34  # times those of the date's, where it is given
    with_kin: float = (
        0.6  # what is left of it where the date has a near kin: of five such, drawn and real, three were right
    )
    odds_max: float = 0.98  # confidence beyond which no more is believed
    trust_max: float = 0.99  # the pages it was fitted on are too few to say more


def find_events(stamps: Sequence[Stamp]) -> tuple[Event, ...]:
    """What the stamps of a page decided, in order of date, undated ones last; a blank form is no event."""
    events = [_event(stamp) for stamp in stamps if stamp.decision in EVENTS]
    events.sort(key=lambda e: (e.date or "9999", e.box[1]))
    return tuple(replace(event, id=f"e{i}") for i, event in enumerate(events, 1))


def _event(stamp: Stamp) -> Event:
    fields = stamp.evidence.get("fields", {})
    date = stamp.evidence.get("date", {})
    sure = _trust(stamp)
    evidence = {"date": date, "dated": stamp.evidence.get("dated", False)}
    contradictions = check_consistency(
        stamp.agency, fields.get("office"), fields.get("legal_basis"), date.get("iso"), case=fields.get("case")
    )
    if contradictions:
        evidence["contradictions"] = contradictions
    return Event(
        decision=stamp.decision,
        agency=stamp.agency,
        name=agency_name(stamp.agency),
        office=fields.get("office"),
        legal_basis=fields.get("legal_basis"),
        case=fields.get("case"),
        reviewer=fields.get("reviewer"),
        date=date.get("iso"),
        date_text=date.get("text"),
        date_handwritten=bool(date.get("handwritten", False)),
        struck=stamp.struck,
        confidence=round(sure * (CONTRADICTED if contradictions else 1.0), 3),
        mark=stamp.id,
        box=stamp.box,
        evidence=evidence,
    )


def _trust(stamp: Stamp, settings: TrustSettings = TrustSettings()) -> float:
    """How probably agency and date that a stamp gives are right as they are."""
    date = stamp.evidence.get("date", {})
    score = settings.base + settings.by_stamp * _log_odds(stamp.confidence, settings)
    if date.get("iso"):
        score += settings.by_date * _log_odds(date.get("confidence", 1.0), settings)
        score += settings.by_hand if date.get("handwritten") else 0.0
    else:
        unread = stamp.evidence.get("dated") or date.get("candidates")
        score += settings.unread if unread else settings.undated
    trust = min(settings.trust_max, 1 / (1 + math.exp(-score)))
    doubled = date.get("handwritten") and date.get("iso") and _has_kin(date, ClassifySettings.hand_kin_max)
    return trust * settings.with_kin if doubled else trust


def _log_odds(confidence: float, settings: TrustSettings) -> float:
    bounded = min(max(confidence, 1 - settings.odds_max), settings.odds_max)
    return math.log(bounded / (1 - bounded))


def classify(
    events: Sequence[Event],
    *,
    withheld: bool = False,
    settings: ClassifySettings = ClassifySettings(),
) -> Declassification:
    """The page's status, authority and date from its events.

    Args:
        events: of the page, as :func:`find_events` gives them.
        withheld: the page is a sheet that stands for a removed page.

    >>> e = Event(id="e1", decision="released", agency="CIA", date="2019-03-14", confidence=0.9, box=(0, 0, 9, 9))
    >>> d = classify([e])
    >>> d.status, d.authority.agency, d.date
    ('released', 'CIA', '2019-03-14')
    """
    live = [e for e in events if not e.struck]
    for group in (DECISIVE, REVIEW):
        among = [e for e in live if e.decision in group]
        if among:
            return _headline(among, settings)
    for status in ("retained", "denied", "classified", "schedule"):
        among = [e for e in live if e.decision == status]
        if among:
            return Declassification(
                status=status, confidence=max(e.confidence for e in among), events=tuple(e.id for e in among)
            )
    return Declassification(status="withheld" if withheld else "unmarked")


def _headline(among: Sequence[Event], settings: ClassifySettings) -> Declassification:
    """The latest dated event, or the first where none carries a date; no answer where one's date could not be read."""
    dated = [e for e in among if e.date]
    chosen = max(dated, key=_lateness) if dated else min(among, key=lambda e: e.box[1])
    same = [e for e in among if e.agency == chosen.agency and e.date == chosen.date]
    confidence = max(e.confidence for e in same)
    unread = [e for e in among if not e.date and e.evidence.get("dated")]
    if unread:  # it may be the latest, and any other answer wrong
        confidence *= settings.unread_factor if dated else 0.0
    sure = confidence >= settings.confidence_min and not (chosen.date and _is_doubtful(chosen, settings))
    candidates = [
        {"event": e.id, "agency": e.agency, "date": e.date, "decision": e.decision, "confidence": e.confidence}
        for e in among
    ]
    authority = Authority(
        agency=chosen.agency,
        name=chosen.name,
        office=chosen.office,
        legal_basis=chosen.legal_basis,
        case=chosen.case,
        reviewer=chosen.reviewer,
    )
    return Declassification(
        status=chosen.decision,
        authority=authority if sure else None,
        date=chosen.date if sure else None,
        confidence=round(confidence, 3) if sure else None,
        events=tuple(e.id for e in same),
        evidence={"candidates": candidates},
    )


def _is_doubtful(event: Event, settings: ClassifySettings) -> bool:
    """Whether an event's date is a pen's and not surely read."""
    date = event.evidence["date"] if event.date_handwritten else {}
    shares = [share for _, share in date.get("candidates", ())]
    rivalled = len(shares) > 1 and shares[1] > settings.hand_rival_max * shares[0]
    return rivalled or _has_kin(date, settings.hand_kin_max) or date.get("confidence", 1.0) < settings.hand_date_min


def _has_kin(date: Mapping[str, Any], share_min: float) -> bool:
    """Whether a date by hand has a rival much like it: an open 4 leaves a 9 almost as likely."""
    (day, best), *rivals = date.get("candidates") or [("", 0.0)]
    return any(share > share_min * best and _is_kin(day, rival) for rival, share in rivals)


def _is_kin(day: str, rival: str) -> bool:
    """Whether a rival is the same date but for an open 4, read as 9 or the other way, or a 1 that may be lost."""
    other = [(place, {a, b}) for place, (a, b) in enumerate(zip(day, rival, strict=False)) if a != b]
    if len(other) != 1 or len(day) != len(rival):
        return False
    place, figures = other[0]
    return figures == {"4", "9"} or (figures == {"0", "1"} and day[place] == "0" and place in (5, 8))


def _lateness(event: Event) -> tuple[str, float]:
    date = event.date or ""
    return date + "-99-99"[: max(0, 10 - len(date))], event.confidence
