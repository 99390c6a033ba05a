"""Square brackets, drawn and typed: found, paired in reading order, with the text between them.

Drawn ones are centre points with a size on the ink model's maps (after CenterNet, Zhou et al. 2019), each judged once
more with its picture and the line that it stands in; where the model is missing, upright strokes with an arm at both
ends. Typed ones come from the readings. Four families are told apart:
brackets of the drafter, of the reviewer round text that he kept, round text that was cut out, and of an editor.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from redactlib.detect.beneath import read_anew, without
from redactlib.detect.interlinear import middle_of
from redactlib.detect.judge import Verdict, of_brackets
from redactlib.detect.passage import words_of
from redactlib.detect.strike import StrikeSettings, is_struck
from redactlib.layers import INK_DARKNESS, Layers, darkness
from redactlib.marks import Box, Bracket, area, intersection, iou
from redactlib.reading import PageText, Reader, TextLine
from redactlib.scan import Scan

EDITORIAL = re.compile(
    r"not declassified|\bdeleted\b|omitted|illegible|\bsic\b|footnote|handwritten|\bsigned", re.IGNORECASE
)
"""What historians and editors write between their own brackets (annotations.md, section 4)."""

READING_STEP = 0.7
"""Lines of type that brackets may differ by and still stand in one."""


Stand = tuple[Bracket, float]
"""A bracket and where its back stands, from the left of the page."""


@dataclass(frozen=True)
class BracketSettings:
    """When heat is a bracket, and what a bracket looks like without a model; heights in lines of type."""

    heat_min: float = 0.06  # of the model's map, for a place to be judged
    doubt_min: float = 0.08  # chance by its looks alone from which a peak may be saved by its company
    company_min: float = 0.3  # chance from which another one on the page is company
    company_gain: float = 0.5  # log odds for each factor e of one and those: who brackets once, brackets on
    partner_gain: float = 1.5  # log odds that a partner brings which is surely one
    alone_loss: float = 1.9  # log odds lost beforehand: lone ones are mostly corners of something else
    chance_min: float = 0.5  # probability from which a bracket counts ...
    tall_chance_min: float = 0.85  # ... for one that is taller than this, in lines ...
    tall_from: float = 2.2  # ... as rules of tables and columns of print are
    partner_min: float = 0.2  # ... and from which one does that another, without a partner, calls for
    caller_min: float = 0.65  # probability of one that calls ...
    call_max_lines: float = 1.5  # ... so far
    same_iou: float = 0.3  # two finds that overlap so much are one bracket
    pieces_reach: float = 2.0  # heights of a line to the pieces in which a bracket's line was read because of it, ...
    pieces_level: float = 0.35  # ... which stand so level
    back_min: float = 0.85  # of their common height each of two that face each other so near has its own back, ...
    lean_half: float = 0.08  # ... which leans so far to both sides
    apart_min: float = 0.4  # ... and so far apart, in that height
    tall_lines: tuple[float, float] = (2.5, 20.0)  # heights of brackets known by their outline; the map knows low ones
    tall_arm: float = 0.18  # of its height, at both ends, belongs to the arms ...
    tall_reach: float = 0.25  # ... which reach so much of its width farther than what is between them ...
    tall_back: float = 0.5  # ... and that stays within this share of the width: the back, however it bends
    tall_pen_lines: float = 0.3  # a stroke of the pen is thinner
    tall_ruling: float = 0.5  # mean probability of ruling: more is a broken frame
    tall_heat: float = 0.05  # the map's best in it: less is dirt
    tall_confidence: float = 0.8  # of nineteen on unlabelled and labelled pages three were none
    passage_max_lines: float = 16.0  # from an opening bracket's foot to its partner's: a long paragraph
    typed_confidence: float = 0.8  # of the line in which a typed bracket is read ...
    tick_box: tuple[float, float] = (0.45, 1.4)  # of a bracket's height: the paper in a box to tick,
    tick_box_filled: float = 0.9  # that fills so much of a rectangle: in a letter it is round
    remark_words: int = 6  # of an editor's remark; a longer passage only mentions what remarks do
    loose_share: float = 0.5  # ... of which so much is left where it holds no word: a box to tick, a side of a frame
    height_min_lines: float = 1.0  # a bracket drawn round type is taller than its capitals ...
    height_max_lines: float = 12.0
    arm_min_lines: float = 0.15  # ... and has an arm at both ends,
    arm_max_lines: float = 1.2
    back_max_lines: float = 0.1  # none on its back
    lean_max: float = 0.3  # sideways for each step down
    struck_half: float = 0.2  # of its height on both sides of its back: what crosses that crosses it out


ACROSS = StrikeSettings(reach=1.0, length_min=2.75, angle_min_deg=25.0, angle_max_deg=66.0, angle_step_deg=3.0)
"""Strokes that cross a bracket out: slanting, where its back is upright and its arms are level, and longer than it."""


def find_brackets(
    scan: Scan,
    layers: Layers | None,
    text: PageText,
    *,
    settings: BracketSettings = BracketSettings(),
    judge: Verdict = of_brackets,
    reader: Reader | None = None,
) -> tuple[Bracket, ...]:
    """Find the square brackets of a page.

    Args:
        scan: the page, upright.
        layers: its ink told apart, or ``None``: then by rules on upright strokes.
        text: its lines as read.
        settings: thresholds.
        judge: judges peaks of heat; the shipped one by default.
        reader: reads lines in which brackets were drawn once more, without them; else words are as the page was read.

    Returns:
        brackets in reading order, numbered by ``id``; ``pair`` is the partner's.
    """
    read = list(_read_brackets(text, settings))
    if layers is None:
        drawn = _by_strokes(scan, text, settings)
    else:
        dark, scale = darkness(scan)
        tall = _by_outline(dark > INK_DARKNESS, scale, layers, _pitch(text, scan), settings)
        low = [b for b in _by_heat(scan, layers, text, settings, judge) if not _is_tick_box(b, scan, settings)]
        drawn = tall + [b for b in low if not any(_same(b, other, settings) for other in tall)]
    drawn = [replace(b, struck=_is_struck(b, scan, settings)) for b in drawn]
    typed = [
        b for b in read if b.confidence >= settings.typed_confidence and not any(_same(b, d, settings) for d in drawn)
    ]
    pitch = _pitch(text, scan)
    ordered = sorted([*drawn, *typed], key=lambda b: _reading_place(b, text, pitch))
    pairs = _pairs(ordered, pitch, settings)
    page = _Print(text.lines, frozenset(), pitch)
    if reader and drawn:
        page = _read_without(drawn, scan, text, pitch, reader, settings)
    return _paired(ordered, pairs, [_back(b, scan) for b in ordered], page, settings)


@dataclass(frozen=True)
class _Print:
    """Lines of a page, those of them that were read anew without the brackets in them, and a line's height."""

    lines: Sequence[TextLine]
    anew: frozenset[TextLine]
    pitch: float


