"""Exemption codes on the page: printed, stamped and written by hand, each with the law that it stands in.

Every line of the page that looks like holding a code is cut to that place and read again under the grammar of codes
(:mod:`redactlib.decoding`), from the recogniser's character probabilities; the runner-up stays in the evidence. Whether
a string is a code then depends on its form: ``25X1`` is one anywhere, ``1.4(a)`` where it stands for itself or beside a
gap, ``B5`` or ``NR`` only in a margin, beside a redaction or with other codes, ``(A)`` only in a stack with others
(markings.md, section 14). What is none says why: :func:`propose_codes`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from rapidfuzz import fuzz

from redactlib.catalogue.exemptions import interpret
from redactlib.decoding import Decoded, decode
from redactlib.detect.codeforms import NEEDS, find_letters, find_shapes, grammar, hand_grammar
from redactlib.layers import Layers
from redactlib.marks import Box, Code, Redaction, area, intersection, union
from redactlib.reading import PageText, Reader, Reading, TextLine, crop_line, text_line
from redactlib.scan import Scan


@dataclass(frozen=True)
class CodeSettings:
    """What counts as a code; lengths in line heights, since codes come in any size of type."""

    sure: float = 0.9  # a reading below this is made again with the careful reader
    line_sure: float = 0.95  # the same for a whole line in a margin or on a sheet
    lettered: float = 0.5  # below it a line is a drawing or a blot
    short: int = 20  # characters: lines that can be a code and little else
    confidence_min: float = 0.35  # below it another reading of the place is as likely
    height_min_mm: float = 1.2  # capitals of 6-point type are 1.5 mm high
    other_text: float = 0.05  # odds of text that is no code where a code-shaped string stands
    label_likeness: float = (
        72.0  # of a stamp's label to its legend, per cent: worn stamps lose a third of their strokes
    )
    field_room: tuple[float, ...] = (0.2, 0.1, 0.35)  # writing leaves the line that it stands on: room above it
    field_floor: float = -14.0  # log probability of a filling that is none; OADR and dates lie below -17
    exemption_other: float = -4.5  # the same of two characters behind a label that says nothing of them
    field_other: float = -11.0  # log probability at which a filling is as likely something else
    pen_share: float = (
        0.5  # of the pen's ink to type's or a stamp's where a code is a pen's; printed ones reach a third
    )
    pen_room: float = 0.5  # a pen's letters leave the typed line that they run into by this much
    hand_height_mm: float = 2.0  # pens write larger than type
    hand_aspect: float = 4.5  # a written code is at most this many times wider than high
    hand_most: int = 30  # scrawls that are looked at on one page, the largest first
    hand_unread: float = 0.97  # what the page's reader is surer of is type
    hand_reach: float = 3.0  # a code is written this near to what was taken out, or to the stamp that released the rest
    hand_slants_deg: tuple[float, ...] = (0.0, 15.0, 30.0)  # margins are written upwards
    hand_screen: float = -13.0  # log probability, by the page's reader, below which a scrawl is not read again
    hand_screen_anywhere: float = -6.0  # the same where no code is expected
    hand_hopeless: float = -9.0  # the same by the careful reader, level: below it slants are not tried
    hand_other: float = -5.5  # log probability at which a scrawl is as likely something else
    hand_other_anywhere: float = -3.0  # the same where no code is expected
    column_gap: float = 2.5  # a margin's column stands apart by this many steps from letter to letter; words by two
    beside: float = 1.5  # a code belongs to a redaction or a stack within this distance
    margin: float = 0.14  # share of the page's width in which a margin can lie
    field_length: float = 2.6  # how far behind the end of a line its filling may stand
    form_gap: float = 5.0  # how far to the right of a form's label its filling may stand


_SHEETS = (
    *("withdrawal sheet", "withdrawal notice", "deleted page information sheet", "pages withheld entirely"),
    "total deleted page(s) =",
    *("initial review form", "exemptions are being claimed to protect the following", "access restricted"),
)
_HEADER = re.compile(
    r"releas\w*?\s?in (?:part|full)|releas\w*\s+with|exempt|reason|excis|\bFOIA?\b|\bPA\b", re.IGNORECASE
)
_CODELIKE = re.compile(r"(?=.*\d)(?:.*[()\[\]]|.{3,12}$|[86E][1-9]$)")
_MARKED = re.compile(r"(?=.*[\d()\[\]]).{3}")
_CITED = re.compile(
    r"(?:\b(?:section|sect?|paragraphs?|para|subsection|art|page|rule)\.?|§|U\.?S\.?C\.?)\s*$", re.IGNORECASE
)
_MARKING = re.compile(r"(?<=[:;])\W{0,2}([2Z][5S]\s?[XK])(?=.{0,5}$)")
_EXEMPTIONS = re.compile(r"(?:FOIA?|PA)\s+exemptions?\s*:?\s*(?=.{1,7}$)", re.IGNORECASE)
_RELEASE = re.compile(r"RELEASE|SANITIZED|DECLASSIFIED|EXCISED|EXEMPT", re.IGNORECASE)
_RESTRICTIONS = re.compile(r"RESTRICTIONS?\s*:\s*", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class CodeProposal:
    """A string of the language of codes at a place.

    Attributes:
        text, code: as the page's reader gave it, and under the grammar of codes.
        runner_up: what else the place could say, ``None`` for something that is no code, and its share of the
            probability of both.
        line: the line that it stands in; `before` is what that says ahead of it.
        alone: whether the line says little else.
        field: label of the form field that it fills.
        because: what makes it a code; ``None`` where it is none.
        reason: why it is none; ``None`` where it is one.
    """

    box: Box
    text: str
    code: str
    family: str
    confidence: float
    runner_up: tuple[str | None, float]
    line: TextLine
    alone: bool
    before: str = ""
    field: str | None = None
    handwritten: bool = False
    because: str | None = None
    reason: str | None = None

    @property
    def height(self) -> float:
        return self.line.height

    @property
    def rotation_deg(self) -> float:
        return self.line.rotation_deg


def find_codes(
    scan: Scan,
    layers: Layers | None,
    text: PageText,
    reader: Reader,
    redactions: Sequence[Redaction] = (),
    *,
    settings: CodeSettings = CodeSettings(),
) -> tuple[Code, ...]:
    """Find every exemption code of an upright page.

    Args:
        scan: the page.
        layers: which ink is what, where the ink model is at hand; tells handwriting.
        text: the lines of the page with their readings.
        reader: reads doubtful places again, with the larger model.
        redactions: what was taken out; codes inside and beside it count on less evidence.
        settings: what counts as a code.

    Returns:
        Codes from top to bottom; codes that stand together share their `group`. `context` is ``sheet``, ``stamp``,
        ``header``, ``box``, ``margin`` or ``text``; the evidence says what else the place could read.
    """
    proposals = propose_codes(scan, layers, text, reader, redactions, settings=settings)
    return _report(scan, layers, text, redactions, [p for p in proposals if p.reason is None], settings)


def propose_codes(
    scan: Scan,
    layers: Layers | None,
    text: PageText,
    reader: Reader,
    redactions: Sequence[Redaction] = (),
    *,
    settings: CodeSettings = CodeSettings(),
) -> tuple[CodeProposal, ...]:
    """Find what could be a code, each with what makes it one or why it is none; the arguments of :func:`find_codes`.

    >>> from redactlib import default_reader
    >>> page = Scan(np.full((1100, 850), 255, np.uint8), 100.0)
    >>> corners = np.array([(60, 500), (230, 500), (230, 520), (60, 520)], np.float32)
    >>> said = Reading("(A) the first", 0.98, None, tuple(np.linspace(0.04, 0.96, 13)))
    >>> text = PageText((text_line(corners, said),))
    >>> [(p.code, p.reason) for p in propose_codes(page, None, text, default_reader())]
    [('(A)', "a paragraph's letter or a portion marking, as no code stands with it")]
    """
    sheet = _is_sheet(text)
    lines = _read_doubtful(scan, text, reader, settings, sheet=sheet)
    found = [c for line in lines for c in _printed(scan, line, reader, settings, sheet=sheet)]
    found += _stamp_fields(scan, text, reader, settings)
    found += _restrictions(scan, text, reader, settings)
    found += _handwritten(scan, layers, text, reader, redactions, settings)
    found += [c for line in lines for c in _letters(scan, line)]
    return _judge(scan, _without_overlaps(found), redactions, settings, sheet=sheet)


def _read_doubtful(
    scan: Scan, text: PageText, reader: Reader, settings: CodeSettings, *, sheet: bool
) -> list[TextLine]:
    """All lines, those read again that may hide the shape of a code: worn ones in margins and on sheets, turned ones.

    A turned line may stand on its head: the page's reader makes ``(t)(q)`` of ``(b)(1)`` and is sure of it.
    """
    lines = list(text.lines)
    lettered = [i for i, line in enumerate(lines) if line.confidence > settings.lettered]
    short = [
        i for i in lettered if len(lines[i].text) <= settings.short and not find_shapes(lines[i].text, sheet=sheet)
    ]
    turned = [i for i in short if abs(lines[i].rotation_deg) > 45 and _MARKED.search(lines[i].text)]
    flipped = [np.roll(lines[i].corners, 2, axis=0) for i in turned]
    for i, corners, said in zip(turned, flipped, reader.read([crop_line(scan.grey, c) for c in flipped]), strict=True):
        if find_shapes(said.text):
            lines[i] = text_line(corners, said)
    worn = [
        i
        for i in (lettered if sheet else short)
        if lines[i].confidence < settings.line_sure
        and (sheet or (_CODELIKE.search(lines[i].text) and _in_margin(scan, lines[i].box, settings)))
    ]
    again = reader.read([crop_line(scan.grey, lines[i].corners, pad=0.1) for i in worn], careful=True)
    for i, said in zip(worn, again, strict=True):
        if said.confidence > lines[i].confidence:
            lines[i] = replace(lines[i], reading=said)
    return lines


def _printed(scan: Scan, line: TextLine, reader: Reader, settings: CodeSettings, *, sheet: bool) -> list[CodeProposal]:
    """Code-shaped strings of one line, each read under the grammar."""
    spans = find_shapes(line.text, sheet=sheet)
    column = _last_column(line.reading, settings) if spans else 0
    found = []
    for families, start, end in spans:
        reading, first, last = line.reading, start, end
        family, decoded = _decode_span(reading, first, last, families)
        if _confidence(reading, first, last, decoded, settings) < settings.sure:
            again = _read_again(scan, line, first, last, reader)
            other, redone = _decode_span(again, 0, len(again.text), families)
            if _confidence(again, 0, len(again.text), redone, settings) > _confidence(
                reading, first, last, decoded, settings
            ):
                reading, first, last, family, decoded = again, 0, len(again.text), other, redone
        if not decoded:
            continue
        box = _ink_box(scan, line, *_extent(line.reading, start, end))
        in_column = start >= column and _in_margin(scan, box, settings)
        confidence = _confidence(reading, first, last, decoded, settings)
        found.append(
            CodeProposal(
                box=box,
                text=line.text[start:end],
                code=decoded[0].text.replace(" ", ""),
                family=family,
                confidence=confidence,
                runner_up=_runner_up(decoded, _other(reading, first, last, settings)),
                line=line,
                alone=_is_most(line.text, spans, column if in_column else 0),
                before=line.text[:start],
                reason=_unread(scan, box, confidence, settings),
            )
        )
    return found


def _unread(scan: Scan, box: Box, confidence: float, settings: CodeSettings) -> str | None:
    """Why a string is not read well enough to be a code."""
    if confidence < settings.confidence_min:
        return "as likely reads something else"
    if min(box[2] - box[0], box[3] - box[1]) < scan.mm(settings.height_min_mm):
        return "too small to be read"
    return None


def _letters(scan: Scan, line: TextLine) -> list[CodeProposal]:
    """Single letters in brackets; several laws, lists and portion markings use them, so none is read more closely."""
    spans = find_letters(line.text)
    return [
        CodeProposal(
            box=_ink_box(scan, line, *_extent(line.reading, start, end)),
            text=line.text[start:end],
            code=line.text[start:end],
            family=family,
            confidence=line.confidence,
            runner_up=(None, round(1 - line.confidence, 4)),
            line=line,
            alone=_is_most(line.text, spans, 0),
            before=line.text[:start],
        )
        for family, start, end in spans
    ]


def _last_column(reading: Reading, settings: CodeSettings) -> int:
    """Index of the first character of a line that stands apart on its right, where margins have their codes.

    The line finder runs a margin's code and the line of type beside it together.
    """
    glyphs = [i for i, character in enumerate(reading.text) if character != " "]
    steps = np.diff([reading.centres[i] for i in glyphs]) if len(glyphs) > 2 else np.zeros(1)
    widest = int(np.argmax(steps))
    apart = steps[widest] >= settings.column_gap * np.median(steps) > 0
    return glyphs[widest + 1] if apart else len(reading.text)


def _is_most(text: str, spans: Sequence[tuple[object, int, int]], first: int) -> bool:
    """Whether code-shaped strings are most of what a line says from one of its characters on."""
    inside = sum(len(_folded(text[start:end])) for _, start, end in spans if start >= first)
    return inside >= 0.6 * len(_folded(text[first:]))


def _decode_span(reading: Reading, start: int, end: int, families: Sequence[str]) -> tuple[str, tuple[Decoded, ...]]:
    """The characters `start` to `end` of a reading under the grammars of families: the likelier one, best string first.

    A reader that gives no probabilities has its text taken as it is, where the table knows it.
    """
    if reading.lattice is None:
        known = interpret(reading.text[start:end])
        return families[0], ((Decoded(reading.text[start:end], 0.0, (0, 1)),) if known and known.canonical else ())
    window = _window(reading, start, end)
    tried = [(family, decode(window, grammar(family), beam=40)) for family in families]
    return max(tried, key=lambda t: t[1][0].log_probability if t[1] else -np.inf)


def _window(reading: Reading, start: int, end: int) -> np.ndarray:
    """The lattice steps of some characters: behind the one before them, up to the one after."""
    assert reading.lattice is not None
    peaks = [round(centre * (len(reading.lattice) - 1) - 0.5) for centre in reading.centres]
    first = peaks[start - 1] + 1 if start else 0
    best = reading.lattice.argmax(1)
    while start and first < peaks[start] and best[first] == best[first - 1]:
        first += 1
    return reading.lattice[first : peaks[end] if end < len(peaks) else len(best)]


def _extent(reading: Reading, start: int, end: int) -> tuple[float, float]:
    """Where some characters begin and end along the line, 0..1."""
    centres, text = reading.centres, reading.text
    before = next((i for i in range(start - 1, -1, -1) if text[i] != " "), None)
    after = next((i for i in range(end, len(text)) if text[i] != " "), None)
    width = float(np.median(np.diff(centres))) if len(centres) > 1 else 0.7
    first = (
        centres[start] - 0.7 * width
        if before is None
        else max((centres[before] + centres[start]) / 2, centres[start] - 0.7 * width)
    )
    last = (
        centres[end - 1] + 0.7 * width
        if after is None
        else min((centres[end - 1] + centres[after]) / 2, centres[end - 1] + 0.7 * width)
    )
    return max(0.0, first), min(1.0, last)


def _confidence(reading: Reading, start: int, end: int, decoded: tuple[Decoded, ...], settings: CodeSettings) -> float:
    """Probability of the best string against the second and against text that is no code, 0..1."""
    if not decoded or reading.lattice is None:
        return reading.confidence if decoded else 0.0
    others = [d for d in decoded[1:] if _folded(d.text) != _folded(decoded[0].text)]
    return _share([decoded[0], *others], _other(reading, start, end, settings))


def _other(reading: Reading, start: int, end: int, settings: CodeSettings) -> float:
    """Log probability that some characters of a reading are text that is no code."""
    if reading.lattice is None:
        return float(np.log(max(1e-9, 1 - reading.confidence)))
    return float(np.log(_window(reading, start, end).max(1)).sum() + np.log(settings.other_text))


def _share(decoded: Sequence[Decoded], other: float) -> float:
    """Probability of the best string against the second and against something else of log probability `other`."""
    if not decoded:
        return 0.0
    against = np.logaddexp(decoded[1].log_probability if decoded[1:] else -np.inf, other)
    return float(1 / (1 + np.exp(against - decoded[0].log_probability)))


def _folded(code: str) -> str:
    return re.sub(r"[^a-z0-9]", "", code.lower())


def _runner_up(decoded: tuple[Decoded, ...], other: float) -> tuple[str | None, float]:
    """What a place says if not its best string, with its share of the probability of both.

    The second string that means something else, or ``None``, of log probability `other`: text that is no code.
    """
    best = decoded[0]
    rivals = [(d.text.replace(" ", ""), d.log_probability) for d in decoded if _folded(d.text) != _folded(best.text)]
    code, log_probability = max([*rivals[:1], (None, other)], key=lambda rival: rival[1])
    return code, round(float(1 / (1 + np.exp(best.log_probability - log_probability))), 4)


def _bounds(corners: np.ndarray) -> Box:
    (x0, y0), (x1, y1) = np.floor(corners.min(0)).astype(int), np.ceil(corners.max(0)).astype(int)
    return int(x0), int(y0), int(x1), int(y1)


def _part_corners(line: TextLine, first: float, last: float) -> np.ndarray:
    """Corners of the part of a line between two places along it, 0..1."""
    top_left, top_right, bottom_right, bottom_left = line.corners
    top, bottom = top_right - top_left, bottom_right - bottom_left
    return np.array(
        [top_left + first * top, top_left + last * top, bottom_left + last * bottom, bottom_left + first * bottom],
        np.float32,
    )


def _read_again(scan: Scan, line: TextLine, start: int, end: int, reader: Reader) -> Reading:
    first, last = _extent(line.reading, start, end)
    corners = _part_corners(line, first, last)
    return reader.read([crop_line(scan.grey, corners, pad=0.1)], careful=True)[0]


def _ink_box(scan: Scan, line: TextLine, first: float, last: float) -> Box:
    """Bounding box of the glyphs in a part of a line; rules and strokes that run out of it do not count."""
    corners = _part_corners(line, first, last)
    x0, y0 = (max(0, int(v)) for v in np.floor(corners.min(0)))
    x1, y1 = (int(v) for v in np.ceil(corners.max(0)))
    ink = scan.ink[y0:y1, x0:x1].astype(np.uint8)
    if ink.size == 0:
        return (x0, y0, max(x0 + 1, x1), max(y0 + 1, y1))
    count, _, stats, centres = cv2.connectedComponentsWithStats(ink, connectivity=8)
    tall = 0.25 * min(line.height, max(ink.shape))
    boxes: list[Box] = []
    for (x, y, w, h, _), (cx, cy) in zip(stats[1:count], centres[1:count], strict=True):
        inside = 0.1 * ink.shape[0] < cy < 0.9 * ink.shape[0] and 0 < cx < ink.shape[1]
        if inside and max(w, h) >= tall and w < 0.9 * ink.shape[1] and h < 0.98 * ink.shape[0]:
            boxes.append((x0 + int(x), y0 + int(y), x0 + int(x + w), y0 + int(y + h)))
    tight = union(*boxes) if boxes else (x0, y0, x1, y1)
    return tight if area(tight) >= 0.25 * ink.size else (x0, y0, x1, y1)


def _restrictions(scan: Scan, text: PageText, reader: Reader, settings: CodeSettings) -> list[CodeProposal]:
    """Codes in the RESTRICTIONS field of a record's identification form: ``1A``, ``1B``, ``4``."""
    found = []
    for line in text.lines:
        label = _RESTRICTIONS.search(line.text)
        if not label:
            continue
        places = [(line, label.end())] + [(other, 0) for other in text.lines if _right_of(other, line, settings)]
        for place, start in places:
            rest = place.text[start:]
            for match in re.finditer(r"(?<![^\s;,])(?:[1lI][ABC]|[2-5])(?![^\s;,])", rest if len(rest) < 40 else ""):
                span = start + match.start(), start + match.end()
                _, decoded = _decode_span(place.reading, *span, ["restriction"])
                confidence = _confidence(place.reading, *span, decoded, settings)
                if confidence >= settings.confidence_min:
                    found.append(
                        CodeProposal(
                            box=_ink_box(scan, place, *_extent(place.reading, *span)),
                            text=match[0],
                            code=decoded[0].text,
                            family="restriction",
                            confidence=confidence,
                            runner_up=_runner_up(decoded, _other(place.reading, *span, settings)),
                            line=place,
                            alone=False,
                            field="RESTRICTIONS",
                        )
                    )
    return found


