"""Exemption codes: what a printed code means, in which law it stands, and when it could be used.

The table ``exemptions.toml`` holds one row a code, with its printed forms and what readers make of them. How codes are
put together (an agency before a section, FBI category numbers behind a code, two codes in a row) is the grammar here.
"""

from __future__ import annotations

import datetime
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from redactlib.marks import Code

EQUITY = re.compile(r"([O0]SD|JCS|JS|DOS|DOE|CIA|NSC|USAF|NSA)[\s:,-]*(?=\d)")
"""The agency whose information it is, before a section of an order: ``OSD 3.3(b)(6)``."""

_TAIL = re.compile(r"\s*(?:>\d+(?:<\d+)?[S5]?Yrs(?:\s*\((?:U|C|S|TS)\))?|,\s*[12]\d{7})$", re.IGNORECASE)
_CATEGORY = re.compile(r"(.*[A-Za-z0-9)])\s*-\s*(\d{1,2}(?:\s*,\s*\d{1,2})*)")
_NUMBERS = re.compile(r"(.*?)(\d)\s*((?:,\s*\d\s*)+)")
_ALIKE = str.maketrans("lisoz", "11502")
RULE = "grammar rule"
"""Regime of rows that show how codes are put together."""

_GRACE_YEARS = 2  # old stamps stay in use: markings.md section 15


@dataclass(frozen=True, kw_only=True)
class Exemption:
    """One row of the table; dates are ISO strings, `valid_to` is ``None`` for what is still in force."""

    id: str
    canonical: str
    aliases: tuple[str, ...]
    confusions: tuple[str, ...] = ()
    regime: str
    cite: str | None = None
    meaning: str | None = None
    valid_from: str | None = None
    valid_to: str | None = None
    agencies: str | None = None
    basis: str
    source: str | None = None
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Interpretation:
    """What a printed code says.

    Attributes:
        canonical, regime, meaning: ``None`` where the form belongs to several laws.
        rows: the rows of the table that it names, in the order printed; or, where it is ambiguous, could name.
        equity: the agency before a section.
        category: FBI numbers behind a code; they mean something in one release only.
        misread: whether it was found only as a known misreading.
    """

    canonical: str | None
    regime: str | None
    meaning: str | None
    rows: tuple[Exemption, ...]
    equity: str | None = None
    category: str | None = None
    misread: bool = False


@cache
def exemptions() -> tuple[Exemption, ...]:
    """All rows of the table, in its order.

    >>> exemptions()[0].canonical
    '(b)(1)'
    """
    text = resources.files("redactlib.catalogue").joinpath("exemptions.toml").read_text(encoding="utf-8")
    return tuple(_row(row) for row in tomllib.loads(text)["exemption"])


def interpret(code: str, *, field: str | None = None) -> Interpretation | None:
    """What a code means, from its printed form; ``None`` where the table does not know it.

    Printed forms go before known misreadings, whole codes before parts, and a prefix is never dropped to reach a row:
    ``P5``, ``X5``, ``25X5`` and ``(b)(5)`` are four different things.

    Args:
        code: as printed; spaces, brackets and case do not matter.
        field: label of the form field that holds it: ``1B`` means something under ``RESTRICTIONS`` only.

    >>> interpret("b7C-1").canonical
    '(b)(7)(C)-1'
    >>> interpret("(b)(1)1.4a").canonical
    '(b)(1) + EO 13526 1.4(a)'
    >>> interpret("OSD 3.3(b)(6)").equity
    'OSD'
    >>> interpret("(A)").canonical is None  # a library's withdrawal code, or Nixon's, or a paragraph
    True
    """
    text = code.strip()
    if field and (found := interpret(f"{field}: {text}")):
        return found
    spelt, misreadings, bare, blurred = _index()
    return (
        _interpret_category(text)
        or _interpret_prefixed(text)
        or _interpret_rows(spelt.get(_spelt(text), ()))
        or _interpret_rows(misreadings.get(_spelt(text), ()), misread=True)
        or _interpret_rows(bare.get(_bare(text), ()))
        or _interpret_parts(text)
        or _interpret_rows(tuple(row for row in exemptions() if row.regime == RULE and code in row.aliases))
        or _interpret_rows(blurred.get(_blurred(text), ()), misread=True)
    )


def check_validity(code: Code | str, date: str | None) -> str | None:
    """Say why a code cannot have been put on a page at a date; ``None`` where nothing speaks against it.

    Stamps outlive their order, so an end counts only two years later.

    Args:
        code: a mark or a printed form.
        date: of the page's release, ``YYYY``, ``YYYY-MM`` or ``YYYY-MM-DD``; ``None`` where it is unknown.

    >>> check_validity("b7C", "1974")
    '(b)(7)(C) stands in FOIA 5 USC 552(b) from 1975-02-19 on, the page is of 1974'
    >>> check_validity("b7C", "1998-03") is None
    True
    """
    printed = code.code if isinstance(code, Code) else code
    found = interpret(printed)
    if date is None or found is None or found.canonical is None:
        return None
    latest, earliest = f"{date}-12-31"[:10] if len(date) < 7 else f"{date}-31"[:10], f"{date}-01-01"[:10]
    for row in found.rows:
        if row.valid_from and latest < row.valid_from:
            return f"{row.canonical} stands in {row.regime} from {row.valid_from} on, the page is of {date}"
        if row.valid_to and earliest > f"{int(row.valid_to[:4]) + _GRACE_YEARS}{row.valid_to[4:]}":
            return f"{row.canonical} stood in {row.regime} until {row.valid_to}, the page is of {date}"
    return None


