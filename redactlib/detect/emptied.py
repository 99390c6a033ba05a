"""Text that was taken out and left white: gaps in the lines of prose, seen by the text around them.

A gap is no evidence by itself. It is beside a code in the margin that nothing else explains, and round a code that
stands in it; and so is a gap amid a sentence that goes on behind it, be it in a line whose neighbours are whole or over
lines that are missing. A paper slip pasted over the words left its edges on the copy: two of them are evidence anywhere
in prose.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import cv2
import numpy as np

from redactlib.catalogue.exemptions import interpret
from redactlib.detect.extent import PageType, centre_line
from redactlib.detect.proposal import Proposal
from redactlib.marks import Box, area, intersection
from redactlib.reading import TextLine
from redactlib.scan import Scan

_CODED = re.compile(r"(?=.*[\d()\[\]])(?!.*[a-z]{4})")
"""What every code has, however badly it is read, and what no word does."""


@dataclass(frozen=True)
class EmptiedSettings:
    """What a gap measures, in the page's own type."""

    body_chars_min: int = 8  # lines of the running text
    body_lines_min: int = 4
    code_chars_max: int = 16
    words_reach_chars: float = 4.0
    code_gap_chars_min: float = 5.0  # a gap in a line that no tabulator makes
    of_row: float = 0.5  # distances of lines from a code to the row that it stands opposite
    missing: float = 1.6  # distances of lines between two rows behind each other, when others are missing there
    spaced_min: int = 2  # such places on the page that hold one blank line: between paragraphs
    ragged: float = 0.2  # of the measure: how much shorter than it a line within a paragraph is
    ink_max: float = 0.01
    inset: float = 0.16  # of a letter, that the edge of a slip may reach into the gap
    known_max: float = 0.1  # share of the gap that another redaction explains
    prose_gap_chars_min: float = 6.5  # between the middles of the letters beside a gap amid a sentence
    prose_letters_min: int = 12  # of the line in which the gap is
    indent_chars: float = 8.0  # the line begins so near the left margin
    pitch: tuple[float, float] = (0.8, 1.4)  # distance of the lines above and below; what is between is a note by hand
    whole_chars: float = 4.0  # these have no wider gap there
    whole_share: float = 0.6  # on so much of it; columns have their gaps below each other
    one_line: float = 1.6  # distances of lines; a box as high as that is in the place of one line
    beside_chars: float = 3.0  # between such a box and the letters beside it
    edge_share: float = 0.6  # of a side of the gap along which the edge of a slip runs
    edge_run_mm: float = 3.0  # longer than any part of a letter
    edge_reach: float = 0.35  # of the distance of lines: how far from the gap, and, at its ends, into it
    prose_small_min: float = 0.5  # share of small letters; forms are set in capitals
    slip_gap_chars_min: float = 6.0  # between the middles of the letters beside a slip
    slip_edges_min: int = 2
    held_ink_max: float = 0.08  # beside that code, where the upright edges of the slip may be
    held_edge_run_mm: float = 6.0  # of the edge of a slip that holds a code, no row of specks
    held_gap_chars_min: float = 2.6  # the same between a letter and a code that stands in a slip
    between_chars: float = 6.0  # how much farther than the margins a slip over whole rows may reach
    runs_on_chars: float = 4.0  # beyond the gap the edge of a slip is at its end, a rule is not
    upright_edge: float = 0.7  # of the height of a line's box, higher than any letter
    upright_rule: float = 1.6  # the same of what is no edge of a slip over one line
    upright_chars: float = 1.7  # from the end of the gap an upright edge stands so near
    edge_max_mm: float = 0.55  # the shadow of a paper's edge; strokes of the pen and letters have more ink