def _right_of(line: TextLine, label: TextLine, settings: CodeSettings) -> bool:
    """Whether a line stands on the baseline of a label, not far to its right."""
    gap = line.box[0] - label.box[2]
    level = abs(line.box[1] + line.box[3] - label.box[1] - label.box[3]) / 2
    return line is not label and -label.height < gap < settings.form_gap * label.height and level < label.height / 2


def _stamp_fields(scan: Scan, text: PageText, reader: Reader, settings: CodeSettings) -> list[CodeProposal]:
    """What a reviewer wrote on a stamp's blank lines: behind ``DECLASSIFY ON: 25X``, behind ``FOIA Exemptions``."""
    found = []
    for line in text.lines:
        field = _field(line.text, settings)
        if field is None:
            continue
        label, start, family, other = field
        decoded, place = _read_field(scan, line, start, family, reader, settings)
        confidence = _share(decoded, other)
        if confidence >= settings.confidence_min and place.reading.lattice is not None:
            steps = len(place.reading.lattice)
            found.append(
                CodeProposal(
                    box=_field_box(place, decoded[0].span[0] / steps, decoded[0].span[1] / steps, settings),
                    text=line.text[start:],
                    code=decoded[0].text,
                    family=family,
                    confidence=confidence,
                    runner_up=_runner_up(decoded, other),
                    line=line,
                    alone=False,
                    field=label,
                    handwritten=True,
                )
            )
    return found


