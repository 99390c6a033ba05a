"""Stamps, labels, banners and release lines: found by their legends, read as the forms that they are.

The page's lines are matched with the catalogue (:mod:`redactlib.catalogue.markings`); what could be a marking is read
again with the careful recogniser and matched once more. A marking's extent is its legend with the hand-filled lines
around it; its blanks give agency, office, legal basis, case number, reviewer and date.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any

import cv2
import numpy as np
from rapidfuzz import fuzz

from redactlib.catalogue.banners import banner_words
from redactlib.catalogue.markings import Hit, Line, Marking, Match, match_markings
from redactlib.datelines import DateLines, DateReader, date_readings
from redactlib.dates import parse_date, read_date
from redactlib.detect.banner import find_banners, with_cut_level
from redactlib.detect.closer import read_cut, read_faint, read_halves, read_upside_down, reread
from redactlib.detect.lettering import read_spots, unread_stamps, with_worn_levels
from redactlib.detect.margins import read_margins
from redactlib.detect.outline import (
    OutlineSettings,
    as_line,
    bounds,
    cut_line,
    framed,
    inked,
    joined,
    letters_within,
    padded,
    row_of_letters,
    tight,
)
from redactlib.detect.override import find_override
from redactlib.detect.sideways import read_sideways
from redactlib.detect.spotting import find_spots
from redactlib.detect.strike import StrikeSettings, is_stamp_struck, is_struck
from redactlib.detect.uncovered import read_uncovered
from redactlib.detect.wording import in_catalogue_words
from redactlib.forms import date_blanks, read_form
from redactlib.layers import Layers
from redactlib.marks import Box, Stamp, area, intersection, union
from redactlib.reading import PageText, Reader, TextLine, stretch
from redactlib.scan import Scan


@cache
def date_reader() -> DateReader | None:
    """The recogniser of handwritten dates that comes with the package, made once a process; needs ONNX Runtime."""
    try:
        return DateReader()
    except ImportError:
        return None


@dataclass(frozen=True)
class StampSettings:
    """How far a marking reaches beyond its legend; lengths in heights of its own lines."""

    reach_down: float = 1.9  # a filled-in line stands at most this far under or over the legend
    reach_pen: float = 3.2  # and a note of several lines no further than this
    fill_before: float = 0.3  # what is filled in counts from here on: what stands before it is other writing
    fill_after: float = 6.0
    note_chars: int = 9  # that a pen adds at the end of a printed line,
    note_sure: float = 0.9  # or more, in a line that was read so well
    beside_shift: float = 0.8  # up or down, from the line whose blank at its end the pen fills
    beside_reach: float = 3.0  # from that line's end to where the writing begins
    fill_above: float = 1.3  # the pen writes a date there
    fill_below: float = 2.4  # and a note
    on_side: float = 0.7  # sine of the angle of lines on their side, which are read in pieces
    crossed_min: float = 0.76  # of the legend's length that pen strokes run over; fills alone reach 0.7
    crossed_min_deg: float = 8.0  # the rules of a form's blanks are more level
    pitch: float = 1.15  # between a legend's lines where only one was read
    row_ink_min: float = 0.04  # of an unread line's place: it must not be blank
    pen_min: float = 0.55  # of a line's ink, that was written by hand
    pen_min_doubtful: float = 0.25  # of that of a line that was read with doubt, as typing seldom is
    doubtful: float = 0.8
    fill_height_max: float = 2.6  # pens write larger than stamps
    across_length: float = 1.5  # in heights of a line, that shows which way it runs;
    across_max: float = 0.7  # cosine of its angle to the legend's lines, at which it is no fill of theirs
    edge_share: float = 0.06  # of the page's height: head and foot, where one line is set in pieces far apart
    level_max_deg: float = 2.0
    long_line_chars: int = 30  # a line so long shows how wide its letters are
    letter_height_max: float = 2.4  # of the mean width of a letter; a higher line has something printed over it,
    letter_height: float = 1.6  # and is so high itself
    typed_chars: int = 20  # of lines that show how high the typing is,
    typed_lines: int = 4  # and so many of them
    row_gap: float = 2.5  # between words of a running head, in its heights
    large_min: float = 1.2  # of the typical line's height: a numbering stamp's figures are larger than typing
    figures_sure: float = 0.85  # confidence of them: nothing but the figures tells such a stamp,
    figure_pitch_max: float = 0.75  # and of their height: columns of a table that lies on its side are wider
    label_gap: float = 1.2  # of it: a word that stands so close before them names what they count
    late_pitches: float = 2.5  # of its figures, that a number begins behind the start of its line: before it is a label
    field_gap: float = 8.0  # and before a number that stands alone at a page's corner, but is a field of forms, too
    read_sure: float = 0.93  # confidence of a line of prose: worn stamps are read with doubt,
    like_max: float = 0.8  # or as they are; a line so sure and no more like the legend says something else
    worded: tuple[float, int, float] = (0.9, 4, 0.6)  # words in the place of figures: how sure, letters, share of it
    larger_min: float = 1.15  # of it, where a stamp is also told by its slant or its place
    slant_min: float = 0.04  # sine of the angle to the page's lines
    apart_min: float = 1.5  # of the typical line's height: no prose is so large
    apart_slant: float = 0.1  # nor stands at such an angle


def find_stamps(
    scan: Scan, layers: Layers | None, text: PageText, reader: Reader, *, settings: StampSettings = StampSettings()
) -> tuple[Stamp, ...]:
    """Stamps of an upright page, each with its extent, family, decision, rotation and what its blanks say.

    Args:
        scan: the page, upright.
        layers: which ink is what, or ``None``.
        text: the page's lines as read.
        reader: reads candidate lines again, carefully.

    Returns:
        Stamps in reading order; ``evidence`` holds the aligned legend, the fields, the date with its rivals, the ticks.
    """
    pieces = reread(scan, [line for line in text.lines if line.text.strip()], reader)
    pieces = read_upside_down(scan, pieces, reader)
    pieces += read_halves(scan, pieces, reader)
    pieces += read_uncovered(scan, layers, pieces, reader)
    pieces = read_sideways(scan, read_margins(scan, pieces, reader), reader)
    spots = find_spots(scan)
    pieces += [*read_faint(scan, pieces, reader), *read_spots(scan, spots, pieces, reader)]
    pieces = in_catalogue_words([*pieces, *read_cut(scan, pieces, reader)])
    lines = [*map(as_line, pieces, range(len(pieces))), *joined(pieces), *_edge_lines(scan, pieces, settings)]
    typical = _typical_height(pieces, settings)
    lines = [replace(line, apart=_is_apart(line, typical, settings)) for line in lines]
    matches = [match for match in match_markings(lines) if _in_place(scan, match, lines, pieces, typical, settings)]
    matches.sort(key=lambda match: match.marking.loose)
    taken = {part for match in matches if not match.marking.loose for i in match.lines for part in lines[i].parts}
    written_on = document_date(text, matches, lines)
    stamps = []
    for match in matches:
        own = {part for i in match.lines for part in lines[i].parts}
        if not (match.marking.loose and own & taken):
            taken |= own
            stamps.append(_stamp(scan, layers, match, matches, lines, pieces, taken, reader, written_on, settings))
    banners = with_worn_levels(scan, spots, pieces, stamps, find_banners(scan, pieces, taken), reader)
    stamps = _agreeing(_owned(stamps)) + with_cut_level(scan, stamps, banners)
    stamps += [
        s
        for s in unread_stamps(scan, spots, stamps)
        if s.decision != "none"
        or (not _says_words(s, pieces, settings) and (layers is None or not is_pen(scan, layers, s.box, share_min=0.4)))
    ]
    return tuple(sorted(stamps, key=lambda s: (s.box[1], s.box[0])))


def _says_words(stamp: Stamp, pieces: Sequence[TextLine], settings: StampSettings) -> bool:
    """Whether a line that was read without doubt says words where a date or number seems to stand."""
    sure, letters, share = settings.worded
    return any(
        piece.confidence > sure
        and sum(map(str.isalpha, piece.text)) >= letters
        and intersection(piece.box, stamp.box) > share * area(stamp.box)
        for piece in pieces
    )


def _edge_lines(scan: Scan, pieces: Sequence[TextLine], settings: StampSettings) -> list[Line]:
    """Running heads and feet whose pieces stand far apart on one level, each put together to one line."""
    reach = settings.edge_share * scan.height
    edge = [i for i, p in enumerate(pieces) if p.box[3] < reach or p.box[1] > scan.height - reach]
    return joined([pieces[i] for i in edge], edge, settings=OutlineSettings(join_gap=40.0))


def _typical_height(pieces: Sequence[TextLine], settings: StampSettings) -> float:
    """Height of the page's typing: of its long lines where it has some, since stamps and figures are short."""
    long = [p.height for p in pieces if len(p.text) >= settings.typed_chars]
    heights = long if len(long) >= settings.typed_lines else [p.height for p in pieces]
    return float(np.median(heights)) if heights else 0.0


