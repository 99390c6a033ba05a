"""Stamps, labels, banners and release lines: found by their legends, read as the forms that they are.

The page's lines are matched with the catalogue (:mod:`redactlib.catalogue.markings`); what could be a marking is read
again with the careful recogniser and matched once more. A marking's extent is its legend with the hand-filled lines
around it; its blanks give agency, office, legal basis, case number, reviewer and date.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import cv2
import numpy as np
from rapidfuzz import fuzz, process

from redactlib.catalogue.markings import Line, Marking, Match, fold, markings, match_markings, says_every_word
from redactlib.datelines import DateLines, DateReader, date_readings
from redactlib.dates import parse_date, read_date
from redactlib.forms import read_form
from redactlib.layers import Layers
from redactlib.marks import DECISIVE, Box, Stamp, area, intersection, union
from redactlib.reading import PageText, Reader, TextLine, crop_line, text_line
from redactlib.scan import Scan

_SHORT_LEVELS = (fold("SECRET")[0],)
_WORN_LEVELS = ("TOP SECRET", "SECRET", "CONFIDENTIAL", "RESTRICTED")
"""Levels that are stamped; UNCLASSIFIED is not among them, since DECLASSIFIED looks like a worn one."""


@cache
def date_reader() -> DateReader:
    """The recogniser of handwritten dates that comes with the package; made once a process."""
    return DateReader()


@dataclass(frozen=True)
class StampSettings:
    """Where a marking's lines are looked for and how far it reaches; lengths in heights of its own lines."""

    candidate_score: float = 0.62  # share of a key phrase's letters that makes a line worth reading carefully
    key_score: float = 0.78  # that makes it very probably one
    careful_lines_max: int = 26  # read carefully at most, the likeliest first: about 40 ms each
    join_gap: float = 1.6  # between pieces of one line
    join_shift: float = 0.45  # up or down between pieces of one line
    reach_down: float = 1.9  # a filled-in line stands at most this far under or over the legend
    reach_pen: float = 3.2  # and a note of several lines no further than this
    frame_reach: float = 0.9  # a frame stands at most this far out, in widths and heights of the text
    frame_area_max: float = 5.0  # and holds at most this much more than the text: a form's cell or a page is none
    frame_side_min: float = 0.75  # of a side that its border covers
    pad: float = 0.14  # around the ink, as a reader draws a box
    fill_height_max: float = 2.6  # pens write larger than stamps
    level_word_score: float = 0.78  # of a classification banner's letters
    short_word_score: float = 0.9  # of a short caption, which other words contain by chance
    worn_level_score: float = 0.62  # of a large worn stamp's letters
    level_rest_max: float = 0.25  # of a banner's letters may be something else
    blur_mm: float = 0.2  # closes the gaps of dotted letters
    blur_gain: float = 1.8  # makes them dark again
    blur_side_px: int = 736  # the smaller the page, the less the detector minds the gaps
    faint_lines_max: int = 9
    faint_score: float = 0.5  # of a key phrase's letters, before the careful reading
    large_mm: float = 5.0  # letters of this height are a stamp's, not a typewriter's


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
        Stamps in reading order; ``evidence`` holds the aligned legend, the blanks and the lines of the stamp.
    """
    pieces = reread(scan, [line for line in text.lines if line.text.strip()], reader, settings)
    pieces += read_faint(scan, pieces, reader, settings)
    lines = [*map(as_line, pieces, range(len(pieces))), *joined(pieces, settings)]
    matches = match_markings(lines)
    taken = {part for match in matches for i in match.lines for part in lines[i].parts}
    written_on = document_date(text, matches, lines)
    stamps = [
        _stamp(scan, layers, match, matches, lines, pieces, taken, reader, written_on, settings) for match in matches
    ]
    banners = _banners(scan, pieces, taken, settings)
    stamps = _agreeing(stamps) + _with_cut_level(scan, stamps, banners, settings)
    return tuple(sorted(stamps, key=lambda s: (s.box[1], s.box[0])))


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


def reread(scan: Scan, pieces: Sequence[TextLine], reader: Reader, settings: StampSettings) -> list[TextLine]:
    """Lines that may belong to a marking, read again with the careful model; the others as they are."""
    wanted = _worth_reading(pieces, settings)
    readings = reader.read([crop_line(scan.grey, pieces[i].corners) for i in wanted], careful=True)
    better = dict(zip(wanted, readings, strict=True))
    return [replace(piece, reading=better[i]) if i in better else piece for i, piece in enumerate(pieces)]


def read_faint(scan: Scan, pieces: Sequence[TextLine], reader: Reader, settings: StampSettings) -> list[TextLine]:
    """Lines that come out only when the page is blurred and small: dotted, hollow and broken stamps."""
    blur = scan.mm(settings.blur_mm)
    shrink = min(1.0, settings.blur_side_px / max(scan.grey.shape))
    soft = cv2.GaussianBlur(scan.grey, (0, 0), blur)
    soft = 255 - np.minimum(255, (255 - soft).astype(np.float32) * settings.blur_gain).astype(np.uint8)
    small = cv2.resize(soft, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    found = [corners / shrink for corners in reader.find_lines(small)]
    known = [(piece.box, piece.confidence) for piece in pieces]
    fresh = [c for c in found if not _well_read(c, known)]
    guesses = [text_line(c, r) for c, r in zip(fresh, reader.read([crop_line(soft, c) for c in fresh]), strict=True)]
    likeness = _likeness(guesses)
    large = np.array([guess.height > settings.large_mm / 25.4 * scan.dpi for guess in guesses], bool)
    ranked = sorted(range(len(fresh)), key=lambda i: -likeness[i] - 0.4 * large[i] * (len(guesses[i].text) < 24))
    best = [i for i in ranked if likeness[i] >= settings.faint_score or large[i]][: settings.faint_lines_max]
    readings = reader.read([crop_line(soft, fresh[i]) for i in best], careful=True)
    return [text_line(fresh[i], r) for i, r in zip(best, readings, strict=True) if r.text.strip()]


def _well_read(corners: np.ndarray, known: Sequence[tuple[Box, float]]) -> bool:
    """Whether most of a line is covered by lines that were read without doubt."""
    x0, y0 = corners.min(0)
    x1, y1 = corners.max(0)
    box = (int(x0), int(y0), int(x1), int(y1))
    return sum(intersection(box, other) for other, sure in known if sure >= 0.9) > 0.4 * area(box)


def _worth_reading(pieces: Sequence[TextLine], settings: StampSettings) -> list[int]:
    """Lines that share letters with a legend and were not read without doubt, slanted ones more readily."""
    scores = _likeness(pieces)
    likely = {
        i
        for i, p in enumerate(pieces)
        if (scores[i] >= settings.candidate_score and p.confidence < 0.96)
        or (scores[i] >= settings.key_score and p.confidence < 0.995)
    }
    askew = {
        i
        for i, p in enumerate(pieces)
        if scores[i] >= settings.faint_score and abs((p.rotation_deg + 45) % 90 - 45) > 2.5 and len(p.text) > 3
    }
    order = [*sorted(likely, key=lambda i: -scores[i]), *sorted(askew - likely)]
    return sorted(order[: settings.careful_lines_max])


def _likeness(pieces: Sequence[TextLine]) -> np.ndarray:
    """For each line the share of a key phrase's letters that it has; a level counts only in a line of little else."""
    if not pieces:
        return np.zeros(0)
    phrases = _phrases()
    texts = [fold(piece.text)[0] for piece in pieces]
    found = process.cdist(phrases, texts, scorer=fuzz.partial_ratio, dtype=np.float32) / 100
    lengths, sizes = np.array([len(t) for t in texts]), np.array([len(p) for p in phrases])
    held = np.minimum(1.0, lengths[None] / sizes[:, None])
    roomy = lengths[None] > 2.5 * sizes[:, None]  # a long line has some stretch that looks like any phrase
    fits = np.where(roomy, np.where(sizes[:, None] >= 12, 0.82, 0.0), 1.0)
    return (found * held * fits).max(0)


