"""The dates of stamps: printed ones parsed, handwritten ones read under a date grammar, both weighed by plausibility.

A handwritten date is never taken from a recogniser's best guess. Only strings that are dates are searched in its
character probabilities (:mod:`redactlib.decoding`); what is read in several views of a line is averaged, what is read
in several lines summed; and each date is weighed by what is plausible: not before the document or the order that the
stamp names, not after today, mostly in the years in which such stamps were filled in, and on a working day.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from redactlib.decoding import Automaton, build_automaton, decode, softened
from redactlib.reading import ALPHABET, Reading, decode_lattice

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_TAILS = ("UARY", "RUARY", "CH", "IL", "", "E", "Y", "UST", "TEMBER", "OBER", "EMBER", "EMBER")

_LOOKALIKES = {"0": "OoQD", "1": "lI|!i", "2": "Zz", "5": "Ss", "6": "Gb", "8": "B", "9": "gq"}
_DIGIT_OF = {letter: digit for digit, letters in _LOOKALIKES.items() for letter in letters}
_LETTER_FORMS = {"O": "O0Q", "I": "I1l|", "L": "LI1l|", "S": "S5", "B": "B8", "G": "G6C", "U": "UV", "V": "VU"}


@dataclass(frozen=True)
class DateReading:
    """A date as read.

    Attributes:
        date: ``YYYY-MM-DD``, ``YYYY-MM`` or ``YYYY``; ``None`` where no reading is probable enough.
        text: the characters that were read as the date.
        span: where they stand in the text that was parsed, or the lattice steps that they take.
        confidence: probability that `date` is right, 0..1; of a handwritten date its share of the votes.
        candidates: the likeliest dates with their probabilities, best first; they sum to at most 1.
    """

    date: str | None
    text: str
    span: tuple[int, int]
    confidence: float
    candidates: tuple[tuple[str, float], ...] = ()


def parse_date(text: str, *, order: str = "MDY", era: str = "stamp") -> DateReading | None:
    """The surest printed date in a line of text, or ``None``.

    Args:
        text: one line or several; letters and digits may be confused (``O`` for ``0``), digits parted by spaces.
        order: ``MDY`` or ``DMY`` for numeric dates that could be either.
        era: whose two-digit years these are: ``stamp`` (1972-2030) or ``document`` (1917-2016).

    >>> parse_date("Approved For Release 2003/05/23 : CIA-RDP85").date
    '2003-05-23'
    >>> parse_date("MAR 1 3 2O15").date
    '2015-03-13'
    >>> parse_date("Case No. F-2014-20439") is None
    True
    """
    found = find_dates(text, order=order, era=era)
    return max(found, key=lambda reading: (len(reading.date or ""), reading.confidence), default=None)


def find_dates(text: str, *, order: str = "MDY", era: str = "stamp") -> tuple[DateReading, ...]:
    """All printed dates in a text, left to right, not overlapping; arguments as for :func:`parse_date`."""
    found: list[DateReading] = []
    for pattern in _PRINTED:
        for match in pattern.finditer(text):
            overlaps = any(match.start() < f.span[1] and match.end() > f.span[0] for f in found)
            reading = None if overlaps else _read_match(match, order, era)
            if reading is not None:
                found.append(reading)
    return tuple(sorted(found, key=lambda reading: reading.span))


def spells(text: str, iso: str, *, lost: bool = False) -> bool:
    """Whether a text spells a whole date out, figure by figure, in one order or the other; a stroke may look like a 1.

    Args:
        text: one line.
        iso: the date.
        lost: whether strokes may have left no trace.

    >>> spells("10127/92", "1992-10-27"), spells("120/92", "1992-10-20")
    (True, False)
    >>> spells("1114/00", "2000-11-14"), spells("1114/00", "2000-11-14", lost=True)
    (False, True)
    """
    together = re.sub(r"(?<=[A-Za-z]) (?=[A-Za-z])", "", text)  # a pen's 12 A pr 02
    if any(reading.date == iso for reading in (*find_dates(text), *find_dates(together))):
        return True
    if len(iso) < 10:
        return False
    year, month, day = iso.split("-")
    name = MONTHS[int(month) - 1]
    for day_read, name_read, year_read in _NAMED.findall(together):
        alike = sum(a == b for a, b in zip(name_read.upper(), name, strict=True))
        if alike >= 2 and int(re.sub(r"\D", "1", day_read)) == int(day) and year.endswith(year_read):
            return True
    stroke = r"(?:[^\dA-Za-z]{1,3}|1)" + ("?" if lost else "")
    century = "".join(_figure(c) + "?" for c in year[:2])
    end = rf"{century}{_figure(year[2])}[^\dA-Za-z]?{_figure(year[3])}(?!\d)"  # a pen's stroke may run into a figure
    return any(
        re.search(rf"(?<!\d)0?{a}{stroke}0?{b}{stroke}{end}", text)
        for a, b in ((_figures_of(month, month=True), _figures_of(day)), (_figures_of(day), _figures_of(month)))
    )


_NAMED = re.compile(r"(?<!\d)([\dIL|/]{1,2})[\s.,-]*([A-Za-z]{3})[\s.,-]*((?:19|20)?\d\d)(?!\d)")
"""A day, a 1 of which may look like a stroke, what may be a month's name with one letter misread, and a year."""