def _is_apart(line: Line, typical: float, settings: StampSettings) -> bool:
    """Whether a line is much larger than the page's typing or stands at an angle to it."""
    return line.height > settings.apart_min * typical or abs(line.along[1]) > settings.apart_slant


def _in_place(
    scan: Scan,
    match: Match,
    lines: Sequence[Line],
    pieces: Sequence[TextLine],
    typical: float,
    settings: StampSettings,
) -> bool:
    """Whether a marking told by its place or size stands there, or is so large, and no prose is taken for one."""
    if match.marking.worn and all(_says_other(hit, lines, pieces, settings) for hit in match.hits):
        return False
    line = lines[match.lines[0]]
    if match.marking.large:
        sure = min(pieces[part].confidence for part in line.parts) >= settings.figures_sure
        narrow = line.width <= settings.figure_pitch_max * line.height * len(line.text)
        whole = not any(_begins_late(pieces[part], settings) for part in line.parts)
        if not (sure and narrow and whole and line.height >= settings.large_min * typical):
            return False
    label_gap = settings.label_gap if match.marking.large else settings.field_gap
    if (match.marking.large or match.marking.alone) and _has_label(line, pieces, label_gap):
        return False
    if match.marking.tall and line.height < settings.apart_min * typical:
        return False
    reach = settings.edge_share * scan.height
    at_edge = min(line.centre[1], scan.height - line.centre[1]) < reach
    apart = at_edge or line.height > settings.larger_min * typical or abs(line.along[1]) > settings.slant_min
    if match.marking.aslant and abs(line.along[1]) < settings.apart_slant:
        return False
    return (at_edge or not match.marking.edge) and (apart or not match.marking.apart)