def find_emptied(
    scan: Scan,
    lines: Sequence[TextLine],
    codes: Sequence[TextLine],
    known: Sequence[Box],
    page_type: PageType,
    *,
    words: Sequence[Box] = (),
    settings: EmptiedSettings = EmptiedSettings(),
) -> list[Proposal]:
    """White gaps in the text of a page, ``whiteout`` or ``cutout``.

    Args:
        lines: the level lines of text, surely read, without the lines that are laid over a page.
        codes: those of them that look like an exemption code.
        known: boxes of the redactions that were found otherwise.
        words: boxes of words that stand for text that was taken out; what is white beside them was, too.
    """
    reach = round(settings.words_reach_chars * page_type.advance)
    known = [*known, *((x0 - reach, y0, x1 + reach, y1) for x0, y0, x1, y1 in words)]
    codes = [c for c in codes if len(c.text) <= settings.code_chars_max]
    rows = _rows([t for t in lines if not any(t is c for c in codes)], page_type)
    prose = _Prose.of(rows, page_type, settings)
    if prose is None:
        return []
    places: list[tuple[Box, float, Box | None]] = [
        *((box, 1.0, held) for box, held in _gaps_of_prose(prose, settings)),
        *((prose.between(i), settings.between_chars, None) for i in prose.missing if prose.is_within(i)),
    ]
    slips: list[tuple[Box, dict[str, Any]]] = []
    strict = replace(settings, edge_run_mm=settings.held_edge_run_mm)
    for box, beyond, held in places:
        if held is not None and not _stands_free(held, box, scan, settings):
            continue
        edges, box = _with_edges(box, beyond, scan, page_type, settings if held is None else strict)
        if edges >= settings.slip_edges_min:
            slips.append((box, {"edges": edges} | ({"code": held} if held else {})))
    found: list[Proposal] = []
    coded, broken = (
        [(_with_edges(box, 1.0, scan, page_type, settings)[1], evidence) for box, evidence in gaps]
        for gaps in (_coded(prose, codes, known, settings), _broken(prose, settings))
    )
    for box, evidence in [*coded, *slips, *broken]:
        x0, y0, x1, y1 = box
        explained = any(
            intersection(box, k) > settings.known_max * area(box) for k in [*known, *(p.box for p in found)]
        )
        into = 2 * settings.inset, settings.upright_chars if "edges" in evidence else settings.inset
        inset_y, inset_x = round(into[0] * page_type.height), round(into[1] * page_type.advance)
        inside = scan.ink[y0 + inset_y : y1 - inset_y, x0 + inset_x : x1 - inset_x]
        held = evidence.get("code")
        inked = float(np.count_nonzero(inside)) - _ink_of(held.box if isinstance(held, TextLine) else held, scan, box)
        if inside.size and not explained and inked < settings.ink_max * inside.size:
            style = "cutout" if any(_edges(box, scan, page_type, settings)) else "whiteout"
            evidence = {k: v.text if isinstance(v, TextLine) else v for k, v in evidence.items()}
            found.append(Proposal(box=box, style=style, score=0.6, evidence=evidence))
    return found


def _stands_free(held: Box, box: Box, scan: Scan, settings: EmptiedSettings) -> bool:
    """Whether a gap is white beside the code that it holds, but for edges of a slip."""
    x0, y0, x1, y1 = box
    inset = round(2 * settings.inset * (y1 - y0))
    rows = scan.ink[y0 + inset : y1 - inset]
    beside = np.concatenate([rows[:, x0 : max(x0, held[0])], rows[:, min(x1, held[2]) : x1]], axis=1)
    return bool(beside.size) and float(beside.mean()) < settings.held_ink_max


def _ink_of(code: Box | None, scan: Scan, box: Box) -> float:
    """Ink of a code within a box, pixels."""
    if code is None or intersection(code, box) == 0:
        return 0.0
    x0, y0, x1, y1 = code
    return float(np.count_nonzero(scan.ink[max(0, y0) : y1, max(0, x0) : x1]))


def is_amid_text(
    box: Box, lines: Sequence[TextLine], page_type: PageType, *, settings: EmptiedSettings = EmptiedSettings()
) -> bool:
    """Whether an empty box stands in the place of running text, as no field of a form does.

    A box of one line has letters of its own line close to it, and a whole line above or below; a higher one has both.
    """
    rows, pitch, advance = _rows(lines, page_type), page_type.pitch, page_type.advance
    x0, x1, lean = box[0], box[2], page_type.slope * (box[0] + box[2]) / 2
    top, bottom = box[1] - lean, box[3] - lean
    around = [[r for r in rows if y - pitch < r.y < y + 0.2 * pitch] for y in (top, bottom + 0.8 * pitch)]
    whole = [any(_is_whole(r, x0, x1, advance, settings) for r in side) for side in around]
    if bottom - top > settings.one_line * pitch:
        return all(whole)
    near = settings.beside_chars * advance
    own = [r.x for r in rows if top < r.y < bottom and len(r.x) >= settings.prose_letters_min]
    return any(whole) and any((((x < x0) & (x > x0 - near)) | ((x > x1) & (x < x1 + near))).any() for x in own)


