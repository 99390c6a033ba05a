"""Handwriting: where a pen was on the page, grouped as a reader would group it, and what each group is for.

Strokes of the pen (:mod:`redactlib.detect.pen`) that lie close together make a group. What a group is for follows from
where it lies: in a stamp, through type, between lines, beside the column, or free.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np

from redactlib.detect.crossing import CrossingSettings, crosses_out, find_along
from redactlib.detect.handread import read_anew
from redactlib.detect.interlinear import Gap, find_caret, find_gaps, find_interlinear, middle_of, way_down
from redactlib.detect.judge import Verdict, of_strokes
from redactlib.detect.passage import Word, words_of
from redactlib.detect.pen import MM, Pen, find_pen, strokes
from redactlib.detect.strike import StrikeSettings, strokes_through
from redactlib.layers import Layers
from redactlib.marks import Box, Bracket, Handwriting, Redaction, Stamp, area, intersection, union
from redactlib.reading import PageText, Reader, TextLine
from redactlib.scan import Scan

ROUGHLY = StrikeSettings(angle_step_deg=3.0)
"""Enough to see where a stroke is that is known to be there."""


AT_A_CARET = CrossingSettings(length_min_mm=4.0, length_alone_mm=5.0)
"""Where a caret ends a stroke, two letters may be struck."""


@dataclass(frozen=True)
class HandwritingSettings:
    """How strokes are grouped; lengths on paper: handwriting keeps its size whatever the type is."""

    join_across_mm: float = 6.0  # words of one note lie closer than this ...
    join_down_mm: float = 4.0  # ... and its lines
    join_share_min: float = 0.8  # of the ink in a joined box is pen: nothing else stands between
    ink_min_mm2: float = 0.8  # less is a speck: a pen stroke is 0.4 mm wide and 3 mm long
    length_min_mm: float = 2.0  # the shortest mark that means something
    typed_confidence: float = 0.8  # lines that read better than this are type
    print_confidence: float = 0.5  # words can still be read under a stroke; less is no print
    scribble_min: float = 0.45  # of a mark's box is inked: no writing ...
    scribble_mm: float = 5.0  # ... and wider than a ringed letter
    own_share: float = 0.8  # of a line's ink is the pen's: it is the writing itself, as read
    struck_share_max: float = 0.6  # of a line's ink is the pen's where words are struck; more is written
    strike_confidence: float = 0.7  # of a straight stroke through printed words
    printed_max: float = 0.4  # of a strike's ink, the ink model's chance of ruling or of a marker
    part_share: float = 0.4  # of a strike lies in a bracket or an insertion: it is its arm, or the bar of a t
    stamp_line_mm: float = 12.0  # lower stamps are one line, like levels of secrecy
    level_share: float = 0.6  # of a stroke's box lies in a level of secrecy: it is a letter of it
    by_machine_max: float = 0.08  # mean of the ink model's map in a strike over a stamp: less was set with the words
    windings_min: float = 2.2  # of a single stroke that is a word, in diagonals; ticks, slashes and rings have fewer
    level_wide: float = 2.0  # lines' heights, of a level or a number that a reviewer writes by his bracket ...
    level_near: float = 0.7  # ... and how near that stands
    through: tuple[float, float] = (0.2, 0.75)  # chance of a pen, and of a reading: type of the back has less of both,
    caret_rim_mm: float = 0.5  # beside and below a caret,
    caret_alone: float = 0.7  # where so much of the ink is its own piece,
    caret_off: float = 0.35  # and whose middle lies so many lines' heights from that of any line
    script_mm: float = 4.5  # and no ink as long as that in one piece, as script has whose letters are joined
    flat: tuple[float, float] = (0.5, 3.0)  # lower than so many lines' heights and so much wider: an underline, no word
    interlinear_confidence: float = 0.75  # of ink between the lines of a draft: so many of the labelled pages' are


def find_handwriting(
    scan: Scan,
    layers: Layers | None,
    text: PageText,
    stamps: Sequence[Stamp] = (),
    brackets: Sequence[Bracket] = (),
    redactions: Sequence[Redaction] = (),
    *,
    settings: HandwritingSettings = HandwritingSettings(),
    judge: Verdict = of_strokes,
    reader: Reader | None = None,
) -> tuple[Handwriting, ...]:
    """Find what was written or drawn by hand.

    Args:
        scan: the page, upright.
        layers: its ink told apart, or ``None``: then by rules on its connected components.
        text: its lines as read.
        stamps: its stamps, whose fields are filled in by hand.
        brackets: its brackets: drawn with the pen, but marks of their own.
        redactions: its redactions: what a marker shades to withhold it is not written.
        settings: how strokes are grouped.
        judge: judges strokes (:mod:`redactlib.detect.pen`); the shipped one by default.
        reader: reads insertions and struck words once more; without one they are as the page was read.

    Returns:
        one mark a group of strokes, with its role, in reading order. A caret below the line that an insertion stands
        over is a mark of its own, an insertion without text at the same anchor: its ``evidence`` says ``caret``.
    """
    pen = _without(find_pen(scan, layers, text, stamps, judge=judge), brackets, _withheld(redactions, stamps))
    over_stamps, pen = _over_stamps(_without_levels(pen, stamps, settings), scan, layers, stamps, settings)
    page = _page(scan, pen, text, stamps, settings)
    pens = _plane(layers.handwriting if layers else None, pen)
    others = [mark.box for mark in over_stamps] + [bracket.box for bracket in brackets]
    crossed = partial(_along_lines, pen, pens, layers, page, others, scan, settings)
    along = crossed()
    rest = _cleared(pen, along)
    inserted = [mark for mark in _between_lines(rest, pens, page, text, settings) if not _in_stamp(mark.box, page)]
    along = _apart_from(along, inserted)
    groups = [_mark(group, page, text, settings) for group in _groups(rest, scan, settings)]
    inserted, groups = ([_of_bracket(m, brackets, page, settings) for m in some] for some in (inserted, groups))
    inserted = [mark for mark in inserted if not any(_is_part(mark, group) for group in groups)]
    found = [*inserted, *along, *over_stamps]
    marks = [*_apart_from(groups, found), *found]
    aims = {id(mark): aim for mark in marks if (aim := _aim(mark, pen, page))}
    if aims:
        at_carets = [strike for strike in crossed(AT_A_CARET) if _ends_at_caret(strike, aims.values(), page)]
        at_carets = _apart_from(at_carets, along)
        marks = [*_apart_from(marks, at_carets), *at_carets]
    strikes = [mark for mark in marks if mark.role == "strike"]
    aimed = [_aimed(mark, aims.get(id(mark)), strikes, page) for mark in marks]
    drawn = [_caret(mark, aims.get(id(old)), pen, page, settings) for old, mark in zip(marks, aimed, strict=True)]
    carets = [c for c in drawn if c and not any(_lies_in(c, mark) and not _lies_in(mark, c) for mark in aimed)]
    marks = [*_apart_from(aimed, carets), *carets]
    if reader:
        unread = [mark for mark in marks if mark not in over_stamps]  # what a stamp says is known
        read = read_anew(unread, scan, page.pitch, reader)
        marks = [*_with_insertion(mark for mark in read if not _shines_through(mark, settings)), *over_stamps]
    return tuple(sorted(marks, key=lambda mark: (mark.box[1], mark.box[0])))


def _along_lines(
    pen: Pen,
    pens: np.ndarray,
    layers: Layers | None,
    page: _Page,
    others: Sequence[Box],
    scan: Scan,
    settings: HandwritingSettings,
    crossing: CrossingSettings = CrossingSettings(),
) -> list[Handwriting]:
    """Strikes along lines of print that are no stamp's and not written themselves; no part of another mark is one."""
    written, inked = _Sums(pen.mask), _Sums(pen.ink)
    lines = [
        line
        for line in page.prints
        if not _in_form(line.box, page)
        and written(place := _on_map(line.box, pen)) <= settings.struck_share_max * inked(place)
        and not any(intersection(line.box, o) > 0.5 * area(line.box) for o in others)
    ]
    ruling, fill = (_plane(getattr(layers, name, None), pen) for name in ("ruling", "fill"))
    found = []
    for crossed in find_along(pen.ink, pens, pen.scale, MM, lines, settings=crossing):
        x0, y0, x1, y1 = _on_map(crossed.box, pen)
        there = (slice(y0, y1 + 1), slice(x0, x1))
        printed = max(plane[there][pen.ink[there]].mean() for plane in (ruling, fill)) if pen.ink[there].any() else 1.0
        apart = not any(intersection(crossed.box, other) > settings.part_share * area(crossed.box) for other in others)
        if printed <= settings.printed_max and apart:
            words = _words_in(crossed.line, crossed.box)
            box, chance = _clipped(crossed.box, scan), settings.strike_confidence
            found.append(Handwriting(box=box, confidence=chance, role="strike", struck_text=words))
    return found