def _begins_late(piece: TextLine, settings: StampSettings) -> bool:
    """Whether there is room for an unread word before a line's first letter: the number is the field of a form."""
    centres = piece.reading.centres
    return len(centres) > 1 and centres[0] > settings.late_pitches * float(np.median(np.diff(centres)))


def _says_other(hit: Hit, lines: Sequence[Line], pieces: Sequence[TextLine], settings: StampSettings) -> bool:
    """Whether a line is only like the legend's words, though it was read without doubt: it says others."""
    sure = min(pieces[part].confidence for part in lines[hit.line].parts) >= settings.read_sure
    return sure and hit.score < settings.like_max


def _has_label(line: Line, pieces: Sequence[TextLine], gap_max: float) -> bool:
    """Whether a word stands before a number on its line, no more than some of its heights away: IN 80366, Copy No. 131.

    The number is the field of a form.
    """
    along, down = np.array(line.along), np.array(line.down)
    start = np.array(line.centre) - along * line.width / 2
    words = [p for i, p in enumerate(pieces) if i not in line.parts and sum(map(str.isalpha, p.text)) >= 2]
    ends = [(p.corners[1] + p.corners[2]) / 2 - start for p in words]
    return any(
        -gap_max * line.height < end @ along < line.height / 2 and abs(end @ down) < line.height / 2 for end in ends
    )


def _owned(stamps: Sequence[Stamp]) -> list[Stamp]:
    """A date written by hand beside a marking that has no place for one is that of the marking next to it that has."""
    found = []
    for stamp in stamps:
        date = stamp.evidence["date"]
        if date.get("unasked"):
            x0, y0, x1, y1 = stamp.box
            around = (x0, y0 - (y1 - y0), x1, y1 + (y1 - y0))
            near = [s.evidence["date"] for s in stamps if s is not stamp and intersection(s.box, around)]
            if any(date["iso"] and other.get("text") == date["text"] for other in near):
                stamp = replace(stamp, evidence=stamp.evidence | {"date": {}})
        found.append(stamp)
    return found