def _field(text: str, settings: CodeSettings) -> tuple[str, int, str, float] | None:
    """The label of a stamp's blank line, where its filling begins, its grammar, and what else weighs as much."""
    if match := _EXEMPTIONS.search(text):
        return ("exemptions", match.end(), "exemption", settings.exemption_other) if match.end() < len(text) else None
    if match := _MARKING.search(text):
        return "DECLASSIFY ON", match.start(1), "field", settings.field_other
    label = fuzz.partial_ratio_alignment("DECLASSIFY ON:", text.upper(), score_cutoff=settings.label_likeness)
    if label is None or label.dest_end >= len(text) or fuzz.partial_ratio("CLASSIFICATION", text.upper()) > 80:
        return None
    start = len(text) - len(text[label.dest_end :].lstrip(" :"))
    return ("DECLASSIFY ON", start, "field", settings.field_other) if start < len(text) else None


def _read_field(
    scan: Scan, line: TextLine, start: int, family: str, reader: Reader, settings: CodeSettings
) -> tuple[tuple[Decoded, ...], TextLine]:
    """Read a filling three times, with more and more room above and below, its blank line taken out.

    Returns the strings by their mean log probability, and the widest crop as a line with its reading.
    """
    first = _extent(line.reading, start, len(line.text))[0]
    along, down = line.corners[1] - line.corners[0], line.corners[3] - line.corners[0]
    unit = along / np.linalg.norm(along)
    left = line.corners[0] + first * along - 0.2 * line.height * unit
    right = line.corners[1] + settings.field_length * line.height * unit
    total: dict[str, list[Decoded]] = {}
    for n, room in enumerate(settings.field_room):
        corners = np.array([left, right, right + down, left + down], np.float32)
        corners[:2] -= room * down
        corners[2:] += room * down
        reading = reader.read([_without_rules(crop_line(scan.grey, corners), line.height)], careful=True)[0]
        decoded = decode(reading.lattice, grammar(family), beam=40) if reading.lattice is not None else ()
        if n == 0 and (not decoded or decoded[0].log_probability < settings.field_floor):
            break
        for d in decoded:
            total.setdefault(d.text, []).append(d)
    place = TextLine(_bounds(corners), corners, line.rotation_deg, reading)
    rounds, floor = len(settings.field_room), settings.field_floor
    means = [
        Decoded(text, (sum(d.log_probability for d in ds) + floor * (rounds - len(ds))) / rounds, ds[-1].span)
        for text, ds in total.items()
    ]
    return tuple(sorted(means, key=lambda d: -d.log_probability)), place


