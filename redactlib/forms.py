"""A marking read as the form that it is: which box is ticked, what stands in the blanks, and the date.

Printed dates are parsed; handwritten ones are read under a date grammar from a recogniser's character probabilities
(:func:`redactlib.dates.read_date`), beside which a best guess that spells a whole date has a vote, never the word.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rapidfuzz import fuzz

from redactlib.catalogue.authorities import find_number, library_of, number_signs
from redactlib.catalogue.markings import Line, Marking, Match, fold
from redactlib.catalogue.orders import years_in_use
from redactlib.datelines import DateLines
from redactlib.dates import DateReading, parse_date, read_date, spells
from redactlib.reading import TextLine
from redactlib.scan import Scan
from redactlib.symbols import read_library
from redactlib.ticks import TickPlace, read_ticks

_ORDER = re.compile(
    r"E\.?\s?[O0]\.?\s*(?:No\.?\s*)?(10501|10964|11652|11932|12065|12356|12937|12951|12958|13142|13292|13526)"
    r"(?:,?\s*(as amended))?(?:[,+]?\s*(?:Sec(?:tion|\.)?|§)\s*([\d.]+(?:\s?\(\w+\))*))?",
    re.IGNORECASE,
)
_CASE_LIKE = re.compile(r"(?=.*\d{3})[\w./ #-]{3,24}")
_YEAR = re.compile(r"(?:19|20)\d\d")
_REVIEWER_NOISE = re.compile(r"^(?:by|date|on|for|of|the|and|or)\b|[^\w/ .,'-]", re.IGNORECASE)


@dataclass(frozen=True)
class Form:
    """What a filled-in marking says.

    Attributes:
        decision, agency: of the marking's row, changed by a tick or a printed name.
        fields: office, legal_basis, case, reviewer where they stand there.
        dated: the marking shows a place for a date, so that without one it was not read to the end.
        date: iso, text, confidence, handwritten, candidates; ``unasked`` where the legend has no place for it; empty
            where the marking shows none.
        ticks: for each tick box its label, how much ink it holds, and whether that is a tick.
    """

    decision: str
    agency: str | None
    fields: dict[str, str] = field(default_factory=dict)
    date: dict[str, Any] = field(default_factory=dict)
    dated: bool = False
    ticks: tuple[tuple[str, float, bool], ...] = ()


@dataclass(frozen=True)
class FormSettings:
    """How dates, agencies and other blanks are read."""

    agency_words: float = 80.0  # in a hundred, of the legend's words behind an agency's name,
    agency_score: float = 60.0  # and of the name: two letters of three,
    agency_lead: float = 20.0  # so much better than any other's
    spelt_vote: float = 0.35  # of a best guess that is a whole date, beside the grammar's probabilities
    spelt_min: float = 0.36
    spelt_lead: float = 1.7
    doubtless: float = 0.65  # share from which a guess may spell a rival, too: all of 150 drawn and real were right
    doubled_lead: float = 5.0  # over another date that the same guess spells out where a stroke may be lost: 1114/00
    sure: tuple[float, float, float] = (-1.0, 3.5, 0.45)  # log-odds of a date: base, by share, by logarithm of its lead
    other_blank_letters: int = 5  # of a line that says the legend's words beside another blank than the date's:
    other_blank_score: float = 75.0  # so many in a hundred of them agree ...
    other_blank_lead: float = 10.0  # ... and so many more than with the words beside the date
    printed_sure: float = 0.9  # confidence in a whole date of figures: pens write years short, and are read with doubt
    unasked_min: float = 0.42  # share of the votes for a date whose line in the legend was not read, or is not there
    blank_above: float = 2.2  # by the legend's height: what is looked at over the foot of the words before a date,
    blank_below: float = 0.4  # under it,
    blank_length: float = 11.0  # and behind them at most, where no other words follow
    blank_length_min: float = 2.0
    blank_before: float = 0.4  # left free behind those words
    pitch: tuple[float, float] = (0.7, 2.5)  # of a legend's lines, by their height, where a line's place is told by it,
    unread_above: float = 0.8  # which reaches so many pitches above its middle,
    unread_below: float = 0.5  # below it,
    unread_after: float = 0.15  # and so much farther than those that were read
    repeated_letters: int = 10  # of the legend's words that stand in a line which says them once more,
    repeated: float = 80.0  # in a hundred, how well: a date in it is the legend's own
    label_score: float = 80.0  # in a hundred, how well the label of a tick box must be read;
    label_more: int = 3  # letters beside it, on a line that was not matched with the legend,
    label_near: float = 3.0  # and how far that may stand from one that was, in its heights


def read_form(
    scan: Scan,
    match: Match,
    lines: Sequence[Line],
    pieces: Sequence[TextLine],
    filled: Sequence[int],
    look_closer: Callable[[], DateLines],
    *,
    written_on: str | None = None,
    settings: FormSettings = FormSettings(),
) -> Form:
    """Read a marking's ticks, blanks and date.

    Args:
        scan: the page, upright.
        match: the marking; `lines` are those it was matched among.
        pieces: the page's text lines, carefully read; a line's ``parts`` index them.
        filled: pieces in and around the marking that are no legend.
        look_closer: reads every line in and around the marking for a handwritten date, gives its readings.
        written_on: the document's own date, ISO; no date of a review is earlier.
    """
    row = match.marking
    texts = [*(lines[i].text for i in match.lines), *(pieces[i].text for i in filled)]
    text = " / ".join(texts)
    blanks = match.blanks(lines)
    closer = look_closer() if row.hand else DateLines()
    absent = _date_line_absent(row, blanks, [*texts, *_inside(closer)])
    usual, beside = _usual(row, texts), [] if absent else filled
    date = _date(row, match, lines, pieces, beside, blanks, closer, absent, written_on, usual, settings)
    ticks = read_ticks(scan, _tick_places(match, lines, pieces, settings)) if row.ticks else ()
    return Form(
        decision=_decision(row, text, ticks, date),
        agency=_library(row, texts, match, lines, pieces, filled, closer)
        if row.agencies_pattern == "library"
        else _agency(row, texts, settings),
        fields=_fields(row, text, blanks, date),
        date=date,
        dated=row.dated or ("date" in row.fields and not absent),
        ticks=ticks,
    )


def date_blanks(
    match: Match, lines: Sequence[Line], pieces: Sequence[TextLine], settings: FormSettings = FormSettings()
) -> list[np.ndarray]:
    """Corners ``(4, 2)`` of the room that a pen has behind the legend's words for a date, up to the next words.

    A large hand runs into the line above, and is then found with it or not at all.
    """
    heights = [pieces[part].height for i in match.lines for part in lines[i].parts]
    height = float(np.percentile(heights, 25)) if heights else 0.0
    found = []
    for row, place in enumerate(map(_place_of_date, match.marking.lines)):
        hits = {h.literal.place: h for h in match.hits if h.literal.row == row}
        words, after = (hits.get(place), hits.get(place + 1)) if place is not None else (None, None)
        ends = [
            _foot(hit.end - 1 if hit is words else hit.start, lines[hit.line], pieces) for hit in (words, after) if hit
        ]
        if not ends:
            blank = _unread_row(row, match, lines, height, settings) if "{date}" in match.marking.lines[row] else None
            found += [] if blank is None else [blank]
            continue
        along, down = ends[0][1:]
        length = settings.blank_length * height
        near = ends[0][0] if words else ends[0][0] - along * length
        room = float((ends[-1][0] - near) @ along)
        length = room if room > settings.blank_length_min * height else length
        start, far = near + along * settings.blank_before * height, near + along * length
        low, high = down * settings.blank_below * height, down * settings.blank_above * height
        found.append(np.array([start - high, far - high, far + low, start + low], np.float32))
    return found


def _unread_row(
    row: int, match: Match, lines: Sequence[Line], height: float, settings: FormSettings
) -> np.ndarray | None:
    """Corners of the place of a legend's line that was not read, by the lines that were; none if one alone was."""
    read = [lines[hit.line] for hit in match.hits]
    along, down = np.array(read[0].along), np.array(read[0].down)
    depth, pitch = match.row_depths(lines)
    if not settings.pitch[0] * height < pitch < settings.pitch[1] * height:
        return None
    middle = depth(row)
    ends = [float(np.array(line.centre) @ along) + sign * line.width / 2 for line in read for sign in (-1, 1)]
    left, right = min(ends), max(ends) + settings.unread_after * (max(ends) - min(ends))
    over, under = middle - settings.unread_above * pitch, middle + settings.unread_below * pitch
    corners = [a * along + d * down for a, d in ((left, over), (right, over), (right, under), (left, under))]
    return np.array(corners, np.float32)