def _figures_of(number: str, *, month: bool = False) -> str:
    """A pattern for a number as it may be read, less a leading zero; a 1 may look like a stroke.

    A month that begins with nought is the tenth, its 1 lost in the word before it.
    """
    figures = "".join(map(_figure, number.lstrip("0"))).replace("[1", "[1/")
    return figures.replace("]", "]?", 1) if month and number == "10" else figures


def _figure(digit: str) -> str:
    return f"[{digit}{re.escape(_LOOKALIKES.get(digit, ''))}]"


def _patterns() -> tuple[re.Pattern[str], ...]:
    """The printed forms, the most telling first."""
    digit = "[0-9" + "".join(_LOOKALIKES.values()).replace("|", r"\|") + "]"
    two = rf"{digit}(?: ?{digit})?"
    year4 = rf"[12lI|]\s?[90OoQgq]\s?{digit}\s?{digit}"
    year = rf"(?P<year>{year4}|'?{digit}\s?{digit})"
    stroke = r"\s*[-/|\\.–—~_:]{1,2}\s*"
    names = "|".join(
        "".join(f"[{_LETTER_FORMS.get(c, c)}]" for c in head)
        + (
            f"(?:{'T?' if head == 'SEP' else ''}{''.join(f'[{_LETTER_FORMS.get(c, c)}]?' for c in tail)})"
            if tail
            else ""
        )
        for head, tail in zip(MONTHS, _TAILS, strict=True)
    )
    name = rf"(?P<name>{names})"
    apart = "|".join(" ?".join(head) for head in MONTHS)  # of a dater, whose letters stand in cells
    gap = r"[\s.,\-/']*"
    before, after = r"(?<![A-Za-z0-9])(?<!\d[-/.|])", r"(?![A-Za-z0-9])(?![-/|]\d)"
    forms = (
        rf"{before}(?P<year>{year4}){stroke}(?P<a>{two}){stroke}(?P<b>{two}){after}",
        # a slashed or dotted nought is read as two; a page's number may stand close by
        rf"{before}(?:O(?=0\d))?(?P<a>{two}){stroke}(?P<b>{two}){stroke}{year}(?:{after}|(?=\d{{6}}(?!\d)))",
        rf"{before}(?P<a>\d\d)(?:{stroke}|\s)(?P<b>\d\d)(?:{stroke}|\s)(?P<year>{year4}){after}",  # strokes lost
        rf"{before}(?P<day>{two})(?:st|nd|rd|th)?{gap}{name}{gap}{year}{after}",
        rf"(?:{before}|(?<=DATE)(?<![A-Za-z]DATE)){name}{gap}(?P<day>{two})(?:st|nd|rd|th)?[\s.,\-/']+{year}{after}",
        rf"(?<![A-Za-z]){name}\s?(?P<day>[0-3]\d)\s?(?P<year>(?:19|20)\d\d){after}",  # stamped without gaps
        rf"{before}(?P<name>{apart})\s+(?P<day>[0-3]?\d)\s+(?P<year>(?:19|20)\d\d){after}",
        rf"{before}{name}{gap}(?P<year>{year4}){after}",
        r"(?<![\w./\-#])(?P<year>(?:19|20)\d\d)(?![\w/\-])(?!\.\d)",
    )
    return tuple(re.compile(form, re.IGNORECASE if "name" in form else 0) for form in forms)