def _read_without(
    drawn: Sequence[Bracket], scan: Scan, text: PageText, pitch: float, reader: Reader, settings: BracketSettings
) -> _Print:
    """The page's lines, those in which brackets stand read anew without them, their pieces as one."""
    rows = _rows(drawn, text, pitch, settings)
    read = read_anew(rows, without(scan, drawn), reader)
    whole = {row[0]: line for row, line in zip(rows, read, strict=True) if line}
    parts = {line for row in rows if row[0] in whole for line in row[1:]}
    lines = [whole.get(line, line) for line in text.lines if line not in parts]
    return _Print(lines, frozenset(whole.values()), pitch)


def _rows(drawn: Sequence[Bracket], text: PageText, pitch: float, settings: BracketSettings) -> list[list[TextLine]]:
    """Lines of print in which brackets stand, each in the pieces in which it was read because of them."""
    rows: list[list[TextLine]] = []
    for bracket in drawn:
        beside = [line for line in text.lines if _stands_in(bracket, line, pitch, reach=settings.pieces_reach)]
        if not beside:
            continue
        longest = max(beside, key=lambda line: line.box[2] - line.box[0])
        row = [line for line in beside if abs(_off(longest, line)) < settings.pieces_level * pitch]
        for other in [r for r in rows if not set(r).isdisjoint(row)]:
            rows.remove(other)
            row += [line for line in other if line not in row]
        rows.append(row)
    return rows


def _off(line: TextLine, piece: TextLine) -> float:
    """How far the middle of a piece lies under a line that is drawn out over it."""
    x0, y0, x1, y1 = piece.box
    return (y0 + y1) / 2 - float(middle_of(line, np.array((x0 + x1) / 2)))