def _agreeing(stamps: Sequence[Stamp]) -> list[Stamp]:
    """A printed banner that stands at head and foot says one thing: where its date is lost, the other's holds."""
    dated: dict[str, dict[str, Any]] = {}
    for stamp in stamps:
        date = stamp.evidence["date"]
        if date.get("iso") and not date["handwritten"]:
            dated.setdefault(stamp.evidence["marking"], date)
    libraries = [s.agency for s in stamps if s.agency and s.agency.endswith("Library")]
    found = []
    for stamp in stamps:
        if stamp.family.startswith("library") and stamp.agency is None and len(set(libraries)) == 1:
            stamp = replace(stamp, agency=libraries[0])
        other = dated.get(stamp.evidence["marking"])
        if other and not stamp.evidence["date"].get("iso"):
            borrowed = other | {"confidence": round(0.9 * other["confidence"], 3), "from": "the page's other banner"}
            stamp = replace(stamp, evidence=stamp.evidence | {"date": borrowed})
        found.append(stamp)
    return found


def document_date(
    text: PageText,
    matches: Sequence[Match],
    lines: Sequence[Line],
    *,
    settings: StampSettings = StampSettings(),
) -> str | None:
    """The latest date that the document's own typing surely shows, ISO; ``None`` without one.

    Lines of a marking do not count, nor what stands behind one on its row: a pen's date in the blank there may read as
    well as typing. Nor do dates after 1995, since release lines and case notes are typed as well.
    """
    marking = [lines[i] for match in matches for i in match.lines]
    said = {line.text for line in marking}
    typed = [line for line in text.lines if line.confidence > 0.95 and line.text not in said]
    dated = [(date.date, line) for line in typed if (date := parse_date(line.text, era="document"))]
    days = [(day, line) for day, line in dated if day and len(day) == 10 and day < "1995"]
    return max((day for day, line in days if not any(_is_behind(line, one, settings) for one in marking)), default=None)


def _is_behind(piece: TextLine, legend: Line, settings: StampSettings) -> bool:
    """Whether a line stands on the row of a legend's line where that ends."""
    along, down, centre = np.array(legend.along), np.array(legend.down), np.array(legend.centre)
    end = float(centre @ along) + legend.width / 2, float(centre @ down)
    return _fills_row(piece.corners @ along, piece.corners @ down, end, legend.height, settings)


def _fills_row(
    along: np.ndarray, down: np.ndarray, end: tuple[float, float], height: float, settings: StampSettings
) -> bool:
    """Whether a line stands where a printed line's blank at its end is filled in.

    `along` and `down` place its corners in the direction of the printed line, `end` that line's end.
    """
    level = abs(float(down.mean()) - end[1]) < settings.beside_shift * height
    return level and -height < float(along.min()) - end[0] < settings.beside_reach * height