@lru_cache(maxsize=1)
def _phrases() -> tuple[str, ...]:
    """Folded phrases that make a line worth reading carefully: keys of the catalogue and levels."""
    keys = {fold(phrase)[0] for row in markings() for phrase in row.key}
    levels = {fold(word)[0] for word in (*_words()["levels"], *_words()["controls"])}
    return tuple(sorted(phrase for phrase in keys | levels if len(phrase) >= 5))


def _gap(a: Box, b: Box) -> float:
    """Distance between two boxes, pixels; 0 where they touch."""
    return float(np.hypot(max(0, a[0] - b[2], b[0] - a[2]), max(0, a[1] - b[3], b[1] - a[3])))


def as_line(piece: TextLine, number: int) -> Line:
    """A text line as the alignment sees it."""
    along = piece.corners[1] - piece.corners[0]
    width = float(np.linalg.norm(along))
    unit = along / max(width, 1e-6)
    centre = piece.corners.mean(0)
    return Line(
        piece.text,
        (float(centre[0]), float(centre[1])),
        width,
        piece.height,
        (float(unit[0]), float(unit[1])),
        (number,),
    )


def joined(pieces: Sequence[TextLine], settings: StampSettings, numbers: Sequence[int] | None = None) -> list[Line]:
    """Lines that the detector cut into pieces, put together: same direction, same height, small gaps."""
    lines = [as_line(piece, i) for i, piece in zip(numbers or range(len(pieces)), pieces, strict=True)]
    follows: dict[int, int] = {}
    for i, a in enumerate(lines):
        best = None
        for j, b in enumerate(lines):
            if i == j or a.along[0] * b.along[0] + a.along[1] * b.along[1] < 0.99:
                continue
            dx, dy = b.centre[0] - a.centre[0], b.centre[1] - a.centre[1]
            across, down = dx * a.along[0] + dy * a.along[1], dx * a.down[0] + dy * a.down[1]
            height = min(a.height, b.height)
            gap = across - (a.width + b.width) / 2
            if across <= 0 or abs(down) > settings.join_shift * height or max(a.height, b.height) > 1.9 * height:
                continue
            if -0.8 * height <= gap <= settings.join_gap * height and (best is None or gap < best[0]):
                best = (gap, j)
        if best:
            follows[i] = best[1]
    heads = set(follows) - set(follows.values())
    found = []
    for head in sorted(heads):
        chain = [head]
        while chain[-1] in follows and follows[chain[-1]] not in chain:
            chain.append(follows[chain[-1]])
        found += [
            _join([lines[i] for i in chain[k:n]]) for k in range(len(chain)) for n in range(k + 2, len(chain) + 1)
        ]
    return found