def _stands_in(bracket: Bracket, line: TextLine, pitch: float, *, reach: float = 1.0) -> bool:
    """Whether a bracket begins or ends in a level line, or so many lines' heights beside it."""
    x0, y0, x1, y1 = line.box
    near = x0 - reach * pitch < bracket.box[2] and bracket.box[0] < x1 + reach * pitch
    return near and abs(line.rotation_deg) < 8 and y0 < _middle(bracket, pitch) < y1


def _back(bracket: Bracket, scan: Scan) -> float:
    """Where a bracket's back stands, from the left: where most ink runs down, for the model knows it roughly."""
    x0, y0, x1, y1 = bracket.box
    if bracket.form == "typed":
        return (x0 + x1) / 2
    rim = round(0.12 * (y1 - y0))
    half = (x0 + x1) // 2
    left, right = (max(0, x0 - rim), half) if bracket.side == "open" else (half, x1 + rim)
    down = scan.ink[max(0, y0) : y1, left:right].sum(0)
    if not down.any():
        return float(x0 if bracket.side == "open" else x1)
    return left + float(np.flatnonzero(down > 0.8 * down.max()).mean())


def _pitch(text: PageText, scan: Scan) -> float:
    heights = [line.height for line in text.lines if line.confidence > 0.7 and len(line.text) >= 4]
    return float(np.median(heights)) if len(heights) >= 3 else scan.dpi / 6


def _same(a: Bracket, b: Bracket, settings: BracketSettings) -> bool:
    ax, ay, bx, by = ((v[i] + v[i + 2]) / 2 for v in (a.box, b.box) for i in (0, 1))
    reach = max(a.box[3] - a.box[1], b.box[3] - b.box[1])
    return iou(a.box, b.box) > settings.same_iou or (abs(ax - bx) < 0.4 * reach and abs(ay - by) < 0.4 * reach)


def _faces(a: Bracket, b: Bracket, scan: Scan, settings: BracketSettings) -> bool:
    """Whether two brackets so near are one pair round a short word: each has a back of its own."""
    if a.side == b.side:
        return False
    first, last = (a, b) if a.side == "open" else (b, a)
    top, foot = max(a.box[1], b.box[1]), min(a.box[3], b.box[3])
    backs, half = (_back(first, scan), _back(last, scan)), max(2, round(settings.lean_half * (foot - top)))
    strips = [scan.ink[max(0, top) : foot, max(0, round(back) - half) : round(back) + half + 1] for back in backs]
    apart = backs[1] - backs[0] > settings.apart_min * (foot - top)
    return apart and all(strip.size and strip.any(1).mean() >= settings.back_min for strip in strips)


def _read_brackets(text: PageText, settings: BracketSettings) -> Iterator[Bracket]:
    """Brackets that the reader saw in level lines, each as wide as a third of its line's height."""
    for line in text.lines:
        if abs(line.rotation_deg) > 8 or len(line.reading.centres) != len(line.text):
            continue
        x0, y0, x1, y1 = line.box
        for i, (character, centre) in enumerate(zip(line.text, line.reading.centres, strict=True)):
            if character in "[]":
                middle, half = x0 + centre * (x1 - x0), (y1 - y0) / 6
                box = (int(middle - half), y0, int(middle + half), y1)
                sure = line.confidence if _holds_words(line.text, i) else settings.loose_share * line.confidence
                yield Bracket(
                    box=box, confidence=round(sure, 3), side="open" if character == "[" else "close", form="typed"
                )


def _holds_words(text: str, i: int) -> bool:
    """Whether a bracket of a line stands before a word, or behind one, as typists set them; boxes to tick hold none.

    >>> [_holds_words("[ ] yes, we [shall] not]t", i) for i in (0, 2, 12, 18, 23)]
    [False, False, True, True, False]
    """
    step = 1 if text[i] == "[" else -1
    word = text[i + step] if 0 <= i + step < len(text) else " "
    outside = text[i - step] if 0 <= i - step < len(text) else " "
    return word not in " []" and not outside.isalnum()