def _stamp(
    scan: Scan,
    layers: Layers | None,
    match: Match,
    matches: Sequence[Match],
    lines: Sequence[Line],
    pieces: Sequence[TextLine],
    taken: set[int],
    reader: Reader,
    written_on: str | None,
    settings: StampSettings,
) -> Stamp:
    row = match.marking
    parts = _legend_parts(match, lines, pieces, settings)
    own, legend_corners = sorted(parts), [parts[i] for i in sorted(parts)]
    dates = {part for m in matches if m.marking.loose for i in m.lines for part in lines[i].parts}
    theirs = taken if row.holds_date else taken | dates
    filled = _filled_lines(scan, layers, match, own, legend_corners, pieces, theirs, dates, settings)
    others = [pieces[part].box for m in matches if m is not match for i in m.lines for part in lines[i].parts]
    taken |= set(filled)
    rotation = float(np.median([pieces[i].rotation_deg for i in own]))
    whole = union(*map(bounds, [*legend_corners, *(pieces[i].corners for i in filled)]))

    def look_closer() -> DateLines:
        dates = date_reader()
        if dates is None:
            return DateLines()
        blanks = date_blanks(match, lines, pieces)
        return date_readings(
            scan,
            whole,
            reader,
            dates,
            rotation_deg=rotation,
            legend=[bounds(corners) for corners in legend_corners],
            elsewhere=others,
            blanks=blanks,
        )

    form = read_form(scan, match, lines, pieces, filled, look_closer, written_on=written_on)
    override = find_override(scan, match, lines, pieces, form.agency, reader)
    members = sorted({*own, *filled}, key=lambda i: _down(pieces[i], pieces[own[0]]))
    unread = _unread_rows(scan, match, lines, legend_corners, settings) if row.worn else []
    outlines = legend_corners + _fills(legend_corners, [pieces[i] for i in filled], settings)
    extent = union(*(inked(scan, outline) for outline in outlines), *(tight(scan, box) for box in unread))
    if len(row.lines) <= 1 and abs(rotation) < settings.level_max_deg:
        said = "".join(lines[i].text for i in match.lines)
        letters = None
        if len(outlines) == 1:
            # what lies under a release line is told by that line's whole height
            letters = row_of_letters(scan, pieces[own[0]], extent) if row.decision == "none" else None
            letters = letters or letters_within(scan, extent, sum(map(str.isalnum, said)))
        extent = letters or (_lean(scan, extent, len(said), settings) if row.lines else extent)
    if "case" in row.fields and "case" not in form.fields:
        extent = _whole_row(scan, extent, settings)
    box = padded(scan, extent, min(pieces[own[0]].height, extent[3] - extent[1]))
    box = framed(scan, box) if row.lines else box  # dates and numbers have no frame of their own
    legend = [(h.literal.text, lines[h.line].text[h.start : h.end], round(1 - h.score, 3)) for h in match.hits]
    return Stamp(
        box=box,
        confidence=round(min(0.99, 0.5 + 0.5 * match.share) * float(np.mean([h.score for h in match.hits])), 3),
        text=" / ".join(pieces[i].text for i in members),
        family=row.family,
        decision=form.decision,
        agency=override.written if override else form.agency,
        rotation_deg=round(rotation, 1),
        struck=layers is not None
        and _crossed(scan, layers, unfilled(match, lines, parts), settings, closely=row.decision != "none"),
        evidence={
            "marking": row.id,
            "dated": form.dated,
            "share": round(match.share, 3),
            "legend": legend,
            "fields": form.fields,
            "date": form.date,
            "ticks": [list(tick) for tick in form.ticks],
            **({"override": asdict(override)} if override else {}),
        },
    )


def _down(piece: TextLine, home: TextLine) -> float:
    down = home.corners[3] - home.corners[0]
    return float((piece.corners.mean(0) - home.corners.mean(0)) @ down)


def _legend_parts(
    match: Match, lines: Sequence[Line], pieces: Sequence[TextLine], settings: StampSettings
) -> dict[int, np.ndarray]:
    """For each piece of the legend the corners of what belongs to the marking: what stands beside it is cut off.

    A blank at an end of the legend's line takes what stands there; otherwise the line ends with its printed words, or
    with the few that a pen added to them.
    """
    found = {}
    for i in match.lines:
        hits = [h for h in match.hits if h.line == i]
        first, last = min(h.start for h in hits), max(h.end for h in hits)
        whole = "" if match.marking.span else "{all}"
        template = match.marking.lines[hits[0].literal.row].lstrip("?") if match.marking.lines else whole
        ending = match.marking.lines[hits[-1].literal.row] if match.marking.lines else whole
        offset = 0
        for part in lines[i].parts:
            piece = pieces[part]
            start, end = first - offset, last - offset
            size = len(piece.text)
            offset += size + 1
            if template.startswith("{") or (0 < start <= 2 and not match.marking.span):
                start = 0
            plain = size - end <= settings.note_chars or piece.confidence >= settings.note_sure
            noted = match.marking.hand and end > 0 and plain
            if ending.endswith("}") or size - 3 <= end < size or noted:
                end = size
            if start < size and end > 0:
                found[part] = cut_line(piece, max(0, start), min(size, end))
                if match.marking.whole:
                    found[part] = stretch(found[part], *_whole_of(match.marking.whole, hits[0].literal.text))
    return found


def _whole_of(whole: str, said: str) -> tuple[float, float]:
    """Where a line begins and ends of which only some words were read, in shares of their length."""
    found = fuzz.partial_ratio_alignment(said, whole)
    start = found.dest_start if found else 0
    return -start / len(said), (len(whole) - start) / len(said)