def _join(chain: Sequence[Line]) -> Line:
    first, last = chain[0], chain[-1]
    ends = [first.centre[k] - first.along[k] * first.width / 2 for k in (0, 1)]
    stop = [last.centre[k] + last.along[k] * last.width / 2 for k in (0, 1)]
    width = float(np.hypot(stop[0] - ends[0], stop[1] - ends[1]))
    return Line(
        " ".join(line.text for line in chain),
        ((ends[0] + stop[0]) / 2, (ends[1] + stop[1]) / 2),
        width,
        float(np.median([line.height for line in chain])),
        ((stop[0] - ends[0]) / width, (stop[1] - ends[1]) / width),
        tuple(part for line in chain for part in line.parts),
    )


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
    parts = _legend_parts(match, lines, pieces)
    own, legend_corners = sorted(parts), [parts[i] for i in sorted(parts)]
    filled = _filled_lines(scan, layers, match, own, legend_corners, pieces, taken, settings)
    others = [pieces[part].box for m in matches if m is not match for i in m.lines for part in lines[i].parts]
    taken |= set(filled)
    rotation = float(np.median([pieces[i].rotation_deg for i in own]))
    outlines = [bounds(corners) for corners in legend_corners] + [pieces[i].box for i in filled]

    def look_closer() -> DateLines:
        return date_readings(scan, union(*outlines), reader, date_reader(), rotation_deg=rotation, elsewhere=others)

    form = read_form(scan, match, lines, pieces, filled, look_closer, written_on=written_on)
    members = sorted({*own, *filled}, key=lambda i: _down(pieces[i], pieces[own[0]]))
    tight = union(*(_tight(scan, outline) for outline in outlines))
    box = framed(scan, _padded(scan, tight, pieces[own[0]].height, settings), settings)
    legend = [(h.literal.text, lines[h.line].text[h.start : h.end], round(1 - h.score, 3)) for h in match.hits]
    return Stamp(
        box=box,
        confidence=round(min(0.99, 0.5 + 0.5 * match.share) * float(np.mean([h.score for h in match.hits])), 3),
        text=" / ".join(pieces[i].text for i in members),
        family=row.family,
        decision=form.decision,
        agency=form.agency,
        rotation_deg=round(rotation, 1),
        evidence={
            "marking": row.id,
            "dated": row.dated,
            "share": round(match.share, 3),
            "legend": legend,
            "fields": form.fields,
            "date": form.date,
            "ticks": [list(tick) for tick in form.ticks],
        },
    )