_PRINTED = _patterns()


def _digit(character: str) -> str:
    """The digit that a character is taken for; forms with a month's name are matched without regard to case."""
    return next(
        _DIGIT_OF.get(c, c) for c in (character, character.lower(), character.upper()) if c in _DIGIT_OF or c.isdigit()
    )


def _read_match(match: re.Match[str], order: str, era: str) -> DateReading | None:
    parts = {name: re.sub(r"[\s']", "", part) for name, part in match.groupdict().items() if part}
    numeric = "".join(part for name, part in parts.items() if name != "name")
    doubtful = sum(not c.isdigit() for c in numeric)
    if doubtful * 2 > len(numeric):
        return None
    numbers = {k: int("".join(map(_digit, part))) for k, part in parts.items() if k != "name"}
    confidence = 0.98 * 0.85**doubtful
    year = numbers["year"]
    if len(parts["year"]) == 2:
        full = full_year(year, era=era)
        if full is None:
            return None
        year = full
        cut = "name" not in parts and parts["year"] in ("19", "20") and len(parts.get("a", "")) == 2
        confidence *= 0.6 if cut else 0.95  # 01/07/20 may be a year cut by the edge of the scan
    if "a" in numbers:
        first, second = numbers["a"], numbers["b"]
        year_first = match.start("year") < match.start("a")
        month, day = (first, second) if year_first or order == "MDY" else (second, first)
        if month > 12 and not year_first:
            month, day = day, month
            confidence *= 0.9
    else:
        month = _month(parts["name"]) if "name" in parts else 0
        day = numbers.get("day", 0)
        confidence *= 1.0 if month else 0.6
    iso = to_iso(year, month, day)
    if iso is None:
        return None
    return DateReading(iso, match.group(), match.span(), round(confidence, 4), ((iso, round(confidence, 4)),))


@dataclass(frozen=True)
class HandSettings:
    """How a handwritten date is weighed. The weights were set by trial on the labelled stamps
    themselves, the recogniser being trained without the document."""

    softening: float = 0.9  # power on the lattice: a recogniser of print is too sure of pens
    outside: float = 0.6  # weight of a character that stands before or after the date
    digit_outside: float = 0.25  # of a digit there: it more likely belongs to the date,
    digit_touching: float = 0.5  # the more so where it touches it
    nothing: float = 0.05  # weight of no date at all in the search, where more would crowd dates out of the beam
    nothing_after: float = 15.0  # by which it is raised then: figures are a number unless a date's strokes are seen
    implausible: float = 0.5  # weight of a date that cannot be the stamp's: the line may say another
    unusual: float = 0.03  # least weight of a date outside the years in which such stamps were mostly filled in,
    year_beyond: float = 0.5  # to which each year away from them brings it down: they are known from a few pages
    rare: float = 0.3  # where those are not known, of a date before 1972 or after 2004: machines took over
    other_order: float = 0.1  # weight of a day past the twelfth where the month belongs: of 50 labelled dates one
    weekend: float = 0.4  # weight of a Saturday or Sunday: reviewers seldom worked then
    plain_min: float = 0.6  # of the shares that dates have in the best crop of a line, for another crop of it to count
    crops_max: int = 3  # lines that count for one date, so that many doubtful ones do not add up
    unread: float = 0.35  # votes that speak against all dates, less those that the best one has
    blank_min: float = 0.97  # a step so surely blank says nothing: runs of them count as one
    beam: int = 24
    floor: float = 8e-3  # characters less probable are not tried
    figures_min: int = 3  # characters that may be figures or strokes in a reading worth decoding
    answer_min: float = 0.36  # share of all votes below which the date is not given
    lead_min: float = 2.5  # times as many votes as the runner-up, or it is not given


