"""An agency's name on a stamp that a pen struck to write another's above it: the stamp is that one's then.

Other agencies borrowed the FBI's and the CIA's stamps. Whose the stamp is now stands in the writing alone: where that
is not read as an agency's abbreviation, nobody is named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz import fuzz

from redactlib.catalogue.authorities import abbreviations
from redactlib.catalogue.markings import Line, Match, fold
from redactlib.detect.outline import bounds, cut_line, tight
from redactlib.detect.strike import StrikeSettings, strokes_through
from redactlib.forms import part_at
from redactlib.marks import Box
from redactlib.reading import Reader, TextLine, crop_line
from redactlib.scan import Scan

ROUND_A_NAME = StrikeSettings(reach=2.0)
"""Strokes are followed so far that one through the whole line is told from one through the name."""


@dataclass(frozen=True)
class OverrideSettings:
    """What a struck name looks like, and where another is written; lengths in heights of the name."""

    words_score: float = 80.0  # in a hundred, of the legend's words around the name
    more_letters: int = 3  # that a struck name may be read with
    beyond_max: float = 1.6  # that a stroke reaches over the name on one side: a longer one strikes the line
    short_max: float = (
        0.2  # of the name's width, that it may leave at either end: a steeper one is a letter's or a tick
    )
    above: float = 2.6  # how far over the name another is written,
    beside: float = 2.0  # and before or behind it
    into: float = 0.3  # pens write into the print


@dataclass(frozen=True)
class Override:
    """The name that was struck, and the abbreviation of the agency written for it, ``None`` where that is not read."""

    printed: str
    written: str | None


def find_override(
    scan: Scan,
    match: Match,
    lines: Sequence[Line],
    pieces: Sequence[TextLine],
    agency: str | None,
    reader: Reader,
    *,
    settings: OverrideSettings = OverrideSettings(),
) -> Override | None:
    """Whose stamp it is now, if the agency's name in the legend was struck; ``None`` where it stands.

    Args:
        scan: the page, upright.
        match: the marking; `lines` are those it was matched among.
        pieces: the page's text lines; a line's ``parts`` index them.
        agency: that the legend names.
        reader: reads what is written above.
    """
    if agency is None:
        return None
    for corners in _places(match, lines, pieces, agency, settings):
        box = tight(scan, bounds(corners))
        if _is_name_struck(list(strokes_through(scan, box, settings=ROUND_A_NAME)), box, settings):
            return Override(agency, _written(scan, box, agency, reader, settings))
    return None


def _places(
    match: Match, lines: Sequence[Line], pieces: Sequence[TextLine], agency: str, settings: OverrideSettings
) -> Iterator[np.ndarray]:
    """Corners ``(4, 2)`` of the agency's abbreviation in each line whose printed words name it."""
    phrases = {*match.marking.key, *(hit.literal.text for hit in match.hits)}
    named = [re.split(rf"\b{re.escape(agency)}\b", phrase, maxsplit=1) for phrase in sorted(phrases)]
    for number in dict.fromkeys(hit.line for hit in match.hits):
        spans = (_span(lines[number], sides[0], sides[1], agency, settings) for sides in named if len(sides) == 2)
        span = next((span for span in spans if span), None)
        if span:
            yield from _cut(lines[number], pieces, *span)


def _span(line: Line, before: str, after: str, agency: str, settings: OverrideSettings) -> tuple[int, int] | None:
    """Where a name stands in a line between the words of a phrase, as well as a struck name is read."""
    text, places = line.folded
    low, high = 0, len(text)
    for words, is_before in ((fold(before)[0], True), (fold(after)[0], False)):
        if not words:
            continue
        found = fuzz.partial_ratio_alignment(words, text)
        if not found or found.score < settings.words_score or len(text) < len(words):
            return None
        low, high = (found.dest_end, high) if is_before else (low, found.dest_start)
    low = max(low, high - len(agency) - settings.more_letters) if not before.strip() else low
    if not 2 <= high - low <= len(agency) + settings.more_letters:
        return None
    return places[low], places[high - 1] + 1


def _cut(line: Line, pieces: Sequence[TextLine], start: int, end: int) -> Iterator[np.ndarray]:
    """Corners of some characters of a line, where one piece holds them all."""
    (part, first), (same, last) = part_at(start, line, pieces), part_at(end - 1, line, pieces)
    if part == same:
        yield cut_line(pieces[part], first, last + 1)


def _is_name_struck(strokes: Sequence[Box], name: Box, settings: OverrideSettings) -> bool:
    """Whether a stroke runs over the name from end to end, and none far beyond it, as one through the line does."""
    beyond, short = settings.beyond_max * (name[3] - name[1]), settings.short_max * (name[2] - name[0])
    ends = [(name[0] - stroke[0], stroke[2] - name[2]) for stroke in strokes]
    return any(min(end) >= -short for end in ends) and all(max(end) <= beyond for end in ends)


def _written(scan: Scan, name: Box, agency: str, reader: Reader, settings: OverrideSettings) -> str | None:
    """The other agency's abbreviation that stands above a name."""
    x0, y0, x1, y1 = name
    height = y1 - y0
    left, top = max(0, round(x0 - settings.beside * height)), max(0, round(y0 - settings.above * height))
    window = scan.grey[top : round(y0 + settings.into * height), left : round(x1 + settings.beside * height)]
    if window.size == 0:
        return None
    crops = [crop_line(window, corners, pad=0.1) for corners in reader.find_lines(window)]
    folded = {fold(short)[0]: short for short in abbreviations() if short != agency}
    said = [fold(reading.text)[0] for reading in reader.read(crops, careful=True)] if crops else []
    return next((folded[text] for text in said if text in folded), None)