def _down(piece: TextLine, home: TextLine) -> float:
    down = home.corners[3] - home.corners[0]
    return float((piece.corners.mean(0) - home.corners.mean(0)) @ down)


def _legend_parts(match: Match, lines: Sequence[Line], pieces: Sequence[TextLine]) -> dict[int, np.ndarray]:
    """For each piece of the legend the corners of what belongs to the marking: what stands beside it is cut off.

    A blank at an end of the legend's line takes what stands there; otherwise the line ends with its printed words.
    """
    found = {}
    for i in match.lines:
        hits = [h for h in match.hits if h.line == i]
        first, last = min(h.start for h in hits), max(h.end for h in hits)
        template = match.marking.lines[hits[0].literal.row].lstrip("?") if match.marking.lines else "{all}"
        ending = match.marking.lines[hits[-1].literal.row] if match.marking.lines else "{all}"
        offset = 0
        for part in lines[i].parts:
            piece = pieces[part]
            start, end = first - offset, last - offset
            size = len(piece.text)
            offset += size + 1
            if template.startswith("{") or 0 < start <= 2:
                start = 0
            if ending.endswith("}") or size - 3 <= end < size or (match.marking.hand and end > 0):
                end = size
            if start < size and end > 0:
                found[part] = _cut(piece, max(0, start), min(size, end))
    return found


def _cut(piece: TextLine, start: int, end: int) -> np.ndarray:
    """Corners of the part of a line from one character to another."""
    centres = piece.reading.centres
    if len(centres) != len(piece.text) or (start == 0 and end == len(piece.text)):
        return piece.corners
    step = 0.6 / max(1, len(piece.text))
    low = 0.0 if start == 0 else max(0.0, centres[start] - step)
    high = 1.0 if end == len(piece.text) else min(1.0, centres[end - 1] + step)
    a, b, c, d = piece.corners
    return np.array([a + (b - a) * low, a + (b - a) * high, d + (c - d) * high, d + (c - d) * low], np.float32)


def bounds(corners: np.ndarray) -> Box:
    """The upright box around corners ``(4, 2)``."""
    low, high = np.floor(corners.min(0)).astype(int), np.ceil(corners.max(0)).astype(int)
    return (int(low[0]), int(low[1]), int(high[0]), int(high[1]))


def _padded(scan: Scan, box: Box, height: float, settings: StampSettings) -> Box:
    pad = round(settings.pad * height)
    return (max(0, box[0] - pad), max(0, box[1] - pad), min(scan.width, box[2] + pad), min(scan.height, box[3] + pad))