def read_date(
    readings: Sequence[Reading],
    *,
    weights: Sequence[float] | None = None,
    groups: Sequence[int] | None = None,
    lines: Sequence[int] | None = None,
    not_before: str | None = None,
    not_after: str | None = None,
    usual: tuple[int, int] | None = None,
    order: str = "MDY",
    months: bool = False,
    settings: HandSettings = HandSettings(),
) -> DateReading | None:
    """The date that readings of the lines of one stamp agree on, read under a date grammar.

    Args:
        readings: of upright crops that may hold the date; only their lattices count.
        weights: how much each reading's line counts, 0..1; all alike by default.
        groups: number of the crop that each reading is a view of; by default each is of another.
        lines: number of the written line that each reading's crop was cut from, of which crops are rivals; by default
            each crop is of another.
        not_before: ISO date: no earlier date is plausible (the document's own, the order's that the stamp names).
        not_after: ISO date; today by default.
        usual: first and last year in which such stamps were mostly filled in, where that is known.
        order: ``MDY`` or ``DMY``; the other way stays possible where this one cannot be.
        months: a month's name and a year are a date, too.
        settings: weights.

    Returns:
        The date with the most votes, its share of them as `confidence`, and runners-up; its `date` is ``None`` below
        ``settings.answer_min`` or near the runner-up; ``None`` where no reading holds anything like a date.
    """
    earliest, latest = not_before or "", not_after or datetime.date.today().isoformat()

    views: dict[int, dict[int, list[dict[str, float]]]] = {}
    weight_of: dict[int, float] = {}
    best: tuple[float, str, tuple[int, int]] = (-1.0, "", (0, 0))
    for i, reading in enumerate(readings):
        if reading.lattice is None:
            continue
        worth = _figures(decode_lattice(reading.lattice).text) >= settings.figures_min
        shares = _shares(reading.lattice, (order, months), earliest, latest, settings) if worth else {}
        crop = i if groups is None else groups[i]
        weight_of[crop] = 1.0 if weights is None else weights[i]
        if weight_of[crop]:
            of_line = views.setdefault(crop if lines is None else lines[i], {})
            of_line.setdefault(crop, []).append({iso: share for iso, (share, _) in shares.items()})
        for share, span in shares.values() if weight_of[crop] else ():
            if share > best[0]:
                best = share, raw_text(reading.lattice, span), span
    votes: dict[str, list[float]] = {}
    for of_line in views.values():
        crops = {crop: _mean(opinions) for crop, opinions in of_line.items()}
        for crop in _plainest(crops, settings):
            for iso, mean in crops[crop].items():
                votes.setdefault(iso, []).append(weight_of[crop] * mean)
    if not votes:
        return None
    sums = {
        iso: _prior(iso, usual, settings) * sum(sorted(found)[-settings.crops_max :]) for iso, found in votes.items()
    }
    total = sum(sums.values()) + max(0.0, settings.unread - max(sums.values()))
    ranked = sorted(((iso, vote / total) for iso, vote in sums.items()), key=lambda item: -item[1])[:5]
    iso, confidence = ranked[0]
    leads = len(ranked) == 1 or confidence >= settings.lead_min * ranked[1][1]
    answer = iso if confidence >= settings.answer_min and leads else None
    candidates = tuple((day, round(share, 4)) for day, share in ranked)
    return DateReading(answer, best[1], best[2], round(confidence, 4), candidates)


def _mean(opinions: Sequence[dict[str, float]]) -> dict[str, float]:
    """What several views of one crop say together."""
    days = {iso for shares in opinions for iso in shares}
    return {iso: sum(shares.get(iso, 0.0) for shares in opinions) / len(opinions) for iso in days}