def _handwritten(
    scan: Scan,
    layers: Layers | None,
    text: PageText,
    reader: Reader,
    redactions: Sequence[Redaction],
    settings: CodeSettings,
) -> list[CodeProposal]:
    """Codes that a reviewer wrote beside what was taken out, or under a release stamp: ``b7C``, ``(1)(B)``.

    Short lines that make no word are read at several sizes and slants; the page's recogniser screens them. Away from
    redactions and stamps only what it reads well by itself goes further, until a first code is found: who writes one
    writes more down the page.
    """
    near = [r.box for r in redactions] + [line.box for line in text.lines if _RELEASE.search(line.text)]
    lines = [*text.lines, *(_pen_ends(layers, text, scan, reader, settings) if layers else ())]
    scrawls = sorted((t for t in lines if _scrawled(scan, t, settings)), key=lambda line: -line.height)
    likely: list[TextLine] = []
    others: list[TextLine] = []
    for line in scrawls[: settings.hand_most]:
        expected = any(_gap(line.box, box) <= settings.hand_reach * line.height for box in near)
        (likely if expected else others).append(line)
    found = [_written(scan, line, reader, settings, expected=True) for line in likely]
    found += [_written(scan, line, reader, settings, expected=False) for line in others]
    if any(found):
        missed = [line for line, c in zip(others, found[len(likely) :], strict=True) if c is None]
        found += [_written(scan, line, reader, settings, expected=True) for line in missed]
    return [c for c in found if c is not None]


