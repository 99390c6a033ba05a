"""Agencies and the numbers that they print: names, library prefixes, shapes of case and document numbers."""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from importlib.resources import files


@lru_cache(maxsize=1)
def _tables() -> dict[str, list[dict]]:
    return tomllib.loads((files("redactlib.catalogue") / "authorities.toml").read_text(encoding="utf-8"))


def agency_name(short: str | None) -> str | None:
    """Full name of an agency given by its short name; ``None`` where the catalogue does not know it.

    >>> agency_name("NSA")
    'National Security Agency'
    """
    return next((row["name"] for row in _tables()["agency"] if row["short"] == short), None)


@lru_cache(maxsize=1)
def abbreviations() -> tuple[str, ...]:
    """Short names of agencies that are written in capitals throughout, as a pen writes them.

    >>> "USCS" in abbreviations(), "State" in abbreviations()
    (True, False)
    """
    return tuple(row["short"] for row in _tables()["agency"] if row["short"].isupper())


def library_of(text: str) -> str | None:
    """The Presidential library whose symbol stands in a text; L may be read as I or 1, before a number as C or E.

    >>> library_of("NIK-82-79 + DOWNGRADED"), library_of("NCJ 92-245"), library_of("ESDN: NEC-126-48-4-9-7")
    ('JFKLibrary', 'LBJLibrary', 'CarterLibrary')
    """
    for second, then in (
        ("[LI1]", r"(?![A-Z](?!\d))"),
        ("[CE]", r"\W{0,2}(?:(?:MR\s*)?[89012]\d\s?-\s?\d{1,4}\b|\d{1,3}(?:-\d{1,3}){3})"),
    ):
        for row in _tables()["agency"]:
            for prefix in row.get("prefix", ()):
                if re.search(r"\b" + re.escape(prefix).replace("NL", f"N{second}") + then, text):
                    return row["short"]
    return None


@lru_cache(maxsize=1)
def library_symbols() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Symbols of the Presidential libraries: whose each is, and the letters of the request that must follow it.

    >>> library_symbols()["NLJ"], library_symbols()["NLRR"]
    (('LBJLibrary', ()), ('ReaganLibrary', ('F', 'M')))
    """
    rows = [row for row in _tables()["agency"] if "prefix" in row]
    return {symbol: (row["short"], tuple(row.get("request", ()))) for row in rows for symbol in row["prefix"]}


@lru_cache(maxsize=1)
def number_signs() -> tuple[str, ...]:
    """Letters that only the number of a declassification project, or the like, begins with.

    >>> number_signs()
    ('NND',)
    """
    return tuple(row["sign"] for row in _tables()["number"] if "sign" in row)


def find_number(text: str) -> str | None:
    """The case, project or document number in a text, by its own shape; the first kind of the catalogue that fits.

    >>> find_number("Approved for Release: 2019/03/14 C02003047")
    'C02003047'
    """
    for row in _tables()["number"]:
        found = re.search(row["pattern"], text)
        if found:
            return re.sub(r"\s+", " ", found.group(0)).strip()
    return None