def _plainest(crops: dict[int, dict[str, float]], settings: HandSettings) -> list[int]:
    """The crops of one line that count: not those in which a date is far less plain than in the best of them."""
    plain = {crop: sum(shares.values()) for crop, shares in crops.items()}
    return [crop for crop, mass in plain.items() if mass >= settings.plain_min * max(plain.values())]


def _figures(text: str) -> int:
    """How many characters of a reading are figures, or letters that figures are taken for."""
    return sum(c.isdigit() or c in "OoIlSZBbgqTH|/" for c in text)


def _prior(iso: str, usual: tuple[int, int] | None, settings: HandSettings) -> float:
    """How plausible a possible date is: in the years in which such stamps were filled in, on a working day."""
    first, last = usual or (1972, 2004)
    year = int(iso[:4])
    away = max(first - year, year - last, 0)
    outside = max(settings.unusual, settings.year_beyond**away) if usual else settings.rare
    weekend = len(iso) == 10 and datetime.date.fromisoformat(iso).weekday() >= 5
    return (outside if away else 1.0) * (settings.weekend if weekend else 1.0)


def _shares(
    lattice: np.ndarray, language: tuple[str, bool], earliest: str, latest: str, settings: HandSettings
) -> dict[str, tuple[float, tuple[int, int]]]:
    """Each possible date in a lattice: its share of the probability of all dates and of none, and its steps."""
    soft, steps = softened(lattice, power=settings.softening, blank_min=settings.blank_min)
    found = decode(soft, _grammar(*language, settings), beam=settings.beam, floor=settings.floor)
    shares: dict[str, tuple[float, tuple[int, int]]] = {}
    total = 1e-9
    for one in found:
        mass = float(np.exp(one.log_probability - found[0].log_probability))
        mass *= 1.0 if one.text else settings.nothing_after
        iso = _iso_of(one.text, *language)
        possible = iso is not None and earliest <= iso <= latest
        total += mass if possible or not one.text else mass * settings.implausible
        if iso is not None and possible:
            whole = (int(steps[one.span[0]]), int(steps[one.span[1] - 1]) + 1)
            held, span = shares.get(iso, (0.0, whole))
            shares[iso] = held + mass, span
    return {iso: (mass / total, span) for iso, (mass, span) in shares.items()}


def raw_text(lattice: np.ndarray, span: tuple[int, int]) -> str:
    """The best guess within some steps of a lattice."""
    return decode_lattice(lattice[span[0] : span[1]]).text


@cache
def _grammar(order: str, alone: bool, settings: HandSettings) -> Automaton:
    """All dates as a pen writes them: ``M/D/YY`` with any stroke, ``D/M/YY``, and those with a month's name, which may
    stand `alone` with the year."""
    months = {str(m): 1.0 for m in range(1, 13)} | {f"{m:02d}": 0.5 for m in range(1, 10)}
    days = {str(d): 1.0 for d in range(1, 32)} | {f"{d:02d}": 0.5 for d in range(1, 10)}
    past_twelve = {str(d): settings.other_order for d in range(13, 32)}
    years = {f"{y:02d}": 1.0 for y in range(100)} | {str(y): 0.5 for y in range(1940, 2031)}
    stroke = {"/": 1.0}
    space = {" ": 1.0, "": 0.5}
    names = dict.fromkeys(MONTHS, 0.3)
    numeric = [months, stroke, days, stroke, years] if order == "MDY" else [days, stroke, months, stroke, years]
    turned = (
        [past_twelve, stroke, months, stroke, years] if order == "MDY" else [months, stroke, past_twelve, stroke, years]
    )
    chains = [numeric, turned, [days, space, names, space, years], [names, space, days, space, years]]
    chains += [[names, space, {year: 0.5 for year in years if len(year) == 4}]] if alone else []
    outside = dict.fromkeys(ALPHABET, settings.outside) | dict.fromkeys("0123456789", settings.digit_outside)
    confusions = _PEN | {c: {c.lower(): 1.0} | _PEN.get(c, {}) for name in MONTHS for c in name}
    return build_automaton(
        [*chains, [{"": settings.nothing}]],
        confusions=confusions,
        noise={" ": 0.6, ".": 0.3, ",": 0.2},
        filler=outside,
        clinging=("0123456789", settings.digit_touching),
    )