def _pen_ends(layers: Layers, text: PageText, scan: Scan, reader: Reader, settings: CodeSettings) -> list[TextLine]:
    """Ends of typed lines that are a pen's: the line finder runs a note in the margin into the line beside it."""
    boxes: list[Box] = []
    for line in text.lines:
        if len(line.text) <= settings.short or abs(line.rotation_deg) > 10:
            continue
        room = settings.pen_room * line.height
        x0, x1 = (round(v * layers.scale) for v in (line.box[0], line.box[2] + room))
        y0, y1 = (max(0, round(v * layers.scale)) for v in (line.box[1] - room, line.box[3] + room))
        pen = layers.handwriting[y0:y1, x0:x1] > 127
        typed = np.flatnonzero((layers.print[y0:y1, x0:x1] > 127).sum(0) > pen.sum(0))
        if not len(typed):
            continue
        columns = typed[-1] + 1 + np.flatnonzero(pen[:, typed[-1] + 1 :].any(0))
        if len(columns) >= settings.hand_height_mm * layers.scale * scan.mm(1):
            rows = np.flatnonzero(pen[:, columns].any(1))
            part = (x0 + columns[0], y0 + rows[0], x0 + columns[-1] + 1, y0 + rows[-1] + 1)
            boxes.append(tuple(round(v / layers.scale) for v in part))
    corners = [_turned(box, 0.0) for box in boxes]
    readings = reader.read([crop_line(scan.grey, c, pad=0.08) for c in corners])
    return [text_line(c, said) for c, said in zip(corners, readings, strict=True)]