@dataclass(frozen=True, eq=False)
class _Row:
    """One row of letters, set level: y of its middle, x of each letter from left to right, and the letters."""

    y: float
    x: np.ndarray
    letters: str


def _rows(lines: Sequence[TextLine], page_type: PageType) -> list[_Row]:
    found: list[tuple[float, list[tuple[float, str]]]] = []
    placed = []
    for line in lines:
        (x0, a), (x1, b) = centre_line(line)
        letters = [
            (x0 + at * (x1 - x0), char)
            for at, char in zip(line.reading.centres, line.text, strict=False)
            if char not in " |/\\_"  # the edges of slips are read as strokes
        ]
        if letters and 0.5 * page_type.height < line.height < 1.8 * page_type.height:
            placed.append(((a + b - page_type.slope * (x0 + x1)) / 2, letters))
    for y, letters in sorted(placed, key=lambda p: p[0]):
        if found and y - found[-1][0] < 0.5 * page_type.height:
            found[-1][1].extend(letters)
        else:
            found.append((y, list(letters)))
    return [_Row(y, np.sort([x for x, _ in row]), "".join(c for _, c in sorted(row))) for y, row in found]


@dataclass(frozen=True, eq=False)
class _Prose:
    """Rows of a page of running text, from top to bottom, and its margins, set level, pixels.

    `missing` are the rows behind which there is room for others; `spaced` says whether paragraphs have it too.
    """

    rows: list[_Row]
    page_type: PageType
    left: float
    right: float
    missing: list[int]
    spaced: bool
    settings: EmptiedSettings

    @classmethod
    def of(cls, rows: Sequence[_Row], page_type: PageType, settings: EmptiedSettings) -> _Prose | None:
        body = [r for r in rows if len(r.x) >= settings.body_chars_min]
        if len(body) < settings.body_lines_min:
            return None
        left, right = (
            float(np.percentile([r.x[0] for r in body], 10)),
            float(np.percentile([r.x[-1] for r in body], 90)),
        )
        steps = np.diff([r.y for r in rows]) / page_type.pitch
        missing = [int(i) for i in np.flatnonzero(steps > settings.missing)]
        spaced = int(((steps > settings.missing) & (steps < settings.missing + 1)).sum()) >= settings.spaced_min
        half = 0.8 * page_type.advance
        return cls(list(rows), page_type, left - half, right + half, missing, spaced, settings)

    @property
    def reach(self) -> float:
        """Where a row is as long as those within a paragraph are."""
        return self.right - self.settings.ragged * (self.right - self.left)

    def box(self, start: float, stop: float, top: float, bottom: float) -> Box:
        """Page pixels of what lies between two heights, set level."""
        lean, more = self.page_type.slope * (start + stop) / 2, abs(self.page_type.slope) * (stop - start) / 2
        return (round(start), round(top + lean - more), round(stop), round(bottom + lean + more))

    def of_row(self, row: _Row, start: float, stop: float) -> Box:
        half = 0.45 * self.page_type.height
        return self.box(start, stop, row.y - half, row.y + half)

    def between(self, i: int) -> Box:
        """The place of the rows that are missing behind row `i`, less the blank ones that paragraphs have."""
        above, below, pitch = self.rows[i], self.rows[i + 1], self.page_type.pitch
        away = pitch - 0.45 * self.page_type.height
        top, bottom = above.y + away, below.y - away
        if self.spaced and above.letters[-1] in ".:?!" and bottom - top > 1.5 * pitch:
            top += pitch
        if self.spaced and self.sets_in(below) and bottom - top > 1.5 * pitch:
            bottom -= pitch
        return self.box(self.left, self.right, top, bottom)

    def sets_in(self, row: _Row) -> bool:
        """Whether a row begins a paragraph."""
        small = row.letters[:2].isalpha() and row.letters[:2].islower()  # no "l." for a number
        return bool(row.x[0] > self.left + 2.5 * self.page_type.advance) or not small

    def gaps(self, i: int) -> list[tuple[float, float]]:
        """White stretches between the letters of a row."""
        row, advance = self.rows[i], self.page_type.advance
        wide = np.flatnonzero(np.diff(row.x) > self.settings.code_gap_chars_min * advance)
        return [(float(row.x[k] + 0.8 * advance), float(row.x[k + 1] - 0.8 * advance)) for k in wide]

    def gaps_round(self, i: int, code: Box) -> list[tuple[float, float]]:
        """Those round a code where the row above or below is whole; columns have their gaps below each other."""
        advance, (near, far) = self.page_type.advance, self.settings.pitch
        beside = [self.rows[k] for k in (i - 1, i + 1) if 0 <= k < len(self.rows)]
        beside = [r for r in beside if near < abs(r.y - self.rows[i].y) / self.page_type.pitch < far]
        return [
            (a, b)
            for a, b in self.gaps(i)
            if a + 1.5 * advance < code[0] and code[2] < b - 1.5 * advance
            if any(_is_whole(r, a, b, advance, self.settings) for r in beside)
        ]

    def is_within(self, i: int) -> bool:
        """Whether prose stands on both sides of the rows that are missing behind row `i`."""
        return all(_is_prose(r, self.settings) for r in self.rows[i : i + 2])

    def gaps_at_ends(self, i: int) -> list[tuple[float, float]]:
        """White stretches before and behind a row: before a small letter, and where the next row goes on with one."""
        row, advance, gaps = self.rows[i], self.page_type.advance, []
        if row.letters[0].islower():
            gaps.append((self.left, float(row.x[0]) - 0.8 * advance))
        if i + 1 < len(self.rows) and i not in self.missing and not self.sets_in(self.rows[i + 1]):
            gaps.append((float(row.x[-1]) + 0.8 * advance, self.right))
        return gaps


