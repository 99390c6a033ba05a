"""Text that was taken out and left white: gaps in the lines of prose, seen by the text around them.

A gap is no evidence by itself. Beside a code in the margin that nothing else explains it is; and so is a gap amid a
sentence that goes on behind it, on a page of running text whose lines above and below are whole. A paper slip pasted
over the words left its edges on the copy: two of them are evidence anywhere in a line of prose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cv2
import numpy as np

from redactlib.detect.extent import PageType, centre_line
from redactlib.detect.proposal import Proposal
from redactlib.marks import Box, area, intersection
from redactlib.reading import TextLine
from redactlib.scan import Scan


@dataclass(frozen=True)
class EmptiedSettings:
    """What a gap measures, in the page's own type."""

    body_chars_min: int = 8  # lines of the running text
    body_lines_min: int = 4
    code_chars_max: int = 16
    code_gap_chars_min: float = 5.0  # a gap in a line that no tabulator makes
    code_gap_lines_min: float = 1.3  # distance of two lines between which one is missing, less their height
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
    settings: EmptiedSettings = EmptiedSettings(),
) -> list[Proposal]:
    """White gaps in the text of a page, ``whiteout`` or ``cutout``.

    Args:
        lines: the level lines of text, surely read, without the lines that are laid over a page.
        codes: those of them that look like an exemption code.
        known: boxes of the redactions that were found otherwise.
    """
    coded = _opposite_codes(lines, codes, known, page_type, settings)
    rows = _rows(lines, page_type)
    amid = [
        gap
        for three in zip(rows, rows[1:], rows[2:], strict=False)
        for gap in _amid_sentence(*three, page_type, settings)
    ]
    slips: list[tuple[Box, dict[str, Any]]] = [
        (box, {"edges": edges})
        for three in zip([None, *rows], rows, [*rows[1:], None], strict=False)
        for box in _gaps_of_prose(*three, page_type, settings)
        if (edges := sum(_edges(box, scan, page_type, settings))) >= settings.slip_edges_min
    ]
    found: list[Proposal] = []
    for box, evidence in [*coded, *slips, *amid]:
        x0, y0, x1, y1 = box
        explained = any(
            intersection(box, k) > settings.known_max * area(box) for k in [*known, *(p.box for p in found)]
        )
        into = 2 * settings.inset, settings.upright_chars if "edges" in evidence else settings.inset
        inset_y, inset_x = round(into[0] * page_type.height), round(into[1] * page_type.advance)
        inside = scan.ink[y0 + inset_y : y1 - inset_y, x0 + inset_x : x1 - inset_x]
        if inside.size and not explained and inside.mean() < settings.ink_max:
            style = "cutout" if any(_edges(box, scan, page_type, settings)) else "whiteout"
            found.append(Proposal(box=box, style=style, score=0.6, evidence=evidence))
    return found


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


def _opposite_codes(
    lines: Sequence[TextLine],
    codes: Sequence[TextLine],
    known: Sequence[Box],
    page_type: PageType,
    settings: EmptiedSettings,
) -> list[tuple[Box, dict[str, Any]]]:
    """Gaps opposite a code in the margin that has no other redaction."""
    body = [t for t in lines if len(t.text) >= settings.body_chars_min]
    if len(body) < settings.body_lines_min:
        return []
    left, right = (round(np.percentile([t.box[side] for t in body], q)) for side, q in ((0, 10), (2, 90)))
    found = []
    for code in codes:
        x0, y0, x1, y1 = code.box
        middle = (y0 + y1) // 2
        if (right >= x0 and left <= x1) or len(code.text) > settings.code_chars_max:
            continue
        if any(r[1] - page_type.pitch < middle < r[3] + page_type.pitch for r in known):
            continue
        gap = _gap([t for t in lines if t.box[2] > left and t.box[0] < right], middle, left, right, page_type, settings)
        if gap:
            found.append((gap, {"margin": code.text}))
    return found


def _gap(
    lines: Sequence[TextLine], y: int, left: int, right: int, page_type: PageType, settings: EmptiedSettings
) -> Box | None:
    """The widest gap in the row of text at height `y`, or, where there is none, the gap between the rows around it."""
    row = sorted((t for t in lines if t.box[1] < y < t.box[3]), key=lambda t: t.box[0])
    half = round(0.45 * page_type.height)
    if row:
        middle = round(np.mean([(t.box[1] + t.box[3]) / 2 for t in row]))
        ends = [(a.box[2], b.box[0]) for a, b in pairwise(row)]
        start, stop = max(ends, key=lambda e: e[1] - e[0], default=(0, 0))
        if stop - start < settings.code_gap_chars_min * page_type.advance:
            return None
        return (start, middle - half, stop, middle + half)
    above = max((t.box[3] for t in lines if t.box[3] <= y), default=None)
    below = min((t.box[1] for t in lines if t.box[1] >= y), default=None)
    if above is None or below is None or below - above < settings.code_gap_lines_min * page_type.pitch:
        return None
    return (left, above, right, below)


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