def _apart_from(marks: Sequence[Handwriting], others: Sequence[Handwriting]) -> list[Handwriting]:
    """Marks that do not mostly lie in others."""
    return [mark for mark in marks if not any(_lies_in(mark, other) for other in others)]


def _lies_in(mark: Handwriting, other: Handwriting) -> bool:
    return intersection(mark.box, other.box) > 0.5 * area(mark.box)


def _is_part(mark: Handwriting, other: Handwriting) -> bool:
    """Whether a mark is a part of an insertion: the rest of that touches a line of type, or its caret."""
    return other.role == "insertion" and _lies_in(mark, other) and not _lies_in(other, mark)


def _cleared(pen: Pen, marks: Sequence[Handwriting]) -> Pen:
    """The page's ink, and the pen's, without that of marks, so that what touches them is grouped without them."""
    mask, ink = pen.mask.copy(), pen.ink.copy()
    for x0, y0, x1, y1 in (_on_map(mark.box, pen) for mark in marks):
        mask[y0 : y1 + 1, x0:x1] = ink[y0 : y1 + 1, x0:x1] = False
    return replace(pen, mask=mask, ink=ink)


def _without_levels(pen: Pen, stamps: Sequence[Stamp], settings: HandwritingSettings) -> Pen:
    """The pen's ink without that in live levels of secrecy: without blanks to fill, it is their lettering."""
    levels = [stamp.box for stamp in stamps if stamp.family == "classification" and not stamp.struck]
    mask = pen.mask.copy()
    for x0, y0, x1, y1 in strokes(pen.mask) if levels else []:
        box = _on_page((x0, y0, x1, y1), pen)
        if any(intersection(box, level) > settings.level_share * area(box) for level in levels):
            mask[y0:y1, x0:x1] = False
    return replace(pen, mask=mask)