def _coded(
    prose: _Prose, codes: Sequence[TextLine], known: Sequence[Box], settings: EmptiedSettings
) -> list[tuple[Box, dict[str, Any]]]:
    """Gaps opposite a code in the margin that has no other redaction, and gaps in which one stands."""
    page_type, found = prose.page_type, []
    for code in codes:
        x0, y0, x1, y1 = code.box
        pitch, y = page_type.pitch, (y0 + y1) / 2 - page_type.slope * (x0 + x1) / 2
        aside = x0 > prose.right or x1 < prose.left
        if aside and any(r[1] - pitch / 2 < (y0 + y1) / 2 < r[3] + pitch / 2 for r in known):
            continue
        if not aside and not _is_firm(code.text):
            continue
        evidence = {"margin" if aside else "holds": code.text, "code": code}
        near = [i for i, r in enumerate(prose.rows) if abs(r.y - y) < settings.of_row * pitch]
        if near:
            i = min(near, key=lambda i: abs(prose.rows[i].y - y))
            gaps = [*prose.gaps(i), *prose.gaps_at_ends(i)] if aside else prose.gaps_round(i, code.box)
            start, stop = max(gaps, key=lambda g: g[1] - g[0], default=(0.0, 0.0))
            if stop - start > settings.code_gap_chars_min * page_type.advance:
                found.append((prose.of_row(prose.rows[i], start, stop), evidence))
            continue
        missing = [i for i in prose.missing if prose.rows[i].y < y < prose.rows[i + 1].y]
        found += [(prose.between(i), evidence) for i in missing if aside or prose.is_within(i)]
    return found


def _is_firm(text: str) -> bool:
    """Whether a text is an exemption code that is nothing else: no number or letter of a list."""
    meaning = interpret(text)
    return bool(meaning and meaning.canonical and any(map(str.isdigit, text)) and sum(map(str.isalnum, text)) > 1)


def _broken(prose: _Prose, settings: EmptiedSettings) -> list[tuple[Box, dict[str, Any]]]:
    """Gaps amid a sentence: in a row whose neighbours are whole there, or over whole rows."""
    rows, found = prose.rows, []
    for i, row in enumerate(rows):
        above, below = rows[i - 1] if i else None, rows[i + 1] if i + 1 < len(rows) else None
        found += _amid_sentence(prose, above, row, below, settings)
        if below is None or i not in prose.missing or row.x[-1] < prose.reach or not _is_prose(row, settings):
            continue
        small = sum(map(str.islower, below.letters)) > settings.prose_small_min * len(below.letters)
        if small and (row.letters[-1].islower() or row.letters[-1] == ",") and not prose.sets_in(below):
            found.append((prose.between(i), {"between": row.letters[-1] + below.letters[0]}))
    return found