def _written(
    scan: Scan, line: TextLine, reader: Reader, settings: CodeSettings, *, expected: bool
) -> CodeProposal | None:
    """The code that a scrawl says; ``None`` where it as likely says something else."""
    tried = _read_scrawl(scan, line, reader, settings, expected=expected)
    decoded = _mixed([d for d, _ in tried])
    other = settings.hand_other if expected else settings.hand_other_anywhere
    confidence = _share(decoded, other)
    if confidence < settings.confidence_min:
        return None
    best = max(tried, key=lambda t: max((d.log_probability for d in t[0][:1]), default=-np.inf))
    return CodeProposal(
        box=best[1],
        text=line.text,
        code=decoded[0].text,
        family="handwritten",
        confidence=confidence,
        runner_up=_runner_up(decoded, other),
        line=line,
        alone=True,
        handwritten=True,
    )


def _read_scrawl(
    scan: Scan, line: TextLine, reader: Reader, settings: CodeSettings, *, expected: bool
) -> list[tuple[tuple[Decoded, ...], Box]]:
    """Readings of a scrawl, each with its box; none where the first, cheap ones are hopeless."""
    x0, y0, x1, y1 = line.box
    boxes = [line.box, (max(0, x0 - round(0.8 * line.height)), y0, x1, y1), _ink_box(scan, line, 0.0, 1.0)]
    own = decode(line.reading.lattice, hand_grammar(), beam=12) if line.reading.lattice is not None else ()
    tried = [(own, line.box)]
    if expected:
        tried += _read_slanted(scan, boxes[1:], (0.0,), reader, careful=False)
    floor = settings.hand_screen if expected else settings.hand_screen_anywhere
    if not any(d and d[0].log_probability > floor for d, _ in tried):
        return []
    level, *slanted = settings.hand_slants_deg
    tried = _read_slanted(scan, boxes, (level,), reader, careful=True)
    if not any(d and d[0].log_probability > settings.hand_hopeless for d, _ in tried):
        return []
    return tried + _read_slanted(scan, boxes, slanted, reader, careful=True)


def _scrawled(scan: Scan, line: TextLine, settings: CodeSettings) -> bool:
    """Whether a line is short, large and unread enough to be a code written by hand."""
    width = float(np.linalg.norm(line.corners[1] - line.corners[0]))
    short = len(line.text.strip()) <= 9 and width <= settings.hand_aspect * line.height
    return short and line.height >= scan.mm(settings.hand_height_mm) and line.confidence < settings.hand_unread


def _read_slanted(
    scan: Scan, boxes: Sequence[Box], slants_deg: Sequence[float], reader: Reader, *, careful: bool
) -> list[tuple[tuple[Decoded, ...], Box]]:
    """Read boxes turned clockwise by several angles, under the grammar of written codes."""
    places = [(box, slant) for box in boxes for slant in slants_deg]
    crops = [crop_line(scan.grey, _turned(box, slant), pad=0.08) for box, slant in places]
    readings = reader.read(crops, careful=careful)
    return [
        (decode(r.lattice, hand_grammar(), beam=30) if r.lattice is not None else (), box)
        for r, (box, _) in zip(readings, places, strict=True)
    ]