def _row(entry: dict[str, Any]) -> Exemption:
    values: dict[str, Any] = {{"from": "valid_from", "to": "valid_to"}.get(k, k): v for k, v in entry.items()}
    for key, value in values.items():
        if isinstance(value, datetime.date):
            values[key] = value.isoformat()
        elif isinstance(value, list):
            values[key] = tuple(value)
    return Exemption(**values)


def _spelt(text: str) -> str:
    """A code without spaces, in lower case, with one kind of bracket."""
    return re.sub(r"\s+", "", text.lower()).translate(str.maketrans("[]{}", "()()"))


def _bare(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _blurred(text: str) -> str:
    """A code with the characters that readers take for each other made one."""
    return _bare(text.replace("|", "1")).translate(_ALIKE)


@cache
def _index() -> tuple[Mapping[str, tuple[Exemption, ...]], ...]:
    """Rows by printed form, by known misreading, by letters and digits alone, and by look: from strict to loose."""
    layers: tuple[dict[str, list[Exemption]], ...] = ({}, {}, {}, {})
    for row in exemptions():
        if row.regime == RULE:
            continue
        forms = (row.canonical, *row.aliases)
        keys = (
            [_spelt(form) for form in forms],
            [_spelt(form) for form in row.confusions],
            [_bare(form) for form in forms],
            [_blurred(form) for form in (*forms, *row.confusions)],
        )
        for layer, found in zip(layers, keys, strict=True):
            for key in dict.fromkeys(found):
                layer.setdefault(key, []).append(row)
    return tuple({key: tuple(rows) for key, rows in layer.items()} for layer in layers)


def _known(text: str) -> tuple[Exemption, ...]:
    spelt, _, bare, _ = _index()
    return spelt.get(_spelt(text)) or bare.get(_bare(text)) or ()


def _interpret_rows(rows: tuple[Exemption, ...], *, misread: bool = False) -> Interpretation | None:
    """What rows that share one form say: the first where it is the form's own, nothing certain where laws differ."""
    if not rows:
        return None
    if len({row.regime for row in rows}) > 1 and (misread or rows[0].canonical != rows[0].aliases[0]):
        return Interpretation(canonical=None, regime=None, meaning=None, rows=rows, misread=misread)
    row = rows[0]
    return Interpretation(canonical=row.canonical, regime=row.regime, meaning=row.meaning, rows=rows, misread=misread)


def _interpret_category(text: str) -> Interpretation | None:
    """``b7E-1,2,3``: a FOIA exemption and the FBI's numbers for one release."""
    match = _CATEGORY.fullmatch(text)
    base = match and _interpret_rows(_known(match[1]))
    if not match or not base or not base.canonical or not base.canonical.startswith("(b)("):
        return None
    numbers = re.sub(r"\s", "", match[2])
    meaning = f"{base.meaning}; FBI category {numbers} of this release"
    return Interpretation(
        canonical=f"{base.canonical}-{numbers}", regime=base.regime, meaning=meaning, rows=base.rows, category=numbers
    )


def _interpret_prefixed(text: str) -> Interpretation | None:
    """``OSD 3.3(b)(6)``, and codes with a term or a level behind them: ``3.4(b)(1)>25Yrs (C)``."""
    prefix, tail = EQUITY.match(text), _TAIL.search(text)
    core = text[prefix.end() if prefix else 0 : tail.start() if tail else len(text)]
    found = interpret(core) if core != text else None
    if not found or not found.canonical or not prefix:
        return found
    equity = prefix[1].replace("0", "O")
    return Interpretation(
        canonical=f"{equity} {found.canonical}",
        regime=found.regime,
        meaning=found.meaning,
        rows=found.rows,
        equity=equity,
        misread=found.misread,
    )


def _interpret_parts(text: str) -> Interpretation | None:
    """``25X1,6`` and ``(b)(1)1.4a``: several codes in a row, each of more than one letter."""
    if match := _NUMBERS.fullmatch(text):
        parts = [_interpret_rows(_known(match[1] + number)) for number in re.findall(r"\d", match[2] + match[3])]
    else:
        parts = _parts(text)
    known = [part for part in parts if part is not None and part.canonical]
    if not known or len(known) < len(parts):
        return None
    return Interpretation(
        canonical=" + ".join(p.canonical or "" for p in known),
        regime=" + ".join(dict.fromkeys(p.regime or "" for p in known)),
        meaning="; ".join(p.meaning or "" for p in known),
        rows=tuple(p.rows[0] for p in known),
    )


def _parts(text: str) -> list[Interpretation | None]:
    """The codes of a row of codes, the longest first; empty where something is left over."""
    if whole := _interpret_category(text) or _interpret_rows(_known(text)):
        return [whole]
    for i in range(len(text) - 1, 1, -1):
        head, rest = text[:i].rstrip(" ,+/"), text[i:].lstrip(" ,+/")
        if min(len(_bare(head)), len(_bare(rest))) < 2:
            continue
        first = _interpret_category(head) or _interpret_rows(_known(head))
        if first and (others := _parts(rest)):
            return [first, *others]
    return []