def _is_prose(row: _Row, settings: EmptiedSettings) -> bool:
    small = sum(map(str.islower, row.letters)) > settings.prose_small_min * len(row.letters)
    return small and len(row.x) >= settings.prose_letters_min


def _amid_sentence(
    prose: _Prose, above: _Row | None, row: _Row, below: _Row | None, settings: EmptiedSettings
) -> list[tuple[Box, dict[str, Any]]]:
    """Gaps of a row behind which the sentence goes on, while the rows above and below have none there."""
    advance, (near, far) = prose.page_type.advance, settings.pitch
    if above is None or below is None or not _is_prose(row, settings):
        return []
    margin = min(above.x[0], row.x[0], below.x[0])
    if row.x[0] > margin + settings.indent_chars * advance:
        return []
    steps = ((row.y - above.y) / prose.page_type.pitch, (below.y - row.y) / prose.page_type.pitch)
    found = []
    for i in np.flatnonzero(np.diff(row.x) > settings.prose_gap_chars_min * advance):
        before, after, start, stop = row.letters[i], row.letters[i + 1], row.x[i], row.x[i + 1]
        if not after.islower() or not (before.isalnum() or before == ","):
            continue
        if not any(map(str.islower, row.letters[: i + 1])):  # the label of a heading
            continue
        whole = [_is_whole(other, start, stop, advance, settings) for other in (above, below)]
        ended = [
            other.x[-1] < start + 2 * advance or step > far for other, step in zip((above, below), steps, strict=True)
        ]
        beside = [w and near < step < far for w, step in zip(whole, steps, strict=True)]
        if min(steps) > near and any(beside) and all(b or e for b, e in zip(beside, ended, strict=True)):
            box = prose.of_row(row, start + 0.8 * advance, stop - 0.8 * advance)
            found.append((box, {"between": before + after}))
    return found


def _is_whole(row: _Row, start: float, stop: float, advance: float, settings: EmptiedSettings) -> bool:
    """Whether a row has letters from `start` to `stop`, but for a gap of its own over a part of that."""
    x = row.x[(row.x > start - 2 * advance) & (row.x < stop + 2 * advance)]
    if len(x) < 2:
        return False
    steps = np.diff(x)
    return bool(steps[steps < settings.whole_chars * advance].sum() > settings.whole_share * (stop - start))


def _gaps_of_prose(prose: _Prose, settings: EmptiedSettings) -> list[tuple[Box, Box | None]]:
    """Gaps in lines of prose, between letters or up to a margin, where the line above or the one below is whole.

    Where letters follow the gap, the other one may have ended. Two gaps with a few letters between them may be one that
    holds a code: its place comes with them, and before each of them.
    """
    rows, advance, (near, far) = prose.rows, prose.page_type.advance, settings.pitch
    gaps: list[tuple[Box, Box | None]] = []
    for above, row, below in zip([None, *rows], rows, [*rows[1:], None], strict=False):
        beside = [r for r in (above, below) if r is not None and near < abs(r.y - row.y) / prose.page_type.pitch < far]
        if not beside or len(row.x) < settings.prose_letters_min:
            continue
        first, last = min(r.x[0] for r in beside), max(r.x[-1] for r in beside)
        x = np.concatenate(
            [[first - 1.6 * advance], row.x, [last + 1.6 * advance]]
        )  # as if letters stood in the margins
        steps = np.diff(x)
        wide = np.flatnonzero(steps > settings.slip_gap_chars_min * advance)
        parted = np.flatnonzero(steps > settings.held_gap_chars_min * advance)
        held = [
            (i, k) for i, k in pairwise(parted) if k - i <= settings.code_chars_max and _CODED.match(row.letters[i:k])
        ]
        if not len(wide) and not held:
            continue
        if any(sum(map(str.islower, r.letters)) < settings.prose_small_min * len(r.letters) for r in (row, *beside)):
            continue
        for i, k in [*held, *zip(wide, wide, strict=True)]:
            start, stop = x[i] + 0.8 * advance, x[k + 1] - 0.8 * advance
            whole = [_is_whole(r, start, stop, advance, settings) for r in beside]
            amid = k + 2 < len(x)  # at the end of a line it may be the blank of a form
            ended = [amid and r.x[-1] < start + 2 * advance for r in beside]
            if any(whole) and all(w or e for w, e in zip(whole, ended, strict=True)):
                code = prose.of_row(row, x[i + 1] - advance, x[k] + advance) if k > i else None
                gaps.append((prose.of_row(row, start, stop), code))
    return gaps