def _over_stamps(
    pen: Pen, scan: Scan, layers: Layers | None, stamps: Sequence[Stamp], settings: HandwritingSettings
) -> tuple[list[Handwriting], Pen]:
    """Strikes over stamps that are known to be struck, each with the strokes of the pen that mostly lie in it.

    Returns:
        the strikes, and the pen without them.
    """
    struck = [stamp for stamp in stamps if stamp.struck]
    boxes = strokes(pen.mask) if struck else []
    mask, found = pen.mask.copy(), []
    for stamp in struck:
        through = list(strokes_through(scan, stamp.box, settings=ROUGHLY))
        if not through:
            continue
        box = union(*through)
        x0, y0, x1, y1 = (int(v * pen.scale) for v in box)
        if layers is not None:
            inked = pen.ink[y0:y1, x0:x1]
            likely = _plane(layers.handwriting, pen)[y0:y1, x0:x1][inked]
            if not likely.size or likely.mean() < settings.by_machine_max:
                continue
        for own in [b for b in boxes if intersection(b, (x0, y0, x1, y1)) > 0.5 * area(b)]:
            box = union(box, _on_page(own, pen))
            mask[own[1] : own[3], own[0] : own[2]] = False
        found.append(
            Handwriting(
                box=_clipped(box, scan), confidence=settings.strike_confidence, role="strike", struck_text=stamp.text
            )
        )
    return found, replace(pen, mask=mask)


def _plane(plane: np.ndarray | None, pen: Pen) -> np.ndarray:
    """A map of the ink model, 0..1, at the resolution of the ink; nothing without it."""
    if plane is None:
        return np.zeros(pen.ink.shape, np.float32)
    return cv2.resize(plane, pen.ink.shape[::-1], interpolation=cv2.INTER_LINEAR).astype(np.float32) / 255