def _unread_rows(
    scan: Scan, match: Match, lines: Sequence[Line], legend: Sequence[np.ndarray], settings: StampSettings
) -> list[Box]:
    """Where printed lines of the legend stand that were not read: a pitch from the next, as wide as those that were."""
    rows = {hit.literal.row: lines[hit.line] for hit in match.hits}
    first = next(iter(rows.values()))
    down, along = np.array(first.down), np.array(first.along)
    height = float(np.median([line.height for line in rows.values()]))
    depth, pitch = match.row_depths(lines, lone_pitch=settings.pitch * height)
    if not 0.5 * height < pitch < 2 * height:
        return []
    reach = np.concatenate(list(legend)) @ along
    a0, a1 = float(reach.min()), float(reach.max())
    found = []
    printed = {lit.row for lit in match.marking.literals if not lit.optional}
    for row in sorted(printed - set(rows)):
        middle = depth(row)
        corners = [a * along + d * down for a in (a0, a1) for d in (middle - height / 2, middle + height / 2)]
        box = bounds(np.array(corners))
        x0, y0 = max(0, box[0]), max(0, box[1])
        ink = scan.ink[y0 : max(y0, box[3]), x0 : max(x0, box[2])]
        if ink.size and float(ink.mean()) >= settings.row_ink_min:
            found.append(box)
    return found


def _lean(scan: Scan, box: Box, letters: int, settings: StampSettings) -> Box:
    """A long level line that is too high for its letters, because something was printed over it: its fullest band."""
    x0, y0, x1, y1 = box
    width = (x1 - x0) / max(1, letters)
    high = round(settings.letter_height * width)
    if letters < settings.long_line_chars or y1 - y0 <= settings.letter_height_max * width:
        return box
    rows = np.convolve(scan.ink[y0:y1, x0:x1].sum(1), np.ones(high), mode="valid")
    return (x0, y0 + int(rows.argmax()), x1, y0 + int(rows.argmax()) + high)


def _whole_row(scan: Scan, box: Box, settings: StampSettings) -> Box:
    """A running head or foot with the rest of its row, where that could not be read: ink without a wide gap."""
    x0, y0, x1, y1 = box
    reach = settings.edge_share * scan.height
    if reach < y1 and y0 < scan.height - reach:
        return box
    columns = np.flatnonzero(scan.ink[y0:y1, x1 : scan.width].sum(0) > settings.row_ink_min * (y1 - y0))
    wide = np.flatnonzero(np.diff(columns, prepend=0) > settings.row_gap * (y1 - y0))
    run = columns[: wide[0]] if wide.size else columns
    return (x0, y0, x1 + int(run[-1]) + 1, y1) if run.size else box


def _filled_lines(
    scan: Scan,
    layers: Layers | None,
    match: Match,
    own: Sequence[int],
    legend: Sequence[np.ndarray],
    pieces: Sequence[TextLine],
    taken: set[int],
    dates: set[int],
    settings: StampSettings,
) -> list[int]:
    """Lines that are no legend but stand in or close around it: what was filled in by hand or by a date stamp.

    Inside the legend's own outline any line counts that fits there; beside it a line of pen strokes, or one that says
    what belongs to such a marking: a date of the years in which it was applied, or one of its usual additions. `dates`
    are the pieces that a date stamp would be made of.
    """
    row = match.marking
    if not (row.hand or row.next_line_date or len(row.lines) > 1):
        return []
    home = pieces[own[0]].corners
    along = (home[1] - home[0]) / max(1e-6, float(np.linalg.norm(home[1] - home[0])))
    down = np.array([-along[1], along[0]])
    outline = np.concatenate(list(legend))
    a0, a1, d0, d1 = (outline @ along).min(), (outline @ along).max(), (outline @ down).min(), (outline @ down).max()
    height = float(np.median([pieces[i].height for i in own]))
    width, reach = a1 - a0, settings.reach_down * height
    top, bottom = d0, d1
    ends = [(float((line @ along).max()), float((line @ down).mean())) for line in legend]
    found: list[int] = []
    order = sorted(range(len(pieces)), key=lambda i: abs(float((pieces[i].corners @ down).mean()) - (d0 + d1) / 2))
    for i in order:
        piece = pieces[i]
        if i in taken or i in own or piece.height > settings.fill_height_max * height or banner_words(piece.text):
            continue
        if _stands_across(piece, along, settings) or _FILE_NUMBER.fullmatch(piece.text):
            continue
        extent, below = piece.corners @ along, float((piece.corners @ down).mean())
        centre = float(extent.mean())
        beside = any(_fills_row(extent, piece.corners @ down, end, height, settings) for end in ends)
        if extent.min() < a0 - 0.2 * width - height or (extent.max() > a1 + 0.5 * width + height and not beside):
            continue
        typed = piece.confidence > 0.9 and layers is not None and not is_pen(scan, layers, piece.box, share_min=0.3)
        if row.hand and (
            dated_otherwise(piece, f"{row.valid_from or 1940}-01-01")
            or (typed and parse_date(piece.text, era="document"))
        ):
            continue
        inside = a0 <= centre <= a1 and d0 <= below <= d1 and extent.max() - extent.min() < 1.2 * width
        near = a0 - 0.2 * width <= centre <= a1 + 0.4 * width and d0 - reach <= below <= d1 + reach
        close = a0 <= centre <= a1 + 0.2 * width and top - 0.9 * height <= below <= bottom + 0.9 * height
        share_min = settings.pen_min if piece.confidence > settings.doubtful else settings.pen_min_doubtful
        pen = (
            (close or beside)
            and row.hand
            and layers is not None
            and is_pen(scan, layers, piece.box, share_min=share_min)
        )
        if (
            (inside and not _is_body(piece))
            or pen
            or (near and (_belongs(row, piece) or (row.next_line_date and i in dates)))
        ):
            found.append(i)
            top = max(min(top, below - 0.5 * height), d0 - settings.reach_pen * height)
            bottom = min(max(bottom, below + 0.5 * height), d1 + settings.reach_pen * height)
    if not row.hand or abs(along[1]) < settings.on_side:
        return found
    return found + _running_on([*own, *found], pieces, taken, along)