def _turned(box: Box, degrees: float) -> np.ndarray:
    """Corners of a box turned about its centre, counter-clockwise as seen on the page."""
    x0, y0, x1, y1 = box
    centre, angle = np.array([(x0 + x1) / 2, (y0 + y1) / 2]), np.radians(degrees)
    along = np.array([np.cos(angle), -np.sin(angle)]) * (x1 - x0) / 2
    down = np.array([np.sin(angle), np.cos(angle)]) * (y1 - y0) / 2
    return np.array(
        [centre - along - down, centre + along - down, centre + along + down, centre - along + down], np.float32
    )


def _mixed(attempts: Sequence[tuple[Decoded, ...]]) -> tuple[Decoded, ...]:
    """Strings by their mean probability over several crops of which some one is right."""
    total: dict[str, float] = {}
    for decoded in attempts:
        for d in decoded:
            total[d.text] = total.get(d.text, 0.0) + float(np.exp(d.log_probability)) / len(attempts)
    ranked = sorted(total.items(), key=lambda item: -item[1])
    return tuple(Decoded(text, float(np.log(p)), (0, 0)) for text, p in ranked if p > 0)


def _field_box(place: TextLine, first: float, last: float, settings: CodeSettings) -> Box:
    """Box of a filling at the height of its line, without the room around it: worn stamps leave no whole glyphs."""
    corners = _part_corners(place, first, last)
    room = settings.field_room[-1] / (1 + 2 * settings.field_room[-1]) * (corners[3] - corners[0])
    return _bounds(corners + np.array([room, room, -room, -room]))


def _without_rules(crop: np.ndarray, height: float) -> np.ndarray:
    """A grey crop with level strokes longer than half a line's height set to white."""
    ink = (crop < 128).astype(np.uint8)
    rules = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((1, max(3, round(0.6 * height))), np.uint8))
    return np.where(cv2.dilate(rules, np.ones((5, 3), np.uint8)) > 0, 255, crop).astype(np.uint8)


def _without_overlaps(found: Iterable[CodeProposal]) -> list[CodeProposal]:
    """One code a place: a form's field before free text, then the more certain one; what else it could be says so."""
    kept: list[CodeProposal] = []
    for c in sorted(found, key=lambda c: (c.reason is not None, c.field is None, c.family == "letter", -c.confidence)):
        over = [k for k in kept if intersection(c.box, k.box) >= 0.4 * min(area(c.box), area(k.box))]
        if not over:
            kept.append(c)
        elif all(_folded(k.code) != _folded(c.code) for k in over):
            kept.append(replace(c, reason=c.reason or "another reading of the place is surer"))
    return kept


def _judge(
    scan: Scan, found: Sequence[CodeProposal], redactions: Sequence[Redaction], settings: CodeSettings, *, sheet: bool
) -> tuple[CodeProposal, ...]:
    """Say of each string what its form, its place or its company makes of it."""
    place = _Place(scan=scan, redactions=redactions, sheet=sheet, settings=settings)
    read = {i: c for i, c in enumerate(found) if c.reason is None}
    firm = {i: because for i, c in read.items() if (because := _standing(c, place))}
    for _ in range(2):  # a stack grows from its certain members, also over one between
        codes = [found[i] for i in firm]
        firm |= {i: because for i, c in read.items() if i not in firm and (because := _company(c, codes, place))}
    return tuple(
        replace(c, because=firm.get(i), reason=c.reason or (None if i in firm else _doubt(c)))
        for i, c in enumerate(found)
    )


@dataclass(frozen=True, kw_only=True)
class _Place:
    """What is known of a page before its codes are judged."""

    scan: Scan
    redactions: Sequence[Redaction]
    sheet: bool
    settings: CodeSettings

    def beside_redaction(self, c: CodeProposal) -> bool:
        return any(_gap(c.box, r.box) <= self.settings.beside * c.height for r in self.redactions)


def _standing(c: CodeProposal, place: _Place) -> str | None:
    """What makes a string a code whatever else stands on the page."""
    need = NEEDS[c.family]
    if _CITED.search(c.before):
        return None
    if c.field:
        return "field"
    if need == 3:
        return None
    if place.sheet and not c.family.endswith("word"):
        return "sheet"
    if need == 0:
        return "form"
    if _in_header(c):
        return "header"
    if place.beside_redaction(c) and (need == 1 or c.alone):
        return "redaction"
    if not c.alone:
        return None
    if need == 1:
        return "line"
    if _is_turned(c):
        return None
    return "margin" if _in_margin(place.scan, c.box, place.settings) else None


def _company(c: CodeProposal, firm: Sequence[CodeProposal], place: _Place) -> str | None:
    """What makes a string a code beside those that certainly are."""
    need = NEEDS[c.family]
    if _CITED.search(c.before):
        return None
    if need == 1:
        return "like code" if any(c.family == f.family for f in firm) else None
    if c.alone and any(_stacked(c, f, place.settings) for f in firm):
        return "stack"
    sure = need == 2 and c.alone and c.confidence >= place.settings.sure and _folded(c.text) == _folded(c.code)
    return "like code" if sure and any(_of_one_law(c, f) for f in firm) else None