def _between_lines(
    pen: Pen, pens: np.ndarray, page: _Page, text: PageText, settings: HandwritingSettings
) -> list[Handwriting]:
    """What stands between the lines of a draft, whatever it looks like; its ``evidence`` says how much of it is pen."""
    found = []
    for box, gap in find_interlinear(pen.ink, pen.scale, MM, text, chance=pens):
        x0, y0, x1, y1 = _on_map(box, pen)
        own = pen.ink[y0:y1, x0:x1]
        inked, pieces = pens[y0:y1, x0:x1][own], cv2.connectedComponentsWithStats(own.astype(np.uint8))[2][1:, 2:4]
        found.append(
            Handwriting(
                box=box,
                confidence=settings.interlinear_confidence,
                role="insertion",
                text=_read_in(box, page, text),
                anchor=_anchor(box, gap.below),
                evidence={
                    "pen": round(float(inked.mean()), 3) if inked.size else 0.0,
                    "longest_mm": round(float(pieces.max(initial=0)) / MM, 1),
                },
            )
        )
    return found


def _shines_through(mark: Handwriting, settings: HandwritingSettings) -> bool:
    """Whether what stands between two lines is neither a pen's nor can be read: the back of the sheet, seen through."""
    pen_min, text_min = settings.through
    unlike = mark.evidence.get("pen", 1.0) < pen_min and mark.evidence.get("text_probability", 1.0) < text_min
    return unlike and mark.evidence["longest_mm"] < settings.script_mm


@dataclass(frozen=True)
class _Aim:
    """Where an insertion goes: the line under it, and from the left of the page its place, and its caret's if any."""

    line: TextLine
    place: int
    caret: int | None
    drawn: Box | None = None  # the caret


def _aim(mark: Handwriting, pen: Pen, page: _Page) -> _Aim | None:
    """Where an insertion goes, which may stand in the margin behind its line."""
    if mark.role != "insertion" or not mark.anchor:
        return None
    x, y = mark.anchor
    level = [line for line in page.prints if line.box[1] <= y < line.box[3]]
    others = [line for line in level if intersection(line.box, mark.box) < 0.5 * area(line.box)]  # it was read itself
    off = {line: max(line.box[0] - x, x - line.box[2], 0) for line in others}
    line = min(off, key=lambda line: off[line], default=None)
    if line is None or off[line] > (mark.box[2] - mark.box[0]) / 2 + page.pitch:
        return None
    caret = find_caret(pen.ink, pen.scale, MM, mark.box, line)
    if caret is None:
        return _Aim(line, x, None)
    point = (caret[0] + caret[2]) // 2
    return _Aim(line, point, point, caret)


def _ends_at_caret(strike: Handwriting, aims: Iterable[_Aim], page: _Page) -> bool:
    """Whether a strike ends at a caret in its line."""
    x1, y = strike.box[2], (strike.box[1] + strike.box[3]) / 2
    return any(
        aim.caret is not None
        and abs(aim.caret - x1) < 0.5 * page.pitch
        and abs(middle_of(aim.line, np.array(x1)) - y) < 0.5 * page.pitch
        for aim in aims
    )


def _of_bracket(
    mark: Handwriting, brackets: Sequence[Bracket], page: _Page, settings: HandwritingSettings
) -> Handwriting:
    """A mark, no insertion where it is a level of secrecy or a number that a reviewer wrote by his bracket."""
    x0, y0, x1, y1 = mark.box
    if mark.role != "insertion" or x1 - x0 > settings.level_wide * page.pitch:
        return mark
    for bracket in brackets:
        left, top, right, foot = bracket.box
        gap = x0 - right if bracket.side == "close" else left - x1
        level = min(y1, foot) - max(y0, top)
        if bracket.form == "drawn" and abs(gap) < settings.level_near * page.pitch and level > 0:
            return replace(mark, role="mark", text=None, anchor=None)
    return mark