def _with_edges(
    box: Box, reach_chars: float, scan: Scan, page_type: PageType, settings: EmptiedSettings
) -> tuple[int, Box]:
    """How many edges of a slip run along a gap, and the gap as wide as the slip."""
    places = (box, _fitted(box, reach_chars, scan, page_type, settings))
    edges = [sum(_edges(place, scan, page_type, settings)) for place in places]
    return (edges[1], places[1]) if edges[1] >= edges[0] else (edges[0], box)


def _fitted(box: Box, reach_chars: float, scan: Scan, page_type: PageType, settings: EmptiedSettings) -> Box:
    """A gap as wide as the level edge that runs along it, where there is one: a slip reaches beyond what it hides."""
    (x0, y0, x1, y1), ink = box, scan.ink
    out, reach = round(settings.edge_reach * page_type.pitch), round(reach_chars * page_type.advance)
    left, spans = max(0, x0 - reach), [(0, 0)]
    for a, b in ((max(0, y0 - out), y0 + out // 2), (y1 - out // 2, y1 + out)):
        runs = _runs(ink[a:b, left : x1 + reach], scan.mm(settings.edge_run_mm), scan.mm(settings.edge_max_mm))
        if len(at := np.flatnonzero(runs)) > settings.edge_share * (at[-1] - at[0] + 1 if len(at) else 1):
            spans.append((left + int(at[0]), left + int(at[-1]) + 1))
    start, stop = max(spans, key=lambda s: s[1] - s[0])
    if stop - start < settings.edge_share * (x1 - x0):
        return box
    whole_rows = reach_chars > 1
    return (min(start, x0), y0, max(stop, x1), y1) if whole_rows else (start, y0, stop, y1)


def _edges(box: Box, scan: Scan, page_type: PageType, settings: EmptiedSettings) -> list[bool]:
    """Whether straight edges run along the top, the bottom, the left and the right of a gap."""
    (x0, y0, x1, y1), ink = box, scan.ink
    out, into = round(settings.edge_reach * page_type.pitch), round(settings.upright_chars * page_type.advance)
    level = ((max(0, y0 - out), y0 + out // 2), (y1 - out // 2, y1 + out))
    along = [_runs_along(ink[a:b], x0, x1, scan, page_type, settings) for a, b in level]
    for a, b in ((x0, x0 + into), (x1 - into, x1)):
        if y1 - y0 > settings.one_line * page_type.pitch:
            along.append(_runs_along(ink[:, a:b].T, y0, y1, scan, page_type, settings))
            continue
        edge, rule = (
            _runs(
                ink[max(0, y0 - more) : y1 + more, a:b].T, share * page_type.height, scan.mm(settings.edge_max_mm)
            ).any()
            for more, share in ((out // 2, settings.upright_edge), (2 * out, settings.upright_rule))
        )
        along.append(bool(edge and not rule))
    return along


def _runs_along(
    strip: np.ndarray, start: int, stop: int, scan: Scan, page_type: PageType, settings: EmptiedSettings
) -> bool:
    """Whether level runs of ink take up most of a strip from `start` to `stop`, and end there."""
    on = round(settings.runs_on_chars * page_type.advance)
    left = min(on, start)
    part = strip[:, start - left : stop + on]
    runs = _runs(part, scan.mm(settings.edge_run_mm), scan.mm(settings.edge_max_mm))
    beyond = (runs[: left // 2], runs[left + stop - start + on // 2 :])
    ends = all(part.mean() < settings.edge_share for part in beyond if part.size)
    return bool(ends and runs[left : left + stop - start].mean() > settings.edge_share)


def _runs(strip: np.ndarray, length: float, thick: float) -> np.ndarray:
    """Columns of a strip in which there are level runs of ink, at least so long and at most so thick, pixels."""
    if np.count_nonzero(strip.any(0)) < length:
        return np.zeros(strip.shape[1], bool)
    grown = cv2.dilate(np.ascontiguousarray(strip).view(np.uint8), np.ones((3, 1), np.uint8))  # they may lean
    high = cv2.morphologyEx(grown, cv2.MORPH_OPEN, np.ones((1, round(length)), np.uint8)).sum(0)
    return (high > 0) & (high < thick + 2)