_FILE_NUMBER = re.compile(r"\W*\d{2,3}\s?-\s?\d{3,6}\s?-\s?\w{1,5}\W*")
"""The number of an FBI file and of the paper in it, which the pen writes close to a stamp, and not into it."""


def _stands_across(piece: TextLine, along: np.ndarray, settings: StampSettings) -> bool:
    """Whether a long line stands at an angle to a legend, as no fill of its blanks does: another stamp lies over it."""
    own = piece.corners[1] - piece.corners[0]
    length = float(np.linalg.norm(own))
    return length > settings.across_length * piece.height and abs(float(own @ along)) < settings.across_max * length


def _fills(legend: Sequence[np.ndarray], filled: Sequence[TextLine], settings: StampSettings) -> list[np.ndarray]:
    """Corners of what was filled in, as far as a marking reaches: readers run its lines on into writing beside it."""
    along = legend[0][1] - legend[0][0]
    along = along / max(1e-6, float(np.linalg.norm(along)))
    frame = np.stack([along, (-along[1], along[0])])
    outline = np.concatenate(list(legend)) @ frame.T
    height = float(np.median([np.linalg.norm(corners[3] - corners[0]) for corners in legend]))
    low = outline.min(0) - height * np.array([settings.fill_before, settings.fill_above])
    high = outline.max(0) + height * np.array([settings.fill_after, settings.fill_below])
    found = []
    for piece in filled:
        own = piece.corners @ frame.T
        (a0, d0), (a1, d1) = np.maximum(own.min(0), low), np.minimum(own.max(0), high)
        if a0 < a1 and d0 < d1:
            found.append((np.array([(a0, d0), (a1, d0), (a1, d1), (a0, d1)]) @ frame).astype(np.float32))
    return found


def _running_on(members: Sequence[int], pieces: Sequence[TextLine], taken: set[int], along: np.ndarray) -> list[int]:
    """Lines on their side that go on where one of a marking ends, as no prose does: EXCEPT, and then what."""
    down = np.array([-along[1], along[0]])
    found: list[int] = []
    for i, piece in enumerate(pieces):
        if i in taken or i in members or (piece.corners[1] - piece.corners[0]) @ along < piece.height:
            continue
        start, depth = float((piece.corners @ along).min()), float((piece.corners @ down).mean())
        for other in (pieces[j] for j in members):
            gap = start - float((other.corners @ along).max())
            level = abs(depth - float((other.corners @ down).mean())) < 0.5 * other.height
            if level and -other.height < gap < 1.2 * other.height:
                found.append(i)
                break
    return found


