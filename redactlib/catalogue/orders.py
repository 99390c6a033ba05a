"""Orders, laws and offices with their time, and whether what a stamp says can be true of its date."""

from __future__ import annotations

import datetime
import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

GRACE_YEARS = 2  # old stamps stayed in use about so long after their order had ended


@dataclass(frozen=True)
class Order:
    """An executive order, directive or law that a stamp may name."""

    id: str
    pattern: str
    title: str
    signed: datetime.date
    effective: datetime.date
    ended: datetime.date | None = None
    successor: str | None = None
    sections: str = ""
    rule: str = ""
    basis: str = ""


@dataclass(frozen=True)
class Office:
    """An office symbol on stamps, with the years in which it stood there."""

    id: str
    pattern: str
    first: int
    last: int | None = None


@lru_cache(maxsize=1)
def orders() -> tuple[Order, ...]:
    """All orders and laws of the catalogue."""
    return tuple(Order(**row) for row in _tables()["order"])


@lru_cache(maxsize=1)
def offices() -> tuple[Office, ...]:
    """All offices of the catalogue."""
    return tuple(Office(r["id"], r["pattern"], r["from"], r.get("to")) for r in _tables()["office"])


def orders_named(text: str | None) -> tuple[Order, ...]:
    """The orders and laws that a text names, in the catalogue's order.

    "E.O. 12958, as amended" also names the order that amended it, for a date before the amendment contradicts it.

    >>> [order.id for order in orders_named("E.O. 12356, Sec. 3.4")]
    ['EO 12356']
    """
    if not text:
        return ()
    named = [order for order in orders() if re.search(order.pattern, text, re.IGNORECASE)]
    if re.search(r"12958\W*as\s*amended", text, re.IGNORECASE):
        named += [order for order in orders() if order.id == "EO 13292"]
    return tuple(named)


def years_in_use(text: str | None) -> tuple[int, int] | None:
    """First and last year in which stamps named the orders in a text; ``None`` where it names none.

    >>> years_in_use("DECLASSIFIED E.O. 12356, Sec. 3.4")
    (1982, 1997)
    """
    named = orders_named(text)
    if not named:
        return None
    last = max(order.ended.year + GRACE_YEARS if order.ended else datetime.date.today().year for order in named)
    return max(order.signed.year for order in named), last


def check_consistency(
    agency: str | None, office: str | None, legal_basis: str | None, date: str | None, *, case: str | None = None
) -> list[str]:
    """What contradicts the date of an event, in words; empty where nothing does.

    Args:
        agency, office, legal_basis, case: as the stamp gives them.
        date: ISO, to the year, month or day.

    >>> check_consistency("State", None, "E.O. 12958", "1988-04-06")
    ['E.O. 12958 was signed on 1995-04-17, after 1988-04-06']
    """
    if not date:
        return []
    year = int(date[:4])
    found = []
    for order in orders_named(legal_basis):
        name = order.id.replace("EO ", "E.O. ")
        if date < order.signed.isoformat()[: len(date)]:
            found.append(f"{name} was signed on {order.signed}, after {date}")
        elif order.ended and not order.id.startswith("EO 12958") and year > order.ended.year + GRACE_YEARS:
            found.append(f"{name} ended on {order.ended}, long before {date}")
    for place in offices():
        if office and re.search(place.pattern, office, re.IGNORECASE):
            if year < place.first:
                found.append(f"{place.id} stands on stamps from {place.first} on, not in {year}")
            elif place.last and year > place.last + GRACE_YEARS:
                found.append(f"{place.id} stands on stamps until {place.last}, not in {year}")
    if agency == "ISCAP" and year < 1996:
        found.append(f"the appeals panel decided from 1996 on, not in {year}")
    opened = _case_year(case)
    if opened is not None and opened > year:
        found.append(f"the case {case} was opened in {opened}, after {date}")
    return found


def _case_year(case: str | None) -> int | None:
    """The year in a case number: F-2014-20439, NLJ 94-123, NND 949523."""
    if not case:
        return None
    whole = re.search(r"\b[FM][LP]?-?((?:19|20)\d\d)-\d", case)
    if whole:
        return int(whole.group(1))
    short = re.search(r"\bNL[A-Z]*\W{0,2}(\d\d)-\d|\bNND\W{0,2}(\d\d)\d{3,4}\b|\bMR\W{0,2}(\d\d)-\d", case)
    if not short:
        return None
    two = int(next(group for group in short.groups() if group))
    return 1900 + two if two >= 60 else 2000 + two


@lru_cache(maxsize=1)
def _tables() -> dict[str, list[dict]]:
    return tomllib.loads((files("redactlib.catalogue") / "orders.toml").read_text(encoding="utf-8"))