def framed(scan: Scan, box: Box, settings: StampSettings) -> Box:
    """The box grown to a frame drawn close around it: a label's or boxed stamp's border; as it is where none stands.

    A frame is a piece of ink that encloses the box and runs along three of its own sides at least.
    """
    wide, high = box[2] - box[0], box[3] - box[1]
    reach_x, reach_y = round(settings.frame_reach * wide), round(settings.frame_reach * max(high, 0.3 * wide))
    x0, y0 = max(0, box[0] - reach_x), max(0, box[1] - reach_y)
    x1, y1 = min(scan.width, box[2] + reach_x), min(scan.height, box[3] + reach_y)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(scan.ink[y0:y1, x0:x1].astype(np.uint8))
    slack = max(2, round(0.12 * high))
    found = []
    for number, (x, y, w, h, _) in enumerate(stats[1:], 1):
        outer = (x0 + x, y0 + y, x0 + x + w, y0 + y + h)
        encloses = outer[0] <= box[0] + slack and outer[1] <= box[1] + slack
        encloses &= outer[2] >= box[2] - slack and outer[3] >= box[3] - slack
        if not encloses or w * h > settings.frame_area_max * wide * high or x == 0 or y == 0:
            continue
        own = labels[y : y + h, x : x + w] == number
        depth = max(2, round(0.06 * min(w, h)))
        edges = (own[:depth].any(0), own[-depth:].any(0), own[:, :depth].any(1), own[:, -depth:].any(1))
        if sum(float(edge.mean()) > settings.frame_side_min for edge in edges) >= 3:
            found.append((w * h, outer))
    outer = min(found)[1] if found else box
    return (int(outer[0]), int(outer[1]), int(outer[2]), int(outer[3]))


def _filled_lines(
    scan: Scan,
    layers: Layers | None,
    match: Match,
    own: Sequence[int],
    legend: Sequence[np.ndarray],
    pieces: Sequence[TextLine],
    taken: set[int],
    settings: StampSettings,
) -> list[int]:
    """Lines that are no legend but stand in or close around it: what was filled in by hand or by a date stamp.

    Inside the legend's own outline any line counts that fits there; beside it a line of pen strokes, or one that says
    what belongs to such a marking: a date of the years in which it was applied, or one of its usual additions.
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
    found: list[int] = []
    order = sorted(range(len(pieces)), key=lambda i: abs(float((pieces[i].corners @ down).mean()) - (d0 + d1) / 2))
    for i in order:
        piece = pieces[i]
        if i in taken or i in own or piece.height > settings.fill_height_max * height or banner_words(piece.text):
            continue
        extent, depth = piece.corners @ along, piece.corners @ down
        centre, below = float(extent.mean()), float(depth.mean())
        if extent.min() < a0 - 0.2 * width - height or extent.max() > a1 + 0.5 * width + height:
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
        pen = close and row.hand and layers is not None and is_pen(scan, layers, piece.box)
        if (inside and not _is_body(piece)) or pen or (near and _belongs(row, piece)):
            found.append(i)
            top = max(min(top, below - 0.5 * height), d0 - settings.reach_pen * height)
            bottom = min(max(bottom, below + 0.5 * height), d1 + settings.reach_pen * height)
    return found


def is_pen(scan: Scan, layers: Layers, box: Box, *, share_min: float = 0.55) -> bool:
    """Whether most of the ink in a box was written by hand."""
    x0, y0, x1, y1 = (max(0, round(v * layers.scale)) for v in box)
    page = scan.ink[box[1] : box[3], box[0] : box[2]]
    if page.size == 0 or layers.handwriting[y0:y1, x0:x1].size == 0:
        return False
    hand = layers.handwriting[y0:y1, x0:x1]
    ink = cv2.resize(page.astype(np.float32), (hand.shape[1], hand.shape[0]), interpolation=cv2.INTER_AREA)
    return float((ink * hand).sum()) > share_min * 255 * max(1.0, float(ink.sum()))


def _belongs(row: Marking, piece: TextLine) -> bool:
    """Whether a line beside a legend says what such a marking is filled in with."""
    if row.next_line_date:
        return parse_date(piece.text, era="document") is not None
    if not (row.hand or "date" in row.fields):
        return False
    if row.hand and re.search(r"\bJ\s?[FP]\s?[KE]\b|SANITIZ|BRACK|EXCEPT|\bOADR\b", piece.text, re.IGNORECASE):
        return True
    first, last = f"{row.valid_from or 1940}-01-01", f"{row.valid_to or 2100}-12-31"
    printed = parse_date(piece.text)
    if printed and first <= (printed.date or "") <= last:
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


def _tight(scan: Scan, box: Box) -> Box:
    """A line's box shrunk to its ink."""
    x0, y0, x1, y1 = max(0, box[0]), max(0, box[1]), min(scan.width, box[2]), min(scan.height, box[3])
    ink = scan.ink[y0:y1, x0:x1]
    if not ink.any():
        return (x0, y0, x1, y1)
    spans = []
    for profile in (ink.sum(1), ink.sum(0)):  # a stroke that crosses the line fills few pixels of a row or column
        low, high = np.percentile(profile, (5, 90))  # dirt of the ground, and letters
        filled = np.flatnonzero(profile >= max(1.0, low + 0.15 * (high - low)))
        spans.append((int(filled[0]), int(filled[-1]) + 1))
    return (x0 + spans[1][0], y0 + spans[0][0], x0 + spans[1][1], y0 + spans[0][1])