def _aimed(mark: Handwriting, aim: _Aim | None, struck: Sequence[Handwriting], page: _Page) -> Handwriting:
    """An insertion with its place in the text: the struck words that it replaces, or the caret under it.

    Its ``evidence`` names the words before and behind that place.
    """
    if not (aim and mark.anchor):
        return mark
    y = mark.anchor[1]
    for strike in struck:
        left, right = max(mark.box[0], strike.box[0]), min(mark.box[2], strike.box[2])
        level = (strike.box[1] + strike.box[3]) // 2
        over = left < right or (aim.caret is not None and abs(aim.caret - strike.box[2]) < page.pitch)
        if over and abs(level - y) < 0.5 * page.pitch:
            beside = _beside(aim.line, page, strike.box[0], strike.box[2], aim.caret)
            anchor = ((strike.box[0] + strike.box[2]) // 2, level)
            return replace(mark, anchor=anchor, evidence=mark.evidence | beside)
    beside = _beside(aim.line, page, aim.place, aim.place, aim.caret)
    return replace(mark, anchor=(aim.place, y), evidence=mark.evidence | beside)


def _with_insertion(marks: Iterable[Handwriting]) -> list[Handwriting]:
    """Marks without carets whose insertion is no longer among them."""
    kept = list(marks)
    held = {mark.anchor for mark in kept if mark.role == "insertion" and not mark.evidence.get("caret")}
    return [mark for mark in kept if not mark.evidence.get("caret") or mark.anchor in held]


def _caret(
    mark: Handwriting, aim: _Aim | None, pen: Pen, page: _Page, settings: HandwritingSettings
) -> Handwriting | None:
    """The caret under an insertion, a mark of its own where it stands by itself between lines: no letter does."""
    if aim is None or aim.drawn is None:
        return None
    left, top, right, foot = aim.drawn
    x, y = np.array((left + right) / 2), (top + foot) / 2
    over = (line for line in page.prints if line.box[0] < x < line.box[2])
    if any(abs(float(middle_of(line, x)) - y) < settings.caret_off * line.height for line in over):
        return None
    x0, y0, x1, y1 = _on_map(aim.drawn, pen)
    rim = max(1, round(settings.caret_rim_mm * MM))
    around = pen.ink[y0 : y1 + rim, max(0, x0 - rim) : x1 + rim].astype(np.uint8)
    largest = int(cv2.connectedComponentsWithStats(around, connectivity=8)[2][1:, 4].max(initial=0))
    if largest < settings.caret_alone * max(1, int(around.sum())):
        return None
    return Handwriting(
        box=aim.drawn, confidence=mark.confidence, role="insertion", anchor=mark.anchor, evidence={"caret": True}
    )


def _beside(line: TextLine, page: _Page, left: int, right: int, caret: int | None) -> dict[str, str | None]:
    """The last word of a draft that ends before one place in a line, and the first that begins behind another."""
    cuts = () if caret is None else (caret,)
    words = _words_of_row(line, page, cuts)
    before = [word.text for word in words if word.middle < left]
    behind = [word.text for word in words if word.middle > right]
    if not words:
        return {}
    if not before:
        before = [word.text for gap in page.gaps if gap.below is line for word in _words_of_row(gap.above, page)]
    if not behind:
        behind = [word.text for gap in page.gaps if gap.above is line for word in _words_of_row(gap.below, page)]
    return {"before": before[-1] if before else None, "behind": behind[0] if behind else None}


def _words_of_row(line: TextLine, page: _Page, cuts: Sequence[float] = ()) -> list[Word]:
    """Words of a line and of what stands level with it, from left to right."""
    pieces = [
        piece
        for piece in page.prints
        if abs(middle_of(line, np.array((piece.box[0] + piece.box[2]) / 2)) - (piece.box[1] + piece.box[3]) / 2)
        < 0.5 * page.pitch
    ]
    return sorted((word for piece in pieces for word in words_of(piece, cuts)), key=lambda word: word.left)


def _withheld(redactions: Sequence[Redaction], stamps: Sequence[Stamp]) -> list[Box]:
    """Where a marker withholds text; what runs over a level of secrecy strikes that out."""
    levels = [stamp.box for stamp in stamps if stamp.family == "classification"]
    covers = [redaction.box for redaction in redactions if redaction.style == "marker"]
    return [cover for cover in covers if not any(intersection(cover, level) for level in levels)]


def _without(pen: Pen, brackets: Sequence[Bracket], covers: Sequence[Box]) -> Pen:
    """The pen's ink without that of drawn brackets and under covers."""
    mask = pen.mask.copy()
    for x0, y0, x1, y1 in (_on_map(cover, pen) for cover in covers):
        mask[y0:y1, x0:x1] = False
    for bracket in brackets:
        if bracket.form == "drawn":
            x0, y0, x1, y1 = bracket.box
            rim = 0.12 * (y1 - y0)  # the ink model knows sizes roughly
            x0, y0, x1, y1 = (max(0, round(v * pen.scale)) for v in (x0 - rim, y0 - rim, x1 + rim, y1 + rim))
            mask[y0 : y1 + 1, x0 : x1 + 1] = False
    return replace(pen, mask=mask)


def _page(scan: Scan, pen: Pen, text: PageText, stamps: Sequence[Stamp], settings: HandwritingSettings) -> _Page:
    """What the roles of the page's marks are judged by."""
    level = [line for line in text.lines if len(line.text) >= 3 and abs(line.rotation_deg) < 8]
    typed = [line for line in level if line.confidence >= settings.typed_confidence]
    written, inked = _Sums(pen.mask), _Sums(pen.ink)
    own = []
    for line in level:
        place = _on_map(line.box, pen)
        own.append(written(place) > settings.own_share * inked(place))
    prints = [
        line for line, pens in zip(level, own, strict=True) if not pens and line.confidence >= settings.print_confidence
    ]
    pitch = float(np.median([line.height for line in typed])) if len(typed) >= 3 else scan.dpi / 6  # as typewriters do
    stamp_line = scan.mm(settings.stamp_line_mm)
    return _Page(typed, prints, find_gaps(text), tuple(stamps), scan.mm(1.0), pitch, stamp_line)


def _on_map(box: Box, pen: Pen) -> Box:
    high, wide = pen.ink.shape
    x0, y0, x1, y1 = (max(0, int(v * pen.scale)) for v in box)
    return (min(x0, wide), min(y0, high), min(x1, wide), min(y1, high))


def _on_page(box: Box, pen: Pen) -> Box:
    low, high = np.floor(np.array(box[:2]) / pen.scale), np.ceil(np.array(box[2:]) / pen.scale)
    return (int(low[0]), int(low[1]), int(high[0]), int(high[1]))


def _clipped(box: Box, scan: Scan) -> Box:
    x0, y0, x1, y1 = box
    return (max(0, x0), max(0, y0), min(scan.width, x1), min(scan.height, y1))


@dataclass(frozen=True, eq=False)
class _Group:
    """Strokes that belong together: box in page pixels, mean chance, their mask, all ink there."""

    box: Box
    chance: float
    strokes: np.ndarray
    ink: np.ndarray

    @property
    def share(self) -> float:
        """How much of the ink in the box is theirs."""
        return float(self.strokes.sum() / self.ink.sum())

    def rows(self) -> tuple[float, float, float]:
        """Heights on the page above which a tenth, half and nine tenths of its ink lie."""
        amount = np.cumsum(self.strokes.sum(1))
        low, middle, high = np.searchsorted(amount, amount[-1] * np.array([0.1, 0.5, 0.9]))
        y0, step = self.box[1], (self.box[3] - self.box[1]) / len(amount)
        return (y0 + step * low, y0 + step * middle, y0 + step * high)


def _groups(pen: Pen, scan: Scan, settings: HandwritingSettings) -> list[_Group]:
    """Join strokes that lie close together."""
    boxes = _joined(strokes(pen.mask), _Sums(pen.ink), _Sums(pen.mask), settings)
    found = []
    for x0, y0, x1, y1 in boxes:
        own = pen.mask[y0:y1, x0:x1]
        chance = float(pen.chance[y0:y1, x0:x1][own].mean())
        small = own.sum() < settings.ink_min_mm2 * MM**2 or max(x1 - x0, y1 - y0) < settings.length_min_mm * MM
        if small:
            continue
        found.append(_Group(_clipped(_on_page((x0, y0, x1, y1), pen), scan), chance, own, pen.ink[y0:y1, x0:x1]))
    return found


class _Sums:
    """Sums of a mask over boxes, from its integral image."""

    def __init__(self, mask: np.ndarray) -> None:
        self._table = cv2.integral(mask.astype(np.uint8))

    def __call__(self, box: Box) -> int:
        x0, y0, x1, y1 = box
        table = self._table
        return int(table[y1, x1] - table[y0, x1] - table[y1, x0] + table[y0, x0])


def _joined(boxes: list[Box], ink: _Sums, pen: _Sums, settings: HandwritingSettings) -> list[Box]:
    """Join boxes, the nearest first, as long as what they then hold is hardly anything but pen."""
    reach = np.array([settings.join_across_mm, settings.join_down_mm]) * MM
    joined: list[Box] = []
    waiting = sorted(boxes, key=area)
    while waiting:
        box = waiting.pop()
        others = np.array(waiting, float).reshape(-1, 4)
        gaps = np.maximum(others[:, :2] - box[2:], np.array(box[:2]) - others[:, 2:])
        near = np.flatnonzero((gaps <= reach).all(1))
        for i in near[np.argsort(np.maximum(gaps[near], 0).sum(1))]:
            both = union(box, waiting[i])
            if pen(both) >= settings.join_share_min * ink(both):
                del waiting[i]
                waiting.append(both)
                break
        else:
            joined.append(box)
    return joined


@dataclass(frozen=True)
class _Page:
    """What roles are judged by: level lines that read well as type, those that are not the pen's own, gaps between the
    lines of a draft, stamps, a millimetre, a line's height, and the height of a stamp of more than one line, in pixels.
    """

    typed: Sequence[TextLine]
    prints: Sequence[TextLine]
    gaps: Sequence[Gap]
    stamps: Sequence[Stamp]
    mm: float
    pitch: float
    stamp_line: float

    def column(self) -> tuple[float, float]:
        long = [line.box for line in self.typed if line.box[2] - line.box[0] > 12 * self.pitch]
        if len(long) < 3:
            return (0.0, float("inf"))
        return float(np.percentile([b[0] for b in long], 20)), float(np.percentile([b[2] for b in long], 80))


def _role(group: _Group, page: _Page, settings: HandwritingSettings) -> str:
    box, strokes = group.box, group.strokes
    width, height = box[2] - box[0], box[3] - box[1]
    if _is_strike(group, page, settings):
        return "strike"
    if _in_stamp(box, page):
        return "stampfill"
    plain = _loops(strokes) <= 1
    if height < settings.flat[0] * page.pitch and width > settings.flat[1] * height:
        return "mark"
    if plain and (width > 6 * height or height > 4 * width or height < 0.3 * page.pitch):
        return "mark"
    if plain and _windings(strokes) < settings.windings_min:
        return "mark"
    if _line_below(box, page, group.rows()):
        return "insertion"
    if plain and strokes.mean() < 0.5 and max(width, height) < 8 * page.mm:
        return "mark"
    left, right = page.column()
    if box[2] < left + page.pitch or box[0] > right - page.pitch:
        return "marginal"
    return "signature" if width > 1.3 * height and height > 7 * page.mm else "note"


def _in_stamp(box: Box, page: _Page) -> bool:
    return any(intersection(box, stamp.box) > 0.6 * area(box) for stamp in page.stamps)


def _in_form(box: Box, page: _Page) -> bool:
    """Whether a line lies in a stamp of several lines: its rules and the dates written on them are no words struck."""
    tall = [stamp.box for stamp in page.stamps if stamp.box[3] - stamp.box[1] >= page.stamp_line]
    return any(intersection(box, stamp) > 0.5 * area(box) for stamp in tall)


def _is_strike(group: _Group, page: _Page, settings: HandwritingSettings) -> bool:
    """A scribble over a line of print, a slanting stroke through it, or a cross."""
    x0, y0, x1, y1 = group.box
    crossed = _crossed(group, page)
    if crossed:
        thick = y1 - y0 > 0.4 * crossed.height
        if thick and group.strokes.mean() > settings.scribble_min and x1 - x0 > settings.scribble_mm * page.mm:
            return True
    levels = [s.box for s in page.stamps if s.box[3] - s.box[1] < page.stamp_line]
    return crosses_out(group.strokes, group.ink, group.box, [line.box for line in page.prints] + levels, mm=MM)


def _mark(group: _Group, page: _Page, text: PageText, settings: HandwritingSettings) -> Handwriting:
    """A group with its role, and what is read in it, under it, or where it goes."""
    box, role = group.box, _role(group, page, settings)
    under = _line_below(box, page, group.rows()) if role == "insertion" else None
    crossed = _crossed(group, page) if role == "strike" else None
    return Handwriting(
        box=box,
        confidence=round(group.chance, 3),
        role=role,
        text=_read_in(box, page, text) if role not in ("strike", "mark") else None,
        struck_text=_words_in(crossed, box) if crossed else None,
        anchor=_anchor(box, under),
    )


def _read_in(box: Box, page: _Page, text: PageText) -> str | None:
    """What the reader made of a note, where it is sure of every piece; its boxes are wider than the ink."""
    rim = round(0.2 * page.pitch)
    box = (box[0] - rim, box[1] - rim, box[2] + rim, box[3] + rim)
    inside = [line for line in text.lines if intersection(line.box, box) > 0.7 * area(line.box)]
    sure = bool(inside) and min(line.confidence for line in inside) >= 0.7
    return " ".join(line.text for line in inside) if sure else None


def _anchor(box: Box, under: TextLine | None) -> tuple[int, int] | None:
    return ((box[0] + box[2]) // 2, (under.box[1] + under.box[3]) // 2) if under else None


def _crossed(group: _Group, page: _Page) -> TextLine | None:
    """The line of type through whose middle a mark mostly runs; a line that is all pen is the mark itself, as read."""
    box = group.box
    for line in page.prints:
        if group.share > 0.8 and intersection(line.box, box) > 0.6 * area(line.box):
            continue
        x0, y0, x1, y1 = line.box
        sixth = (y1 - y0) // 6
        if intersection(box, (x0, y0 + sixth, x1, y1 - sixth)) > 0.6 * area(box):
            return line
    return None


def _words_in(line: TextLine, box: Box) -> str | None:
    """Whole words of a line that mostly lie between the sides of a box."""
    inside = [
        word.text
        for word in words_of(line)
        if min(word.right, box[2]) - max(word.left, box[0]) > 0.5 * (word.right - word.left)
    ]
    return " ".join(inside) or None


def _loops(strokes: np.ndarray) -> int:
    """Closed loops of a drawing: none in a tick, a dash or an arrow, some in most words."""
    padded = np.pad(strokes, 1).astype(np.uint8)
    holes, _ = cv2.connectedComponents(1 - padded, connectivity=4)
    return holes - 2


def _windings(strokes: np.ndarray) -> float:
    """How long a single stroke is in diagonals of its box: one in a slash, two in a ring; infinite for several."""
    mask = np.pad(strokes, 1).astype(np.uint8)
    if cv2.connectedComponents(mask)[0] > 2:
        return float("inf")
    pen = 4 * cv2.distanceTransform(mask, cv2.DIST_L2, 3)[mask > 0].mean() - 2
    return float(mask.sum() / pen / np.hypot(*strokes.shape))


def _line_below(box: Box, page: _Page, rows: tuple[float, float, float] | None = None) -> TextLine | None:
    """The line of type over which a mark is squeezed in: its ink lies between that line and the one above.

    `rows` is where a tenth, half and nine tenths of its ink end; tails of carets and balloons may cross the lines.
    """
    x0, y0, x1, y1 = box
    top, middle, foot = rows or (y0, (y0 + y1) / 2, y1)
    over = [
        line
        for line in page.prints
        if line.confidence > 0.6 and min(x1, line.box[2]) - max(x0, line.box[0]) > 0.5 * (x1 - x0)
    ]
    places = [float(middle_of(line, np.array((x0 + x1) / 2))) - middle for line in over]
    above = max((place for place in places if place < 0), default=-np.inf)
    below = min((place for place in places if place > 0), default=np.inf)
    apart = -above > 0.4 * page.pitch and below > 0.35 * page.pitch
    near = below - above < 2.6 * page.pitch and foot - top < 1.6 * page.pitch
    if apart and near:
        return over[places.index(below)]
    return next((gap.below for gap in page.gaps if _stands_in(box, gap)), None)


def _stands_in(box: Box, gap: Gap, *, between: tuple[float, float] = (0.15, 0.6)) -> bool:
    """Whether a mark's middle lies between two lines of a draft, however far it reaches."""
    x0, _, x1, _ = union(gap.above.box, gap.below.box)
    return x0 < (box[0] + box[2]) / 2 < x1 and between[0] < way_down(box, gap) < between[1]