def _by_heat(scan: Scan, layers: Layers, text: PageText, settings: BracketSettings, judge: Verdict) -> list[Bracket]:
    """Peaks of heat that are judged to be brackets; what overlaps a surer one is dropped."""
    peaks = find_peaks(layers, settings)
    if not peaks:
        return []
    chances = judge(evidence(peaks, scan, layers, text, settings))
    kept: list[Bracket] = []
    for i in np.argsort(-chances, kind="stable"):
        if chances[i] < settings.doubt_min:
            break
        found = Bracket(box=peaks[i].box, confidence=float(chances[i]), side=peaks[i].side, form="drawn")
        if not any(_same(found, other, settings) and not _faces(found, other, scan, settings) for other in kept):
            kept.append(found)
    pitch = _pitch(text, scan)
    chances = _in_company(kept, text, pitch, settings)
    sure, doubtful = [], []
    for bracket, chance in zip(kept, chances.tolist(), strict=True):
        tall = bracket.box[3] - bracket.box[1] > settings.tall_from * pitch
        if chance >= (settings.tall_chance_min if tall else settings.chance_min):
            sure.append(replace(bracket, confidence=round(chance, 3)))
        elif chance >= settings.partner_min and not tall:
            doubtful.append(replace(bracket, confidence=round(chance, 3)))
    return sure + _partners(sure, doubtful, text, pitch, settings)