def _doubt(c: CodeProposal) -> str:
    """Why a well-read string is none, though it has the form of a code."""
    need = NEEDS[c.family]
    if _CITED.search(c.before):
        return "cited in a sentence"
    if need == 3:
        return "a paragraph's letter or a portion marking, as no code stands with it"
    if need == 2 and _is_turned(c):
        return "letters of turned lettering"
    return (
        ("within a line of text" if not c.alone else "alone")
        + ", not in a margin" * (need == 2)
        + (", with no redaction or like code beside it")
    )


def _is_turned(c: CodeProposal) -> bool:
    """Whether a turned string was read into a code that it does not spell: the B I of a turned stamp is no B1."""
    return abs(c.rotation_deg) > 45 and _folded(c.text) != _folded(c.code)


def _of_one_law(a: CodeProposal, b: CodeProposal) -> bool:
    first, second = interpret(a.code), interpret(b.code)
    return bool(first and second and first.regime and first.regime == second.regime)


def _is_sheet(text: PageText) -> bool:
    """Whether a page is a form that lists the codes of other pages."""
    return any(fuzz.ratio(line.text.lower(), title) > 76 for line in text.lines for title in _SHEETS)


def _in_header(c: CodeProposal) -> bool:
    return bool(_HEADER.search(c.before))


def _gap(a: Box, b: Box) -> float:
    """Distance between two boxes, pixels; 0 where they touch."""
    return float(np.hypot(max(0, a[0] - b[2], b[0] - a[2]), max(0, a[1] - b[3], b[1] - a[3])))


def _stacked(a: CodeProposal, b: CodeProposal, settings: CodeSettings) -> bool:
    """Whether two codes stand above each other or in a row, closely."""
    return _gap(a.box, b.box) <= settings.beside * min(a.height, b.height)


def _report(
    scan: Scan,
    layers: Layers | None,
    text: PageText,
    redactions: Sequence[Redaction],
    kept: Iterable[CodeProposal],
    settings: CodeSettings,
) -> tuple[Code, ...]:
    sheet = _is_sheet(text)
    kept = sorted(kept, key=lambda c: (c.box[1], c.box[0]))
    groups = _groups(kept, settings)
    codes = []
    for c, group in zip(kept, groups, strict=True):
        meaning = interpret(c.code, field=c.field)
        evidence: dict[str, Any] = {"line": c.line.text, "family": c.family, "because": c.because}
        evidence["runner_up"] = {"code": c.runner_up[0], "probability": c.runner_up[1]}
        codes.append(
            Code(
                box=c.box,
                confidence=round(c.confidence, 4),
                text=c.text,
                code=c.code,
                canonical=meaning.canonical if meaning else None,
                regime=meaning.regime if meaning else None,
                meaning=meaning.meaning if meaning else None,
                handwritten=_by_hand(layers, c, settings),
                context="sheet" if sheet else _context(scan, c, redactions, settings),
                group=group,
                rotation_deg=round(c.rotation_deg, 1),
                evidence=evidence,
            )
        )
    return tuple(codes)


def _by_hand(layers: Layers | None, c: CodeProposal, settings: CodeSettings) -> bool:
    """Whether the ink of a code is a pen's; without the ink model, whether it was found as a pen's."""
    if layers is None or c.field:
        return c.handwritten
    x0, y0, x1, y1 = (round(v * layers.scale) for v in c.box)
    window = np.s_[y0 : max(y0 + 1, y1), x0 : max(x0 + 1, x1)]
    others = max(layers.print[window].mean(), layers.stamp[window].mean())
    return bool(layers.handwriting[window].mean() > settings.pen_share * others)


def _context(scan: Scan, c: CodeProposal, redactions: Sequence[Redaction], settings: CodeSettings) -> str:
    if c.field:
        return "stamp" if c.field != "RESTRICTIONS" else "sheet"
    if _in_header(c):
        return "header"
    if any(intersection(c.box, r.box) >= 0.5 * area(c.box) for r in redactions):
        return "box"
    return "margin" if c.alone and _in_margin(scan, c.box, settings) else "text"


def _in_margin(scan: Scan, box: Box, settings: CodeSettings) -> bool:
    centre = (box[0] + box[2]) / 2 / scan.width
    return min(centre, 1 - centre) < settings.margin


def _groups(kept: Sequence[CodeProposal], settings: CodeSettings) -> list[int]:
    """Number of each code's group: codes that stand together share it, counted from the top of the page."""
    parent = list(range(len(kept)))

    def root(i: int) -> int:
        while parent[i] != i:
            i = parent[i]
        return i

    for i in range(len(kept)):
        for j in range(i):
            if _stacked(kept[i], kept[j], settings):
                parent[max(root(i), root(j))] = min(root(i), root(j))
    numbers: dict[int, int] = {}
    return [numbers.setdefault(root(i), len(numbers) + 1) for i in range(len(kept))]