def _place_of_date(line: str) -> int | None:
    """Which of the printed words of a legend's line stand right before its date."""
    pieces = re.split(r"(\{\w+\})", line.lstrip("?"))
    at = pieces.index("{date}") if "{date}" in pieces else 0
    return at // 2 if at and pieces[at - 1].strip() else None


def _foot(index: int, line: Line, pieces: Sequence[TextLine]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where the foot of a line's character stands, and the directions along the line and down it."""
    part, place = part_at(index, line, pieces)
    centres = pieces[part].reading.centres
    share = centres[place] if place < len(centres) else 1.0
    top_left, top_right, low_right, low_left = pieces[part].corners.astype(float)
    along, down = (v / max(1e-6, float(np.linalg.norm(v))) for v in (top_right - top_left, low_left - top_left))
    return low_left + (low_right - low_left) * share, along, down


def part_at(index: int, line: Line, pieces: Sequence[TextLine]) -> tuple[int, int]:
    """The piece of a line in which one of its characters stands, and its place there; a gap's is the next one's."""
    for part in line.parts[:-1]:
        size = len(pieces[part].text)
        if index < size:
            return part, index
        index = max(0, index - size - 1)
    return line.parts[-1], index


def _agency(row: Marking, texts: Sequence[str], settings: FormSettings) -> str | None:
    """The agency that a marking names: by the row, by its words, or by the name that fits before its legend's."""
    folded = fold(" / ".join(texts))[0]
    named = [agency for words, agency in row.agencies.items() if fold(words)[0] in folded]
    if named or row.agency:
        return named[0] if named else row.agency
    scores = dict.fromkeys(row.agencies.values(), 0.0)
    for after in (words for line in row.lines for words in re.findall(r"\{office\}([^{}]+)", line)):
        for said in (_before(fold(after)[0], fold(text)[0], settings) for text in texts):
            for name, agency in row.agencies.items():
                short = fold(name)[0]
                scores[agency] = max(scores[agency], fuzz.ratio(short, said[-len(short) :]))
    best, second = sorted([*scores.values(), 0.0, 0.0], reverse=True)[:2]
    sure = best >= settings.agency_score and best - second >= settings.agency_lead
    return max(scores, key=lambda agency: scores[agency]) if sure else None


def _library(
    row: Marking,
    texts: Sequence[str],
    match: Match,
    lines: Sequence[Line],
    pieces: Sequence[TextLine],
    filled: Sequence[int],
    closer: DateLines,
) -> str | None:
    """The library whose symbol is printed in a marking, or written there as far as the views of its lines tell."""
    spelt = library_of(" / ".join(texts))
    if not row.hand:
        return spelt or row.agency
    members = sorted({part for i in match.lines for part in lines[i].parts} | set(filled))
    within = [i for i, weight in enumerate(closer.weights) if weight == 1]
    readings = [*(pieces[i].reading for i in members), *(closer.readings[i] for i in within)]
    numbers = [*range(-len(members), 0), *(closer.found[i] for i in within)]
    return read_library(readings, numbers, spelt=spelt) or row.agency


def _before(words: str, text: str, settings: FormSettings) -> str:
    """What stands before a legend's words in a text; nothing where they are not there."""
    found = fuzz.partial_ratio_alignment(words, text) if len(text) >= len(words) else None
    return text[: found.dest_start] if found and found.score >= settings.agency_words else ""


def _decision(row: Marking, text: str, ticks: tuple[tuple[str, float, bool], ...], date: dict[str, Any]) -> str:
    folded = fold(text)[0]
    said = [d for words, d in row.ticks_text.items() if fuzz.partial_ratio(fold(words)[0], folded) >= 88]
    ticked = [row.ticks[label] for label, _, is_ticked in ticks if is_ticked]
    if ticked:
        return ticked[-1]
    if said:
        return said[-1]
    if row.form and not date.get("iso") and not date.get("candidates"):
        return "none"  # pre-printed and never filled in
    return row.decision


def _fields(row: Marking, text: str, blanks: Sequence[tuple[str, str, int]], date: dict[str, Any]) -> dict[str, str]:
    fields = {}
    if row.office:
        fields["office"] = row.office
    order = _ORDER.search(text)
    if order:
        section = f", sec. {order[3]}" if order[3] else ""
        fields["legal_basis"] = f"E.O. {order[1]}" + (", as amended" if order[2] else "") + section
    values = {name: value for name, value, _ in blanks if value}
    number = find_number(text)
    if number or (_CASE_LIKE.fullmatch(values.get("case", "")) and not _YEAR.fullmatch(values["case"])):
        fields["case"] = number or values["case"]
    reviewer = values.get("reviewer", "")
    reviewer = re.sub(re.escape(date.get("text") or "\0"), "", reviewer)
    reviewer = _REVIEWER_NOISE.sub("", reviewer).strip(" .,/-")
    if len(reviewer) >= 2:
        fields["reviewer"] = reviewer
    return fields


def _date(
    row: Marking,
    match: Match,
    lines: Sequence[Line],
    pieces: Sequence[TextLine],
    filled: Sequence[int],
    blanks: Sequence[tuple[str, str, int]],
    closer: DateLines,
    absent: bool,
    written_on: str | None,
    usual: tuple[int, int] | None,
    settings: FormSettings,
) -> dict[str, Any]:
    if "date" not in row.fields and not row.hand:
        return {}
    printed = _printed(row, blanks, lines, pieces, settings) if row.hand else None
    if printed:
        return _as_dict(printed, handwritten=False)
    inside = [value for name, value, _ in blanks if name == "date"]
    legend = {part for i in match.lines for part in lines[i].parts}
    put_together = (line for line in lines if len(line.parts) > 1 and legend.isdisjoint(line.parts))  # APR 25 | 1997
    whole = [line.text for line in put_together if any(part in filled for part in line.parts)]
    beside = [*(pieces[i].text for i in filled), *whole]
    rest = [text for text in beside if not _repeats(row, text, settings)]
    found = [d for d in (parse_date(v, order=_numeric(row)) for v in (*inside, *rest)) if d and _in_use(row, d)]
    found = [d for d in found if not (row.hand and written_on and (d.date or "") <= written_on)]
    if row.hand:
        written = _read_by_hand(row, closer, written_on, usual, settings, inside=absent)
        unasked = absent or _has_wordless_date(row)
        if written is not None and (not absent or written.confidence >= settings.unasked_min):
            texts = [*inside, *rest, *(reading.text for reading in closer.readings)]
            return _weighed(written, found, texts, settings) | ({"unasked": True} if unasked else {})
    if not found and "date" in row.fields:
        left = parse_date(_without_legend(match, lines, blanks), order=_numeric(row))
        found = [left] if left and _in_use(row, left) else []
    if not found:
        return {}
    best = (
        max(found, key=lambda d: (d.date or "", d.confidence))
        if row.hand
        else max(found, key=lambda d: (len(d.date or ""), d.confidence))
    )
    return _as_dict(best, handwritten=row.hand)


def _repeats(row: Marking, text: str, settings: FormSettings) -> bool:
    """Whether a line says the legend's printed words once more, of which another reading was matched."""
    folded = fold(text)[0]
    long = [literal.folded for literal in row.literals if len(literal.folded) >= settings.repeated_letters]
    return any(len(words) <= len(folded) and fuzz.partial_ratio(words, folded) >= settings.repeated for words in long)


def _printed(
    row: Marking,
    blanks: Sequence[tuple[str, str, int]],
    lines: Sequence[Line],
    pieces: Sequence[TextLine],
    settings: FormSettings,
) -> DateReading | None:
    """A date in the legend's own blank that is printed as the legend is: in figures to the whole year, surely read."""
    for name, value, line in blanks:
        sure = min((pieces[part].confidence for part in lines[line].parts), default=0.0)
        reading = parse_date(value, order=_numeric(row)) if name == "date" and sure >= settings.printed_sure else None
        if reading and re.search(r"(?:19|20)\d\d", reading.text) and reading.confidence >= settings.printed_sure:
            return reading if len(reading.date or "") == 10 and _in_use(row, reading) else None
    return None


def _weighed(
    written: DateReading, spelt: Sequence[DateReading], texts: Sequence[str], settings: FormSettings
) -> dict[str, Any]:
    """The date that the grammar and the recognisers' best guesses give together.

    A guess of the general recogniser that spells a date out to the last figure speaks for that date beside what the
    grammar finds probable. No date is answered that no best guess of any line spells out, or only together with a
    rival, unless that leaves no doubt: where the grammar alone makes a date of other ink, it is sure of it and wrong.
    """
    votes, total = dict(written.candidates), 1.0  # with the share of no date at all
    for day, vote in _spelt_votes(written, spelt, settings):
        votes[day] = votes.get(day, 0.0) + vote
        total += vote
    ranked = sorted(((day, vote / total) for day, vote in votes.items()), key=lambda item: -item[1])
    if not ranked:
        return _as_dict(written, handwritten=True)
    day, share = ranked[0]
    lead = share / ranked[1][1] if len(ranked) > 1 and ranked[1][1] else _LEAD_MAX
    text = next((d.text for d in spelt if d.date == day), written.text)
    near = [d for d, vote in ranked[1:] if vote / total * settings.doubled_lead > share]
    spelling = [guess for guess in (*texts, text) if spells(guess, day)]
    witnessed = any(not any(spells(guess, rival, lost=True) for rival in near) for guess in spelling)
    witnessed = witnessed and not any(_has_one_more(day, rival) for rival in near)
    sure = witnessed if share < settings.doubtless else bool(spelling)
    return {
        "iso": day if sure and share >= settings.spelt_min and lead >= settings.spelt_lead else None,
        "text": text,
        "confidence": round(_sure(share, lead, settings), 4),
        "handwritten": True,
        "candidates": [[d, round(p, 4)] for d, p in ranked[:5]],
    }


def _spelt_votes(
    written: DateReading, spelt: Sequence[DateReading], settings: FormSettings
) -> Iterator[tuple[str, float]]:
    """The votes of best guesses for the dates that they spell.

    Where a guess spells another date as well, its stroke being a 1 (1-/5-01), they share its vote as the grammar finds
    them probable.
    """
    surest: dict[str, DateReading] = {}
    for reading in spelt:
        day = reading.date or ""
        if len(day) >= len("1999-12") and (day not in surest or reading.confidence > surest[day].confidence):
            surest[day] = reading
    for day, reading in surest.items():
        shares = {iso: share for iso, share in written.candidates if iso == day or spells(reading.text, iso)}
        total = sum(shares.values())
        for iso, share in shares.items() if total else [(day, total := 1.0)]:
            yield iso, settings.spelt_vote * reading.confidence * share / total


def _has_one_more(day: str, rival: str) -> bool:
    """Whether a rival is a date but for a 1 before its month or its day, as a stroke that was not seen."""
    more = [(a, b) for a, b in zip(day.split("-"), rival.split("-"), strict=False) if a != b]
    return len(more) == 1 and more[0][0].startswith("0") and more[0][1] == "1" + more[0][0][1:]


_LEAD_MAX = 30.0


def _sure(share: float, lead: float, settings: FormSettings) -> float:
    """Probability that the date with this share of the votes and this lead over the next is right.

    A logistic regression on the labelled stamps, each read by a recogniser trained without its document.
    """
    base, by_share, by_lead = settings.sure
    return 1 / (1 + float(np.exp(-(base + by_share * share + by_lead * np.log(min(lead, _LEAD_MAX))))))


def _usual(row: Marking, texts: Sequence[str]) -> tuple[int, int] | None:
    """The years in which a marking was mostly filled in: the row's, and those of the order that it names."""
    years = years_in_use(" / ".join(texts))
    if row.usual and years:
        first, last = max(row.usual[0], years[0]), min(row.usual[1], years[1])
        return (first, last) if first <= last else row.usual
    return row.usual or years


def _read_by_hand(
    row: Marking,
    closer: DateLines,
    written_on: str | None,
    usual: tuple[int, int] | None,
    settings: FormSettings,
    *,
    inside: bool,
) -> DateReading | None:
    """The date that the lines in and around a marking give under the grammar, weighed by when it was in use.

    With `inside` only lines in the marking count, and where the legend has words beside its date, only worded ones.
    """
    first, latest = f"{row.valid_from or 1940}-01-01", f"{row.valid_to or datetime.date.today().year}-12-31"
    first = max(first, f"{written_on}.") if written_on else first  # "." sorts after the day itself
    worded = any(line.startswith("?") and "{date}" in line and line[1:6] != "{date" for line in row.lines)
    lettered = {
        line
        for reading, line in zip(closer.readings, closer.found, strict=True)
        if sum(map(str.isalpha, reading.text)) >= 3
    }
    elsewhere = _of_other_blanks(row, closer, settings)
    weights = [
        weight if line not in elsewhere and (not inside or (weight == 1 and (not worded or line in lettered))) else 0.0
        for weight, line in zip(closer.weights, closer.found, strict=True)
    ]
    return read_date(
        closer.readings,
        weights=weights,
        groups=closer.groups,
        lines=closer.lines,
        not_before=first,
        not_after=min(latest, datetime.date.today().isoformat()),
        usual=usual,
        order=_numeric(row),
        months=row.year_only,
    )


def _of_other_blanks(row: Marking, closer: DateLines, settings: FormSettings) -> set[int]:
    """Lines that fill other blanks of a legend whose date has words before it: by their words, or a number's sign."""
    rows = [re.sub(r"[^A-Z]", "", re.sub(r"\{.*?\}", "", line).upper()) for line in row.lines]
    dated = [said for said, line in zip(rows, row.lines, strict=True) if re.search(r"[A-Za-z]{3}[^{}]*\{date\}", line)]
    others = [said for said, line in zip(rows, row.lines, strict=True) if said and "{date}" not in line]
    if not dated:
        return set()
    found = set()
    for reading, line in zip(closer.readings, closer.found, strict=True):
        letters = re.sub(r"[^A-Z]", "", reading.text.upper())
        other, own = (max((fuzz.partial_ratio(letters, said) for said in of), default=0.0) for of in (others, dated))
        worded = other >= max(settings.other_blank_score, own + settings.other_blank_lead)
        if any(sign in letters for sign in number_signs()) or (len(letters) >= settings.other_blank_letters and worded):
            found.add(line)
    return found


def _inside(closer: DateLines) -> list[str]:
    """What was read for a date within a marking."""
    return [reading.text for reading, weight in zip(closer.readings, closer.weights, strict=True) if weight == 1]


def _has_wordless_date(row: Marking) -> bool:
    """Whether the date stands alone on a line that need not be there."""
    return any(re.fullmatch(r"\?\{date\}", line) for line in row.lines)


def _date_line_absent(row: Marking, blanks: Sequence[tuple[str, str, int]], texts: Sequence[str]) -> bool:
    """Whether the legend's line for the date, which has words and need not be there, is not there."""
    optional = any(re.match(r"\?.*[A-Za-z].*\{date\}", line) for line in row.lines)
    seen = any(name == "date" for name, _, _ in blanks) or any(re.search(r"\bDA[TI]E\b\W*\w", text) for text in texts)
    return optional and not seen and not _has_wordless_date(row)


def _as_dict(reading: DateReading, *, handwritten: bool) -> dict[str, Any]:
    return {
        "iso": reading.date,
        "text": reading.text,
        "confidence": reading.confidence,
        "handwritten": handwritten,
        "candidates": [list(c) for c in reading.candidates],
    }


def _numeric(row: Marking) -> str:
    return "DMY" if row.numeric == "DMY" else "MDY"


def _in_use(row: Marking, reading: DateReading) -> bool:
    """Whether a date lies in the years in which the marking was applied, and not ahead.

    A pen writes no year alone: where nothing else was read, the rest of the date was not.
    """
    if len(reading.date or "") < (7 if row.year_only and row.hand else 4 if row.year_only else 10):
        return False
    year = int((reading.date or "0")[:4])
    last = row.valid_to or datetime.date.today().year
    return (row.valid_from or 1940) <= year <= last and (reading.date or "") <= datetime.date.today().isoformat()


def _without_legend(match: Match, lines: Sequence[Line], blanks: Sequence[tuple[str, str, int]]) -> str:
    """The text of a marking's lines less its printed words and what stands in blanks that count for nothing."""
    parts = []
    for i in match.lines:
        text = list(lines[i].text)
        for hit in match.hits:
            if hit.line == i:
                text[hit.start : hit.end] = " " * (hit.end - hit.start)
        left = "".join(text)
        for name, value, line in blanks:
            if name == "skip" and line == i and value:
                left = left.replace(value, " ")
        parts.append(left)
    return " / ".join(parts)


def _tick_places(
    match: Match, lines: Sequence[Line], pieces: Sequence[TextLine], settings: FormSettings
) -> list[TickPlace]:
    """Where the labels of a form's tick boxes stand: in a line that was matched with their row of the legend, or where
    none was, in one that says little else and stands in the form or next to it."""
    found = []
    members = {part for i in match.lines for part in lines[i].parts}
    for label in match.marking.ticks:
        rows, folded = _rows_of(label, match.marking), fold(label)[0]
        own = {part for hit in match.hits if hit.literal.row in rows for part in lines[hit.line].parts}
        near = own or _alone_near(folded, members, pieces, settings)
        places = [(*_place_in(pieces[part], folded), part) for part in near]
        score, start, end, part = max(places, default=(0.0, 0.0, 0.0, 0))
        if score >= settings.label_score:
            found.append(TickPlace(label, pieces[part], start, end, label in match.marking.ticks_right))
    return found


def _alone_near(label: str, members: set[int], pieces: Sequence[TextLine], settings: FormSettings) -> set[int]:
    """Pieces that say hardly more than a label, no further from one of a form's lines than the next line is."""
    return {
        i
        for i, piece in enumerate(pieces)
        if i not in members
        and len(fold(piece.text)[0]) <= len(label) + settings.label_more
        and any(
            np.linalg.norm(piece.corners.mean(0) - pieces[j].corners.mean(0)) < settings.label_near * pieces[j].height
            for j in members
        )
    }


def _rows_of(label: str, row: Marking) -> set[int]:
    """Rows of a marking's legend that hold a label: not those where it is part of a longer one."""
    longer = [other for other in row.ticks if label in other and other != label]
    found = set()
    for i, line in enumerate(row.lines):
        for other in longer:
            line = line.replace(other, " ")
        if label in line:
            found.add(i)
    return found


def _place_in(piece: TextLine, folded: str) -> tuple[float, float, float]:
    """How well a label fits into a piece of text, 0..100, and between which shares of the piece it stands."""
    text, places = fold(piece.text)
    found = fuzz.partial_ratio_alignment(folded, text) if len(text) >= 0.8 * len(folded) else None
    if found is None or found.dest_end <= found.dest_start:
        return 0.0, 0.0, 0.0
    centres, first, last = piece.reading.centres, places[found.dest_start], places[found.dest_end - 1]
    return (found.score, centres[first], centres[last]) if last < len(centres) else (0.0, 0.0, 0.0)