def _amid_sentence(
    above: _Row, row: _Row, below: _Row, page_type: PageType, settings: EmptiedSettings
) -> list[tuple[Box, dict[str, Any]]]:
    """Gaps of a row behind which the sentence goes on, while the rows above and below have none there."""
    advance, (near, far) = page_type.advance, settings.pitch
    if len(row.x) < settings.prose_letters_min:
        return []
    margin = min(above.x[0], row.x[0], below.x[0])
    if row.x[0] > margin + settings.indent_chars * advance:
        return []
    steps = ((row.y - above.y) / page_type.pitch, (below.y - row.y) / page_type.pitch)
    found = []
    for i in np.flatnonzero(np.diff(row.x) > settings.prose_gap_chars_min * advance):
        before, after, start, stop = row.letters[i], row.letters[i + 1], row.x[i], row.x[i + 1]
        if not after.islower() or not (before.isalnum() or before == ","):
            continue
        whole = [_is_whole(other, start, stop, advance, settings) for other in (above, below)]
        ended = [
            other.x[-1] < start + 2 * advance or step > far for other, step in zip((above, below), steps, strict=True)
        ]
        beside = [w and near < step < far for w, step in zip(whole, steps, strict=True)]
        if min(steps) > near and any(beside) and all(b or e for b, e in zip(beside, ended, strict=True)):
            y, half = row.y + page_type.slope * (start + stop) / 2, 0.45 * page_type.height
            box = (round(start + 0.8 * advance), round(y - half), round(stop - 0.8 * advance), round(y + half))
            found.append((box, {"between": before + after}))
    return found


def _is_whole(row: _Row, start: float, stop: float, advance: float, settings: EmptiedSettings) -> bool:
    """Whether a row has letters from `start` to `stop`, but for a gap of its own over a part of that."""
    x = row.x[(row.x > start - 2 * advance) & (row.x < stop + 2 * advance)]
    if len(x) < 2:
        return False
    steps = np.diff(x)
    return bool(steps[steps < settings.whole_chars * advance].sum() > settings.whole_share * (stop - start))


def _gaps_of_prose(
    above: _Row | None, row: _Row, below: _Row | None, page_type: PageType, settings: EmptiedSettings
) -> list[Box]:
    """Gaps in a line of prose, between letters or up to a margin, where the line above or the one below is whole."""
    advance, (near, far) = page_type.advance, settings.pitch
    beside = [r for r in (above, below) if r is not None and near < abs(r.y - row.y) / page_type.pitch < far]
    if not beside or len(row.x) < settings.prose_letters_min:
        return []
    first, last = min(r.x[0] for r in beside), max(r.x[-1] for r in beside)
    x = np.concatenate([[first - 1.6 * advance], row.x, [last + 1.6 * advance]])  # as if letters stood in the margins
    wide, gaps = np.flatnonzero(np.diff(x) > settings.slip_gap_chars_min * advance), []
    if not len(wide) or any(
        sum(map(str.islower, r.letters)) < settings.prose_small_min * len(r.letters) for r in (row, *beside)
    ):
        return []
    for i in wide:
        start, stop = x[i] + 0.8 * advance, x[i + 1] - 0.8 * advance
        if all(_is_whole(r, start, stop, advance, settings) for r in beside):
            y, half = row.y + page_type.slope * (start + stop) / 2, 0.45 * page_type.height
            gaps.append((round(start), round(y - half), round(stop), round(y + half)))
    return gaps


def _edges(box: Box, scan: Scan, page_type: PageType, settings: EmptiedSettings) -> list[bool]:
    """Whether straight edges run along the top, the bottom, the left and the right of a gap."""
    (x0, y0, x1, y1), ink = box, scan.ink
    out, on = round(settings.edge_reach * page_type.pitch), round(settings.runs_on_chars * page_type.advance)
    into, run, left = round(settings.upright_chars * page_type.advance), scan.mm(settings.edge_run_mm), min(on, x0)
    thick = scan.mm(settings.edge_max_mm)
    along = []
    for a, b in ((max(0, y0 - out), y0 + out // 2), (y1 - out // 2, y1 + out)):
        runs = _runs(ink[a:b, x0 - left : x1 + on], run, thick)
        beyond = (runs[: left // 2], runs[left + x1 - x0 + on // 2 :])
        ends = all(part.mean() < settings.edge_share for part in beyond if part.size)
        along.append(bool(ends and runs[left : left + x1 - x0].mean() > settings.edge_share))
    for a, b in ((x0, x0 + into), (x1 - into, x1)):
        edge, rule = (
            _runs(ink[max(0, y0 - more) : y1 + more, a:b].T, share * page_type.height, thick).any()
            for more, share in ((out // 2, settings.upright_edge), (2 * out, settings.upright_rule))
        )
        along.append(bool(edge and not rule))
    return along


def _runs(strip: np.ndarray, length: float, thick: float) -> np.ndarray:
    """Columns of a strip in which there are level runs of ink, at least so long and at most so thick, pixels."""
    if np.count_nonzero(strip.any(0)) < length:
        return np.zeros(strip.shape[1], bool)
    grown = cv2.dilate(np.ascontiguousarray(strip).view(np.uint8), np.ones((3, 1), np.uint8))  # they may lean
    high = cv2.morphologyEx(grown, cv2.MORPH_OPEN, np.ones((1, round(length)), np.uint8)).sum(0)
    return (high > 0) & (high < thick + 2)