def is_pen(scan: Scan, layers: Layers, box: Box, *, share_min: float) -> bool:
    """Whether most of the ink in a box was written by hand."""
    x0, y0, x1, y1 = (max(0, round(v * layers.scale)) for v in box)
    page = scan.ink[box[1] : box[3], box[0] : box[2]]
    if page.size == 0 or layers.handwriting[y0:y1, x0:x1].size == 0:
        return False
    hand = layers.handwriting[y0:y1, x0:x1]
    ink = cv2.resize(page.astype(np.float32), (hand.shape[1], hand.shape[0]), interpolation=cv2.INTER_AREA)
    return float((ink * hand).sum()) > share_min * 255 * max(1.0, float(ink.sum()))


def _crossed(
    scan: Scan, layers: Layers, legend: Sequence[np.ndarray], settings: StampSettings, *, closely: bool = True
) -> bool:
    """Whether a stamp was struck out: pen strokes run over its words from end to end, a straight one among them.

    Neither alone says so: what fills a blank runs over print too, and so do underlines and rules. A cross over the
    legend or a stroke from side to side says so though little of it is known for a pen's; with `closely` it is looked
    for.
    """
    boxes = [bounds(corners) for corners in legend]
    x0, y0, x1, y1 = (max(0, round(v * layers.scale)) for v in union(*boxes))
    pen = layers.handwriting[y0:y1, x0:x1] > 127
    if not pen.size:
        return False
    across = pen if pen.shape[1] >= pen.shape[0] else pen.T
    inner = across[round(0.15 * len(across)) : round(0.85 * len(across))]
    covered = float(inner.any(0).mean()) if inner.size else 0.0
    slanting = StrikeSettings(angle_min_deg=settings.crossed_min_deg)
    if covered >= settings.crossed_min and any(is_struck(scan, tight(scan, box), settings=slanting) for box in boxes):
        return True
    return closely and is_stamp_struck(scan, legend)


def unfilled(match: Match, lines: Sequence[Line], parts: dict[int, np.ndarray]) -> list[np.ndarray]:
    """Corners of a legend's lines where a pen fills in no name or date, as that runs over print; all if one is left.

    Args:
        match: the marking; `lines` are those it was matched among.
        parts: corners of each piece of them that belongs to it.
    """
    templates = {h.line: match.marking.lines[h.literal.row] for h in match.hits if match.marking.lines}
    filled = {i for i, words in templates.items() if "{date}" in words or "{reviewer}" in words}
    taken = {part for i in filled for part in lines[i].parts}
    printed = [parts[i] for i in sorted(parts) if i not in taken]
    return printed if len(printed) > 1 else [parts[i] for i in sorted(parts)]


_NOTE = re.compile(r"\bJ\W?[FPET]\W?(?:[KEHR]|I[CI<]?)\b|SANITIZ|BRACK|EXCEPT|\bOADR\b", re.IGNORECASE)
"""What a pen adds to such a stamp: (JFK) as a reader takes it, or what is kept back."""


def _belongs(row: Marking, piece: TextLine) -> bool:
    """Whether a line beside a legend says what such a marking is filled in with."""
    if row.next_line_date:
        return parse_date(piece.text, era="document") is not None
    if not (row.hand or "date" in row.fields):
        return False
    if row.hand and _NOTE.search(piece.text):
        return True
    first, last = f"{row.valid_from or 1940}-01-01", f"{row.valid_to or 2100}-12-31"
    printed = parse_date(piece.text)
    day = (printed.date if printed else None) or ""
    if first <= day <= last and (row.year_only or len(day) > 4):  # a year stands in any line
        return True
    if not row.hand or not any(c.isdigit() for c in piece.text) or dated_otherwise(piece, first):
        return False
    written = read_date([piece.reading], not_before=first)
    return written is not None and written.confidence >= 0.35


def dated_otherwise(piece: TextLine, first: str) -> bool:
    """Whether a line plainly shows a date from before a marking was in use: the document's own."""
    own = parse_date(piece.text, era="document")
    return own is not None and piece.confidence > 0.9 and (own.date or "") < first


def _is_body(piece: TextLine) -> bool:
    """A clean line of the document's own typing, not a filled-in blank."""
    return (
        piece.confidence > 0.95 and len(piece.text.split()) >= 4 and not re.search(r"\d[-/ ]\d{1,2}[-/ ]\d", piece.text)
    )