@lru_cache(maxsize=1)
def _words() -> dict[str, list[str]]:
    return tomllib.loads((files("redactlib.catalogue") / "classification.toml").read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def _ranked_words() -> tuple[tuple[str, str], ...]:
    """Every classification word with its folded form, the longest first."""
    words = {word for group in _words().values() for word in group}
    return tuple((word, fold(word)[0]) for word in sorted(words, key=lambda w: (-len(w), w)))


def banner_words(text: str, *, settings: StampSettings = StampSettings()) -> tuple[str, ...]:
    """The classification words that a line consists of, or nothing where it says anything else.

    >>> banner_words("S E C R E T  NO FOREIGN DISSEM")
    ('NO FOREIGN DISSEM', 'SECRET')
    >>> banner_words("the secret agreement")
    ()
    """
    rest = fold(text)[0]
    whole = len(rest)
    found = []
    words = _words()
    for word, folded in _ranked_words():
        if len(rest) < 0.8 * len(folded) or (len(folded) < 5 and folded not in rest):
            continue
        if not says_every_word(word, rest):
            continue
        place = fuzz.partial_ratio_alignment(folded, rest)
        floor = settings.level_word_score if len(folded) >= 8 or folded in _SHORT_LEVELS else settings.short_word_score
        if place is None or place.score / 100 < floor:
            continue
        if len(rest) < len(folded) and place.score / 100 * len(rest) / len(folded) < settings.level_word_score:
            continue
        rest = rest[: place.dest_start] + rest[place.dest_end :]
        found.append(word)
    telling = [w for w in found if w in words["levels"] or w in words["controls"]]
    return tuple(found) if telling and len(rest) <= settings.level_rest_max * whole else ()


def _banners(scan: Scan, pieces: Sequence[TextLine], taken: set[int], settings: StampSettings) -> list[Stamp]:
    """Classification banners: lines that consist of classification words, with the captions set close under them."""
    free = [i for i in range(len(pieces)) if i not in taken]
    lines = [*(as_line(pieces[i], i) for i in free), *joined([pieces[i] for i in free], settings, free)]
    typical = float(np.median([p.height for p in pieces if len(p.text) > 20] or [scan.mm(4)]))
    spoken: list[tuple[Line, tuple[str, ...]]] = []
    said = [
        (line, banner_words(line.text, settings=settings) or _worn_level(line, typical, scan, settings))
        for line in lines
    ]
    alone = {line.parts[0]: sum(map(len, words)) for line, words in said if len(line.parts) == 1}
    said = [  # pieces are put together only where that says more: TOP and SECRET, not two banners in a row
        (line, words)
        for line, words in said
        if len(line.parts) == 1 or sum(map(len, words)) > sum(alone.get(part, 0) for part in line.parts)
    ]
    for line, words in sorted(said, key=lambda one: (-sum(map(len, one[1])), len(one[0].text))):
        if words and not any(_collides(line, other) for other, _ in spoken):
            spoken.append((line, words))
    rest = [line for line in lines if len(line.parts) == 1 and not any(_collides(line, other) for other, _ in spoken)]
    return [_banner(scan, group, words, pieces, settings) for group, words in _grouped(spoken, rest, pieces)]


def document_date(text: PageText, matches: Sequence[Match], lines: Sequence[Line]) -> str | None:
    """The latest date that the document's own typing surely shows, ISO; ``None`` without one.

    Lines of a marking do not count, nor dates after 1995, since release lines and case notes are typed as well.
    """
    marking = {lines[i].text for match in matches for i in match.lines}
    typed = [line.text for line in text.lines if line.confidence > 0.95 and line.text not in marking]
    dates = [date for line in typed if (date := parse_date(line, era="document")) and len(date.date or "") == 10]
    return max((date.date for date in dates if date.date and date.date < "1995"), default=None)


def _with_cut_level(
    scan: Scan, stamps: Sequence[Stamp], banners: Sequence[Stamp], settings: StampSettings
) -> list[Stamp]:
    """Banners, and the one at the head that a release line was printed over: what is left of its letters, cut level.

    Only where the foot repeats a level that the head does not show: a page carries its level at both.
    """
    middle = scan.height / 2
    levels = set(_words()["levels"])
    at_foot = [b for b in banners if b.box[1] > middle and levels & set(b.evidence["words"])]
    at_head = [b for b in banners if b.box[3] < middle and levels & set(b.evidence["words"])]
    over = [s for s in stamps if s.box[3] < 0.1 * scan.height and s.decision in DECISIVE]
    if not at_foot or at_head or not over:
        return list(banners)
    model, cover = at_foot[-1], over[0]
    height = cover.box[3] - cover.box[1]
    below = [b for b in banners if cover.box[3] - height / 4 < b.box[1] < cover.box[3] + 2 * height]
    end = min([cover.box[3] + 2 * (model.box[3] - model.box[1]), *(b.box[1] + height // 8 for b in below)])
    rest = _cut_letters(scan, cover.box, model.box, end)
    if rest is None:
        return list(banners)
    words = [*model.evidence["words"], *(w for b in below for w in b.evidence["words"])]
    level = Stamp(
        box=_padded(scan, union(rest, *(b.box for b in below)), height, settings),
        confidence=round(0.6 * model.confidence, 3),
        text=" / ".join([f"[{model.text}]", *(b.text for b in below)]),
        family="classification",
        evidence={"words": words, "because": "letters cut by the release line; the level is repeated at the foot"},
    )
    return [level, *(b for b in banners if b not in below)]


def _cut_letters(scan: Scan, cover: Box, model: Box, end: int) -> Box | None:
    """What is left of letters under a line printed over them, down to row `end`: pieces that begin on one row."""
    height = model[3] - model[1]
    x0, x1 = round(0.2 * scan.width), round(0.8 * scan.width)
    y0 = cover[3] - round(0.25 * (cover[3] - cover[1]))
    if end <= y0:
        return None
    strip = scan.ink[y0:end, x0:x1].astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(strip)
    pieces = [s for s in stats[1:] if 0.1 * height <= s[3] <= 1.1 * height and 3 <= s[2] <= 0.5 * (model[2] - model[0])]
    if not pieces:
        return None
    tolerance = max(2, round(scan.mm(0.35)))
    row = max({int(s[1]) for s in pieces}, key=lambda top: sum(abs(s[1] - top) <= tolerance for s in pieces))
    cut = [s for s in pieces if abs(s[1] - row) <= tolerance]
    box = (
        x0 + int(min(s[0] for s in cut)),
        y0 + int(min(s[1] for s in cut)),
        x0 + int(max(s[0] + s[2] for s in cut)),
        y0 + int(max(s[1] + s[3] for s in cut)),
    )
    alike = 0.6 <= (box[2] - box[0]) / (model[2] - model[0]) <= 1.5
    return box if len(cut) >= 5 and alike else None


def _collides(a: Line, b: Line) -> bool:
    return bool(set(a.parts) & set(b.parts)) or (
        abs(a.centre[0] - b.centre[0]) < 0.5 * max(a.width, b.width)
        and abs(a.centre[1] - b.centre[1]) < 0.5 * min(a.height, b.height)
    )


def _worn_level(line: Line, typical: float, scan: Scan, settings: StampSettings) -> tuple[str, ...]:
    """A level that a large or set-apart line stands for although several of its letters are misread."""
    apart = line.height > 1.35 * typical or abs(line.along[1]) > 0.04
    edge = min(line.centre[1], scan.height - line.centre[1]) < 0.12 * scan.height
    if not (apart or edge):
        return ()
    text = fold(line.text)[0]
    best = max(_WORN_LEVELS, key=lambda word: fuzz.ratio(fold(word)[0], text))
    folded = fold(best)[0]
    close = fuzz.ratio(folded, text) / 100 >= (
        settings.worn_level_score if apart and edge else settings.worn_level_score + 0.06
    )
    return (best,) if close and 0.66 <= len(text) / len(folded) <= 1.34 else ()


def _grouped(
    spoken: Sequence[tuple[Line, tuple[str, ...]]], rest: Sequence[Line], pieces: Sequence[TextLine]
) -> list[tuple[list[int], list[str]]]:
    """Banners with the captions that stand close under or over them: a level, and words that complete it."""
    levels = set(_words()["levels"])
    parts = [(line, tuple(w for w in _words()["parts"] if says_every_word(w, fold(line.text)[0]))) for line in rest]
    groups = [([*line.parts], [*words]) for line, words in spoken]
    captions = [
        ([*line.parts], [*words]) for line, words in parts if words and len(words[0]) > 6 and len(line.text) < 34
    ]
    for caption in captions:
        home = next((g for g in groups if _touch(g[0], caption[0], pieces)), None)
        if home:
            home[0].extend(caption[0])
            home[1].extend(caption[1])
    merged = True
    while merged:
        merged = False
        for a in groups:
            for b in groups:
                both_levels = all(levels & set(g[1]) for g in (a, b))
                if a is not b and not both_levels and _touch(a[0], b[0], pieces):
                    a[0].extend(b[0])
                    a[1].extend(b[1])
                    groups.remove(b)
                    merged = True
                    break
            if merged:
                break
    return groups


def _touch(a: Sequence[int], b: Sequence[int], pieces: Sequence[TextLine]) -> bool:
    """Whether two lines stand one close under the other, their middles over each other."""
    first, second = union(*(pieces[i].box for i in a)), union(*(pieces[i].box for i in b))
    height = min(first[3] - first[1], second[3] - second[1])
    apart = max(first[1], second[1]) - min(first[3], second[3])
    wide = min(first[2], second[2]) - max(first[0], second[0])
    return apart < 0.45 * height and wide > 0.5 * min(first[2] - first[0], second[2] - second[0])


def _banner(
    scan: Scan, group: Sequence[int], words: Sequence[str], pieces: Sequence[TextLine], settings: StampSettings
) -> Stamp:
    members = sorted(group, key=lambda i: (pieces[i].box[1], pieces[i].box[0]))
    tight = union(*(_tight(scan, pieces[i].box) for i in members))
    return Stamp(
        box=framed(scan, _padded(scan, tight, pieces[members[0]].height, settings), settings),
        confidence=round(float(np.mean([pieces[i].confidence for i in members])), 3),
        text=" / ".join(pieces[i].text for i in members),
        family="classification",
        rotation_deg=round(float(np.median([pieces[i].rotation_deg for i in members])), 1),
        evidence={"words": list(words)},
    )