_PEN = {
    "/": {"-": 1.0, "|": 0.8, "l": 0.5, "I": 0.4, "1": 0.25, "\\": 0.5, ".": 0.4, "=": 0.4, "~": 0.5, "_": 0.4,
          ":": 0.2, "!": 0.3, "(": 0.2, ")": 0.2, "[": 0.2, "]": 0.2, "i": 0.1, "": 0.03},
    "1": {"l": 0.6, "I": 0.6, "|": 0.6, "/": 0.3, "i": 0.3, "!": 0.3, "7": 0.03},
    "0": {"O": 0.6, "o": 0.6, "D": 0.3, "Q": 0.2, "6": 0.02},
    "2": {"Z": 0.5, "z": 0.5, "a": 0.05},
    "3": {"B": 0.05, "5": 0.02},
    "4": {"H": 0.1, "y": 0.1, "A": 0.05, "9": 0.03},
    "5": {"S": 0.5, "s": 0.5},
    "6": {"b": 0.4, "G": 0.2, "L": 0.05},
    "7": {"T": 0.2, "?": 0.2, "1": 0.03},
    "8": {"B": 0.4, "S": 0.1, "&": 0.2},
    "9": {"g": 0.5, "q": 0.5, "a": 0.1, "G": 0.1, "4": 0.03},
}  # fmt: skip
"""What a recogniser may see in a pen's character, with the weight of taking it so."""


def _iso_of(written: str, order: str, alone: bool) -> str | None:
    """ISO form of a string of the date grammar; of a month `alone` with its year, too."""
    parts = re.findall(r"[A-Z]+|\d+", written)
    if alone and re.fullmatch(r"[A-Z]+ ?(?:19|20)\d\d", written):
        return to_iso(int(parts[1]), _month(parts[0]), 0)
    if len(parts) != 3:
        return None
    year = int(parts[2])
    full = full_year(year) if year < 100 else year
    if full is None:
        return None
    if not written.replace("/", "").isdigit():
        name, day = sorted(parts[:2], key=str.isdigit)
        return to_iso(full, _month(name), int(day))
    month, day = (int(parts[0]), int(parts[1])) if order == "MDY" else (int(parts[1]), int(parts[0]))
    return to_iso(full, month, day) if month <= 12 else to_iso(full, day, month)


def full_year(two_digits: int, *, era: str = "stamp") -> int | None:
    """The year that two digits mean: on a stamp 00-30 and 72-99 (46-71 are the archives' of the 1950s and 60s).

    >>> full_year(12), full_year(88), full_year(38)
    (2012, 1988, None)
    >>> full_year(38, era="document")
    1938
    """
    if era == "document":
        return 1900 + two_digits if two_digits >= 17 else 2000 + two_digits
    if two_digits <= 30:
        return 2000 + two_digits
    return 1900 + two_digits if two_digits >= 46 else None


def to_iso(year: int, month: int, day: int) -> str | None:
    """ISO form of a date of the last two centuries, zero for what is not given; ``None`` if there is no such day.

    >>> to_iso(1988, 4, 6), to_iso(1988, 4, 0), to_iso(1989, 2, 29), to_iso(1992, 0, 27)
    ('1988-04-06', '1988-04', None, None)
    """
    if day and not month:
        return None
    try:
        datetime.date(year, month or 1, day or 1)
    except ValueError:
        return None
    return f"{year:04d}" + (f"-{month:02d}" if month else "") + (f"-{day:02d}" if day else "")


def _month(name: str) -> int:
    """Number of a month by the likeness of its first three letters."""
    head = name.upper()[:3]
    same = [
        sum(c == m or c in _LETTER_FORMS.get(m, "").upper() for c, m in zip(head, month, strict=True))
        for month in MONTHS
    ]
    exact = [head == month for month in MONTHS]
    return max(range(12), key=lambda i: (same[i], exact[i])) + 1