def _is_tick_box(bracket: Bracket, scan: Scan, settings: BracketSettings) -> bool:
    """Whether a bracket is the side of a small box, closed all round: paper that fills a rectangle lies beside it."""
    x0, y0, x1, y1 = bracket.box
    height = y1 - y0
    left, top = max(0, x0 - height), max(0, y0 - height // 2)
    ink = scan.ink[top : y1 + height // 2, left : x1 + height].astype(np.uint8)
    if min(ink.shape) < 3:
        return False
    contours, tree = cv2.findContours(ink, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    low, high = (share * height for share in settings.tick_box)
    for contour, links in zip(contours, tree[0] if contours else (), strict=True):
        x, y, w, h = cv2.boundingRect(contour)
        inside = (left + x, top + y, left + x + w, top + y + h)
        small = low <= min(w, h) and max(w, h) <= high
        filled = cv2.contourArea(contour) >= settings.tick_box_filled * (w - 1) * (h - 1)
        beside = (x0 - height // 4, y0, x1 + height // 4, y1)
        if links[3] >= 0 and small and filled and intersection(inside, beside) > 0.5 * area(inside):
            return True
    return False


def _partners(
    sure: Sequence[Bracket], doubtful: Sequence[Bracket], text: PageText, pitch: float, settings: BracketSettings
) -> list[Bracket]:
    """Doubtful brackets that sure ones call for, which have no partner: for each the likeliest one up to the next."""
    ordered = sorted(sure, key=lambda b: _reading_place(b, text, pitch))
    places = [_reading_place(b, text, pitch) for b in ordered]
    paired = _pairs(ordered, pitch, settings)
    called: list[Bracket] = []
    for i, bracket in enumerate(ordered):
        if i in paired or bracket.confidence < settings.caller_min:
            continue
        step = 1 if bracket.side == "open" else -1
        until = i + step
        while 0 <= until < len(ordered) and until in paired:
            until += step
        low, high = sorted((places[i], places[until] if 0 <= until < len(ordered) else (step * np.inf, 0.0)))
        some = [
            other
            for other in doubtful
            if other.side != bracket.side
            and low < _reading_place(other, text, pitch) < high
            and abs(other.box[3] - bracket.box[3]) < settings.call_max_lines * pitch
            and other not in called
        ]
        if some:
            called.append(max(some, key=lambda b: b.confidence))
    return [replace(b, confidence=settings.chance_min) for b in called]


def _in_company(found: Sequence[Bracket], text: PageText, pitch: float, settings: BracketSettings) -> np.ndarray:
    """Chances of brackets, given the others of the page: one that opens before one that closes, and how many there are.

    A bracket is a shape like many others; a page with a dozen of them, or one with its partner, is not chance.
    """
    chance = np.clip(np.array([bracket.confidence for bracket in found]), 0.001, 0.999)
    opens = np.array([bracket.side == "open" for bracket in found], bool)
    row, column = np.array([_reading_place(bracket, text, pitch) for bracket in found], float).reshape(-1, 2).T
    down = row - row[:, None]  # in steps of _reading_place
    pairs = opens[:, None] & ~opens & ((down > 0) | ((down == 0) & (column > column[:, None])))
    pairs &= down < settings.passage_max_lines / READING_STEP
    partner = np.where(pairs | pairs.T, chance, 0).max(1, initial=0)
    company = np.where(chance >= settings.company_min, chance, 0)
    gain = settings.company_gain * np.log1p(company.sum() - company) + settings.partner_gain * partner
    return 1 / (1 + np.exp(settings.alone_loss - gain - np.log(chance / (1 - chance))))


def _is_struck(bracket: Bracket, scan: Scan, settings: BracketSettings) -> bool:
    """Whether a slanting stroke crosses the back of a bracket: it was taken back."""
    _, y0, _, y1 = bracket.box
    back, half = _back(bracket, scan), settings.struck_half * (y1 - y0)
    return is_struck(scan, (round(back - half), y0, round(back + half), y1), settings=ACROSS)


@dataclass(frozen=True)
class Peak:
    """A peak of bracket heat: heat of its own and of the other side (0..1), centre and size in page pixels."""

    side: str
    heat: float
    other: float
    x: float
    y: float
    width: float
    height: float

    @property
    def box(self) -> Box:
        half_w, half_h = self.width / 2, self.height / 2
        low, high = (int(self.x - half_w), int(self.y - half_h)), (self.x + half_w, self.y + half_h)
        return (*low, int(np.ceil(high[0])), int(np.ceil(high[1])))


def find_peaks(layers: Layers, settings: BracketSettings = BracketSettings()) -> list[Peak]:
    """Local maxima of the bracket heat."""
    peaks = []
    sides = (("open", layers.bracket_open, layers.bracket_close), ("close", layers.bracket_close, layers.bracket_open))
    for side, heat, other in sides:
        top = (heat == cv2.dilate(heat, np.ones((5, 5), np.uint8))) & (heat >= 255 * settings.heat_min)
        for y, x in zip(*np.nonzero(top), strict=True):
            opposite = other[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3].max() / 255
            width, height = (float(v) for v in layers.bracket_size[y, x])
            centre = float((x + 0.5) / layers.scale), float((y + 0.5) / layers.scale)
            peaks.append(Peak(side, float(heat[y, x]) / 255, float(opposite), *centre, width, height))
    return peaks


def evidence(
    peaks: Sequence[Peak], scan: Scan, layers: Layers, text: PageText, settings: BracketSettings = BracketSettings()
) -> np.ndarray:
    """What the judge knows of each peak: float64 ``(n, 177)``; closing brackets are seen in the mirror.

    In this order: heat as log odds; heat of its own and of the other side; logarithms of width and height in lines and
    of height in mm; whether the reader saw a bracket of this or of the other side there; of the nearest line: distance
    down and across, confidence, and how far inside it the peak stands; the ink, 14 rows of 10; the pen, 5 rows of 5.
    """
    pitch = _pitch(text, scan)
    read = list(_read_brackets(text, settings))
    dark, scale = darkness(scan)
    ink = (dark > INK_DARKNESS).astype(np.float32)
    pen = layers.handwriting.astype(np.float32) / 255
    lines = [
        line for line in text.lines if line.confidence > 0.7 and len(line.text) >= 3 and abs(line.rotation_deg) < 8
    ]
    boxes = np.array([line.box for line in lines], float).reshape(-1, 4)
    rows = []
    for peak in peaks:
        sign = 1 if peak.side == "open" else -1
        seen = [False, False]
        for bracket in read:
            x0, y0, x1, y1 = bracket.box
            if abs((x0 + x1) / 2 - peak.x) < 0.6 * pitch and abs((y0 + y1) / 2 - peak.y) < max(
                pitch * 0.6, peak.height / 2
            ):
                seen[bracket.side != peak.side] = True
        line = [1.0, 2.0, 0.0, 0.0]
        if len(boxes):
            down = np.abs((boxes[:, 1] + boxes[:, 3]) / 2 - peak.y)
            across = np.maximum(0, np.maximum(boxes[:, 0] - peak.x, peak.x - boxes[:, 2]))
            k = int(np.argmin(down + across))
            inside = sign * ((boxes[k, 0] if sign > 0 else boxes[k, 2]) - peak.x) / pitch
            line = [min(2, down[k] / pitch), min(4, across[k] / pitch), lines[k].confidence, np.clip(inside, -3, 3)]
        reach = max(0.62 * peak.width, 0.35 * peak.height), 0.62 * peak.height
        rows.append(
            np.concatenate(
                [
                    [np.log(peak.heat / (1.001 - peak.heat)), peak.heat, peak.other],
                    np.log([peak.width / pitch, peak.height / pitch, peak.height / scan.mm(1.0)]),
                    seen,
                    line,
                    _picture(ink, peak, reach, scale, 10, 14),
                    _picture(pen, peak, reach, layers.scale, 5, 5),
                ]
            )
        )
    return np.array(rows, np.float64).reshape(-1, 177)


def _picture(
    plane: np.ndarray, peak: Peak, reach: tuple[float, float], scale: float, columns: int, rows: int
) -> np.ndarray:
    """The surroundings of a peak in a few pixels, row by row, mirrored for closing brackets."""
    x0, y0 = (peak.x - reach[0]) * scale, (peak.y - reach[1]) * scale
    zoom_x, zoom_y = 2 * columns / (2 * reach[0] * scale), 2 * rows / (2 * reach[1] * scale)
    matrix = np.array([[zoom_x, 0, -x0 * zoom_x], [0, zoom_y, -y0 * zoom_y]], np.float32)
    fine = cv2.warpAffine(plane, matrix, (2 * columns, 2 * rows))
    small = cv2.resize(fine, (columns, rows), interpolation=cv2.INTER_AREA)
    return (small if peak.side == "open" else small[:, ::-1]).ravel()


def _by_outline(
    ink: np.ndarray, scale: float, layers: Layers, pitch: float, settings: BracketSettings
) -> list[Bracket]:
    """Tall brackets: one line of the pen that goes across, down along a back, and across again to the same side."""
    least, most = (lines * pitch * scale for lines in settings.tall_lines)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    high, wide = ink.shape
    found = []
    for i in np.flatnonzero((stats[1:, 3] > least) & (stats[1:, 3] < most)) + 1:
        x, y, w, h, size = (int(v) for v in stats[i])
        inside = min(x, y, wide - x - w, high - y - h) > 2  # no shadow of the page's edge
        if not inside or w < 0.35 * pitch * scale or w > 1.6 * h or size > 0.35 * w * h:
            continue
        own = labels[y : y + h, x : x + w] == i
        first, last = own.argmax(1), w - 1 - own[:, ::-1].argmax(1)
        arm = max(2, int(settings.tall_arm * h))
        between = slice(arm, h - arm)
        thick = float(np.median((last - first)[between]))
        if not own.any(1).all() or thick > settings.tall_pen_lines * pitch * scale:
            continue
        box = (int(x / scale), int(y / scale), int(np.ceil((x + w) / scale)), int(np.ceil((y + h) / scale)))
        for side, front in (("open", last), ("close", w - 1 - first)):
            back, ends = np.quantile(front[between], 0.9) / w, (front[:arm].max() / w, front[h - arm :].max() / w)
            shaped = back < settings.tall_back and min(ends) > back + settings.tall_reach
            if shaped and _is_drawn(own, (x, y), side, layers, layers.scale / scale, settings):
                found.append(Bracket(box=box, confidence=settings.tall_confidence, side=side, form="drawn"))
    return found


def _is_drawn(
    own: np.ndarray, corner: tuple[int, int], side: str, layers: Layers, zoom: float, settings: BracketSettings
) -> bool:
    """Whether the ink model takes a tall outline neither for ruling nor for dirt."""
    ys, xs = np.nonzero(own)
    rows = np.minimum(((ys + corner[1]) * zoom).astype(int), layers.ruling.shape[0] - 1)
    columns = np.minimum(((xs + corner[0]) * zoom).astype(int), layers.ruling.shape[1] - 1)
    heat = layers.bracket_open if side == "open" else layers.bracket_close
    ruled = layers.ruling[rows, columns].mean() > 255 * settings.tall_ruling
    return bool(not ruled and heat[rows, columns].max() >= 255 * settings.tall_heat)


def _by_strokes(scan: Scan, text: PageText, settings: BracketSettings) -> list[Bracket]:
    """Upright strokes taller than the type, beside or in a line of it, with an arm at both ends on one side."""
    dark, scale = darkness(scan)
    pitch = _pitch(text, scan) * scale
    ink = (dark > 90).astype(np.uint8)
    ink[cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((9, 9), np.uint8)) > 0] = 0
    tall = cv2.morphologyEx(
        cv2.dilate(ink, np.ones((1, 3), np.uint8)), cv2.MORPH_OPEN, np.ones((max(3, int(0.8 * pitch)), 1), np.uint8)
    )
    count, _, stats, _ = cv2.connectedComponentsWithStats(np.minimum(tall, ink), connectivity=8)
    lines = [tuple(v * scale for v in line.box) for line in text.lines if line.confidence > 0.7 and len(line.text) >= 3]
    found = []
    for x, y, w, h, _ in stats[1:count]:
        if not (settings.height_min_lines < h / pitch < settings.height_max_lines and w < 3 + settings.lean_max * h):
            continue
        if not any(b[1] < y + h / 2 < b[3] and b[0] - pitch < x < b[2] + pitch for b in lines):
            continue
        arms = {
            side: [_reach(ink, x + (w if side > 0 else -1), row, side, 1.5 * pitch) / pitch for row in (y, y + h - 1)]
            for side in (1, -1)
        }
        for side, name in ((1, "open"), (-1, "close")):
            front, back = arms[side], arms[-side]
            if (
                min(front) > settings.arm_min_lines
                and max(front) < settings.arm_max_lines
                and max(back) < settings.back_max_lines
            ):
                reach = int(max(front) * pitch)
                box = (x if side > 0 else x - reach, y, x + w + (reach if side > 0 else 0), y + h)
                x0, y0, x1, y1 = (int(v / scale) for v in box)
                found.append(Bracket(box=(x0, y0, x1, y1), confidence=0.4, side=name, form="drawn"))
    return found


def _reach(ink: np.ndarray, x: int, row: int, step: int, limit: float) -> float:
    """How far ink runs sideways from a point, in a band of five rows."""
    columns = np.arange(x, x + step * int(limit), step)
    columns = columns[(columns >= 0) & (columns < ink.shape[1])]
    inked = ink[max(0, row - 2) : row + 3, columns].max(0, initial=0) > 0
    return float(columns.size if inked.all() else np.argmin(inked))


def _reading_place(bracket: Bracket, text: PageText, pitch: float) -> tuple[float, float]:
    """Where a bracket stands in the order of reading: an opening one at its first line, a closing one at its last."""
    x0, y0, x1, y1 = bracket.box
    y = y0 + min(0.7 * pitch, (y1 - y0) / 2) if bracket.side == "open" else y1 - min(0.7 * pitch, (y1 - y0) / 2)
    middles = [(line.box[1] + line.box[3]) / 2 for line in text.lines if line.confidence > 0.5 and len(line.text) >= 3]
    nearest = min(middles, key=lambda m: abs(m - y), default=y)
    return (round((nearest if abs(nearest - y) < pitch else y) / (READING_STEP * pitch)), (x0 + x1) / 2)


def _pairs(ordered: Sequence[Bracket], pitch: float, settings: BracketSettings) -> dict[int, int]:
    """Partners of brackets in reading order, the innermost first, by index."""
    partner: dict[int, int] = {}
    waiting: list[int] = []
    for i, bracket in enumerate(ordered):
        reach = bracket.box[3] - settings.passage_max_lines * pitch
        waiting = [k for k in waiting if ordered[k].box[3] > reach]  # its partner was missed, or is on another page
        if bracket.side == "open":
            waiting.append(i)
        elif waiting:
            partner[i] = waiting.pop()
            partner[partner[i]] = i
    return partner


def _paired(
    ordered: Sequence[Bracket],
    partner: Mapping[int, int],
    backs: Sequence[float],
    page: _Print,
    settings: BracketSettings,
) -> tuple[Bracket, ...]:
    """Brackets that know their partners and the words between; what stays open may close on another page."""
    stands = list(zip(ordered, backs, strict=True))
    words = {i: _between(stands[i], stands[j], stands, page) for i, j in partner.items() if i < j}
    marked = []
    for i, bracket in enumerate(ordered):
        inside = words.get(min(i, partner[i])) if i in partner else None
        if inside and _is_remark(inside, settings):
            bracket = replace(bracket, form="typed")  # an editor's words come with brackets of their own
        pair = f"b{partner[i]}" if i in partner else None
        family, why = _family(bracket, inside)
        evidence = {"why": why}
        if i not in partner and _lines_to_edge(bracket, page) < settings.passage_max_lines:
            evidence["to_the_edge"] = _to_the_edge(stands[i], stands, page)
        marked.append(replace(bracket, id=f"b{i}", pair=pair, text=inside, family=family, evidence=evidence))
    return tuple(marked)


def _is_remark(inside: str, settings: BracketSettings) -> bool:
    """Whether all that stands between two brackets is what an editor says of the text."""
    return len(inside.split()) <= settings.remark_words and bool(EDITORIAL.search(inside))


def _lines_to_edge(bracket: Bracket, page: _Print) -> float:
    """How many lines of type stand between a bracket and the edge of the page that it is open to."""
    ends = [
        line.box[3] - bracket.box[3] if bracket.side == "open" else bracket.box[1] - line.box[1] for line in page.lines
    ]
    return max(ends, default=0) / page.pitch


def _to_the_edge(stand: Stand, stands: Sequence[Stand], page: _Print) -> str:
    """The words from an opening bracket to the end of the page, or from its beginning to a closing one."""
    boxes = [line.box for line in page.lines]
    left, right = min((box[0] for box in boxes), default=0), max((box[2] for box in boxes), default=0)
    top, foot = min((box[1] for box in boxes), default=0), max((box[3] for box in boxes), default=0)
    bracket, pitch = stand[0], page.pitch
    if bracket.side == "open":
        end = (right, foot, round(right + pitch), round(foot + pitch))
        return _between(stand, (replace(bracket, side="close", box=end), float(end[2])), stands, page)
    start = (round(left - pitch), round(top - pitch), left, top)
    return _between((replace(bracket, side="open", box=start), float(start[0])), stand, stands, page)


def _between(first: Stand, last: Stand, stands: Sequence[Stand], page: _Print) -> str:
    """The words between two brackets: right of the one on its first line, left of the other on its last."""
    pitch = page.pitch
    top, bottom = _middle(first[0], pitch), _middle(last[0], pitch)
    level = [line for line in page.lines if abs(line.rotation_deg) < 8]
    heights = {id(line): (line.box[1] + line.box[3]) / 2 for line in level}
    inside = sorted(
        (line for line in level if top - 0.6 * pitch < heights[id(line)] < bottom + 0.6 * pitch),
        key=lambda line: heights[id(line)],
    )
    rows: list[list[TextLine]] = []
    for line in inside:
        if rows and heights[id(line)] - heights[id(rows[-1][0])] < 0.5 * pitch:
            rows[-1].append(line)
        else:
            rows.append([line])
    pieces = []
    for line in (line for row in rows for line in sorted(row, key=lambda line: line.box[0])):
        y = heights[id(line)]
        from_x = first[1] if abs(y - top) < 0.6 * pitch else -np.inf
        to_x = last[1] if abs(y - bottom) < 0.6 * pitch else np.inf
        cuts = [x for bracket, x in stands if _stands_in(bracket, line, pitch)]
        words = words_of(line, cuts, erased=line in page.anew)
        if words:
            pieces += [word.text for word in words if from_x < word.middle < to_x]
        elif from_x < (line.box[0] + line.box[2]) / 2 < to_x:
            pieces.append(line.text)
    return " ".join(filter(None, (piece.strip("[]") for piece in pieces)))


def _middle(bracket: Bracket, pitch: float) -> float:
    _, y0, _, y1 = bracket.box
    half = min(0.7 * pitch, (y1 - y0) / 2)
    return y0 + half if bracket.side == "open" else y1 - half


def _family(bracket: Bracket, inside: str | None) -> tuple[str | None, str]:
    """Which of the four kinds a bracket probably is, from its form and from what it holds, and why."""
    if inside is None:
        return (
            ("reviewer", "drawn, without a partner") if bracket.form == "drawn" else (None, "typed, without a partner")
        )
    if bracket.form == "typed":
        remark = EDITORIAL.search(inside)
        return ("editorial", f"typed round '{remark[0]}'") if remark else ("drafter", "typed round words of the text")
    kept = sum(c.isalnum() for c in inside) >= 2
    return ("reviewer", "drawn round words that can be read") if kept else ("excision", "drawn round emptiness")
