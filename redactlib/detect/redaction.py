"""Redactions: what was removed or covered, how, and how much it hides.

Proposals (:mod:`redactlib.detect.proposal`) are judged against what is printed in and around them: a frame that holds
legible words is a frame, one that holds nothing but an exemption code is a redaction.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from redactlib.detect.emptied import find_emptied, is_amid_text
from redactlib.detect.extent import ROUGH, ExtentSettings, PageType, hidden_extent, measure_type
from redactlib.detect.proposal import Proposal, propose, rows_of_stroke
from redactlib.detect.rim import to_rim
from redactlib.detect.standin import RELEASE_LINE, corners, find_stand_ins
from redactlib.layers import Layers
from redactlib.marks import Box, Code, Redaction, area, intersection, union
from redactlib.reading import PageText, TextLine
from redactlib.scan import Scan

CODE = re.compile(
    r"(?ix) ^[\W_]* ("
    r" \(?b\)?\s?\(?(\d|[il](?![a-z])) | [1-9]\W{0,2}[1-9]\W{0,2}[a-h]\b | (10|[1-9])[.,]\d\W{0,3}\d?\W?[a-z]?\b"
    r" | [25][05o]\s?x | p\d\b"
    r" | jfk\s?act | oga\b | stat\b | nlr | exempt | b\d | \([a-k]\)\W*$ )"
)
"""How the text of a box begins that holds nothing but an exemption code."""


RAGGED_MAX = 0.95
"""How much of its rectangle a black stroke fills that was drawn by hand, at most."""

SIDES = ("above", "below", "left", "right")

CELL, OPEN_FIELD, UNLIKE = "table cell", "open form field", "rules that are not alike"
"""Reasons of boxes that lack a side; amid running text they are paper slips, of which the copy shows some edges."""


@dataclass(frozen=True)
class RedactionSettings:
    """What a redaction measures on paper and how it looks."""

    level_deg: float = 30.0  # lines of text that lean more say nothing about a box
    lean_max: float = 0.035  # slope of a box that was drawn level, on a page that was set straight later
    edge_mm: float = 1.0  # what touches the scan's edge is copier black
    bed: float = 0.6  # share of the page's side along which the black round a copy runs, near that side
    bed_mm: float = 5.0  # how near
    frame_mm: float = 2.0  # a box that comes so near to three sides of the page is the page itself
    margin_mm: float = 10.0  # no type stands so near the left or right side; bindings, fasteners and borders do
    words_min: int = 3  # letters that can be read inside: then nothing was removed
    read_min: float = 0.6  # confidence of reading them
    overshoot_max: int = 3  # sides that run on beyond the corners, as where boxes touch; more make a table
    overshoot_printed_max: int = 2  # the same of rules that are no hairlines
    hatched_min: float = 0.65  # share of the ink in a box that is slanting lines
    hatched_side_min: float = 0.9
    hatch_dpi: float = 150.0  # fine enough for lines of the pen
    hatched_width_min_mm: float = 6.0  # several lines, one beside the other; a ticked box is narrower
    hatch_mm: float = 2.2  # height of a line that few letters' strokes have, and no whole word
    hatch_slopes: tuple[float, ...] = (1.0, 0.6, 1.7)
    cross_stray_mm: float = 0.4
    cross_ink_max: float = 0.35
    cross_whole_min: float = 0.9  # share of either diagonal that is inked
    side_open: float = 0.3  # a side that is missing; then the others must be
    open_hairline_max_mm: float = (
        0.22  # of three sides that run on beyond the corners; printed forms have thicker rules
    )
    hairline_max_mm: float = 0.4  # as thin as only a computer draws them
    frame_max_mm: float = 0.66  # thicker sides frame a stamp
    frame_empty_max_mm: float = 1.0  # or, empty, what was removed
    uneven_max: float = 1.6  # sides of an open box are drawn alike
    slip_edge_max_mm: float = 0.5  # a slip's edges are thin on the copy, and end with it
    column_min: int = 3
    cells_min: int = 2
    inset_mm: float = 0.8  # what lies so near a side belongs to it
    dust_max: float = 0.004  # share of ink in a box with nothing in it
    inside_max: float = 0.03  # the same on a dirty copy
    code_ink_max: float = 0.25  # share of ink of an unread code in its box
    code_margin_min: float = 0.1  # white on either side of it, share of the box
    code_off_max: float = 0.12  # difference of the two
    empty_width_min_mm: float = 8.0  # narrower: a box to tick
    rectangular_min: Mapping[str, float] = field(default_factory=lambda: {"solid": 0.88, "shaded": 0.86}, hash=False)
    straight_min: Mapping[str, float] = field(  # share of the outline that runs level or upright
        default_factory=lambda: {"solid": 0.75, "shaded": 0.6}, hash=False
    )
    stepped_min: float = 0.6  # a block of lines of unequal length
    stepped_straight_min: float = 0.75
    ruled_min: float = 0.4  # the same, wholly of level and upright edges
    ruled_straight_min: float = 0.98
    stepped_height_min_mm: float = 9.0
    stepped_width_min_mm: float = 30.0
    picture_reach_mm: float = 30.0
    picture_pieces_min: int = 8
    paper_min: int = 235  # tints are laid on by computer, on white; on toned paper they are stains
    strike_lines_max: float = 0.9  # heights of a line's box; what is lower and has stems above and below strikes it out
    stems_min: float = 0.08  # share of ink of those stems
    fill_words_min: Mapping[str, int] = field(default_factory=lambda: {"solid": 6, "shaded": 6}, hash=False)
    opaque_min: Mapping[str, float] = field(  # covered share above which no letters can be left white; dark ones can
        default_factory=lambda: {"solid": 0.98, "shaded": 1.1}, hash=False
    )
    ground_max: float = 0.7  # covered shares of the strips on two opposite sides, added
    side_dark: float = 0.4  # share of ink on two sides of what is a part of something larger and as dark
    bar_even_min: float = 0.85  # share of such a bar that has its median tone
    ruled_bar_min: float = 0.97  # how straight and rectangular a bar is that was drawn by computer; others may touch it
    even_min: float = 0.65  # share of a fill that has its median tone
    fill_width_min_mm: Mapping[str, float] = field(default_factory=lambda: {"solid": 3.2, "shaded": 5.0}, hash=False)
    thin_max: float = 0.65  # heights of a line's box; lower is a rule or a strike
    upright_max: float = 2.5  # height over width; covered text is wider than high
    clear_min: float = 0.9  # confidence of reading what no stroke covers
    clear_letters_min: int = 5
    lettering_density: float = 0.6  # share of ink of see-through strokes, at most; heavy letters have more
    lettering_core_max: float = 0.7  # share of it that is wide enough for a stroke
    lettering_excess: float = 1.2  # times the ink of the type on the page or beside it that a stroke has at least
    level_lines: float = 2.0  # heights of a line's box between a struck level of classification and its caption
    marker_lines: tuple[float, float] = (0.8, 2.0)  # heights of a line's box; carelessly drawn
    line_by_line: float = 0.2  # of the distance of lines, that strokes which run together are higher or lower
    over_lines_closed_min: float = 0.65  # covered share of such strokes, whose ends are ragged
    over_lines_core_min: float = 0.4  # the same without what is as thin as the strokes of letters on a dirty copy
    uneven_ends_mm: float = 1.5  # between the ends of strokes below each other
    line_letters_min: int = 6  # that are read in two lines of them
    heavy_min: float = 0.84  # share of ink of a stroke that lets nothing through
    heavy_lines_min: float = 0.5
    marker_width_min_mm: float = 8.0
    marker_aspect_min: float = 1.5
    dither_density: tuple[float, float] = (0.12, 0.65)  # share of ink of the dots of a grey
    dither_whole_min: float = 0.82  # share of its box that a dithered fill covers
    dither_cell_mm: float = 1.7  # in such cells it is evenly grey, as no photograph is
    dither_uneven_max: float = 0.13
    dither_closed_min: float = 0.9  # a dithered fill is light, but has no gaps
    dither_core_min: float = 0.68
    dither_width_min_mm: float = 5.5  # a short word
    dither_wide_mm: float = 11.0  # narrower, it must have the shape of a word; punched holes are as grey
    marker_density_min: float = 0.45
    marker_closed_min: float = 0.78
    legible_closed_min: float = 0.75  # the same of a stroke that ends clearly, with letters that can be read in it
    legible_around_max: float = 0.45
    long_stroke: float = 4.0  # line heights; a stroke over several words may let more of them show
    long_core_min: float = 0.22
    marker_core_min: float = 0.46
    see_through_max: float = 0.72  # share of ink of a stroke through which letters show
    strip_max: float = 0.25  # share of ink above or below: what is struck out sticks out
    around_max: float = 0.95  # the same on all four sides, added
    flank_max: float = 0.6  # share of ink left or right: the rest of a heavy word
    thin_gap_lines: float = 1.8  # heights of a line's box between two parts of one stroke
    thin_gap_ink: float = 0.12  # share of ink between them
    pen_lines: tuple[float, float] = (0.7, 1.6)  # heights of a line's box: an opaque pen, amid the letters of a line
    pen_aspect_min: float = 2.5
    pen_letters_min: int = 5  # read beside it
    pen_covered_min: float = 0.8
    pen_around_max: float = 0.6  # share of ink above and below, added
    drawn_around_max: float = 0.05  # share of ink above and below such a fill, added; no letters stick out of it
    drawn_min: float = 0.985  # covered share of what was drawn by computer: that does not strike out, it hides
    banner_zone: float = 0.1  # of the page's height: classification banners, cancelled with a marker


def propose_redactions(
    scan: Scan, layers: Layers | None, text: PageText, *, settings: RedactionSettings = RedactionSettings()
) -> list[Proposal]:
    """Everything that might be a redaction, each with the reason why it is none, or ``None`` where it stands."""
    level = [line for line in text.lines if abs(line.rotation_deg) < settings.level_deg]
    laid_over = [line for line in level if RELEASE_LINE.search(line.text)]
    page = _Page(scan, [line for line in level if line not in laid_over], laid_over, _line_height(scan, level))
    inset = round(scan.mm(0.4))  # text boxes are wider than the ground that the line stands on
    labels = [(x0 + inset, y0 + inset, x1 - inset, y1 - inset) for x0, y0, x1, y1 in (line.box for line in laid_over)]
    proposed = _line_by_line([_restyled(p, page, settings) for p in propose(scan, labels)], page, settings)
    judged = [replace(p, reason=_reason(p, page, settings)) for p in proposed]
    kept = _without_tables(_without_pictures(judged, scan, settings), scan, settings)
    whole = _to_their_rims(_without_doubles(kept), scan, settings)
    joined = _with_strokes_joined(whole, page, settings)
    return _with_slips(joined, scan, page.lines, settings)


def _with_slips(
    proposed: Sequence[Proposal], scan: Scan, level: Sequence[TextLine], settings: RedactionSettings
) -> list[Proposal]:
    """Proposals, those that look like an empty form field but stand amid running text as cut-out or pasted slips."""
    paper = [i for i, p in enumerate(proposed) if _may_be_slip(p, settings)]
    page_type = measure_type(level, scan.dpi, [p.box for p in proposed if p.reason is None]) if paper else None
    if page_type is None:
        return list(proposed)
    own = [line for line in level if line.confidence > settings.read_min]
    slips = {i for i in paper if is_amid_text(proposed[i].box, own, page_type)}
    return [replace(p, style="cutout", reason=None) if i in slips else p for i, p in enumerate(proposed)]


def _may_be_slip(p: Proposal, settings: RedactionSettings) -> bool:
    if p.reason not in (OPEN_FIELD, UNLIKE) or p.evidence["inside"] > settings.dust_max:
        return False
    return p.evidence["weight_mm"] < settings.slip_edge_max_mm and p.evidence["overshoot"] < 2


def find_redactions(
    scan: Scan,
    layers: Layers | None,
    text: PageText,
    *,
    reveal: bool = False,
    settings: RedactionSettings = RedactionSettings(),
) -> tuple[Redaction, ...]:
    """The page's redactions, top to bottom: covered or emptied areas, words that stand for text, overlays of a PDF.

    Args:
        scan: the upright page.
        layers: not needed.
        text: all lines of the page.
        reveal: give the text under the overlays of a PDF. Off by default: whoever finds a failed redaction should not
            spread what it was meant to hide by running a program over many files. Its length is always given.
    """
    standing = [p for p in propose_redactions(scan, layers, text, settings=settings) if p.reason is None]
    overlaid = [
        Redaction(
            box=o.box,
            style="solid",
            confidence=0.99,
            polygon=corners(o.box),
            recoverable=True,
            hidden_chars=len(o.hidden_text),
            text=o.hidden_text if reveal else None,
            evidence={"overlay": o.kind},
        )
        for o in scan.overlays
    ]
    standing = [p for p in standing if all(intersection(p.box, o.box) < 0.5 * area(p.box) for o in overlaid)]
    level = [t for t in text.lines if abs(t.rotation_deg) < settings.level_deg and not RELEASE_LINE.search(t.text)]
    known = [*(p.box for p in standing), *(o.box for o in overlaid)]
    page_type, in_words = measure_type(level, scan.dpi, known), find_stand_ins(text)
    if page_type is not None:
        own = [t for t in level if t.confidence > settings.read_min]
        codes = [t for t in own if CODE.match(t.text)]
        standing += find_emptied(scan, own, codes, known, page_type, words=[r.box for r in in_words])
    seen = [*(_as_redaction(p, settings) for p in standing), *overlaid]
    measures = ExtentSettings()
    if page_type is None and seen:
        page_type, measures = measure_type(level, scan.dpi, known, settings=ROUGH), ROUGH
    found = [*(_measured(r, page_type, level, measures) for r in seen), *in_words]
    return tuple(sorted(found, key=lambda r: (r.box[1], r.box[0])))


def _as_redaction(p: Proposal, settings: RedactionSettings) -> Redaction:
    return Redaction(
        box=p.box,
        style="hatched" if p.evidence.get("hatched", 0.0) > settings.hatched_min else p.style,
        confidence=round(min(0.99, p.score), 3),
        polygon=p.polygon or corners(p.box),
        legible=p.style == "marker" and p.evidence["density"] < settings.see_through_max,
        evidence=p.evidence,
    )


def _measured(
    redaction: Redaction, page_type: PageType | None, lines: Sequence[TextLine], settings: ExtentSettings
) -> Redaction:
    known = redaction.hidden_chars
    if page_type is not None:
        ragged = redaction.evidence.get("rectangular", 1.0) < RAGGED_MAX
        pen = redaction.style == "marker" or (ragged and redaction.box[3] - redaction.box[1] < 1.5 * page_type.pitch)
        rows, chars, chars_range = hidden_extent(
            redaction.box,
            redaction.polygon,
            page_type,
            lines,
            pen=pen,
            bare=redaction.style == "whiteout",
            settings=settings,
        )
        redaction = replace(redaction, lines=rows, estimated_chars=chars, chars_range=chars_range)
    return redaction if known is None else replace(redaction, estimated_chars=known, chars_range=(known, known))


def link_codes(
    redactions: Sequence[Redaction], codes: Sequence[Code]
) -> tuple[tuple[Redaction, ...], tuple[Code, ...]]:
    """Tie codes and redactions together, both ways, by the ids that the marks have.

    A code in a box belongs to it; else a stack of codes belongs to every redaction at its height, the nearest first,
    unless that one stands right beside it; else to the redaction right below it, or to the one nearest in height, for
    codes are put into the margin by hand. A code knows its nearest redaction, a redaction all its codes.

    >>> hidden = Redaction(id="m1", box=(100, 100, 400, 140), confidence=0.9, style="outlined")
    >>> code = Code(id="m2", box=(500, 105, 560, 135), confidence=0.9, text="25X1", code="25X1")
    >>> redactions, codes = link_codes([hidden], [code])
    >>> redactions[0].codes, codes[0].redaction
    (('m2',), 'm1')
    """
    owners: dict[str, list[str]] = {}
    for code in codes:
        stack = [c.box for c in codes if c.group is not None and c.group == code.group] or [code.box]
        owners[code.id] = [r.id for r in _owners(code, union(*stack), redactions)]
    return (
        tuple(replace(r, codes=tuple(c.id for c in codes if r.id in owners[c.id])) for r in redactions),
        tuple(replace(c, redaction=owners[c.id][0] if owners[c.id] else None) for c in codes),
    )


def _owners(code: Code, stack: Box, redactions: Sequence[Redaction]) -> list[Redaction]:
    """The redactions that a code explains, the nearest first."""
    x0, y0, x1, y1 = code.box
    height = y1 - y0
    holding = [r for r in redactions if intersection(r.box, code.box) > 0.5 * area(code.box)]
    if holding:
        return [min(holding, key=lambda r: area(r.box))]
    if code.context in ("sheet", "stamp"):
        return []

    def aside(r: Redaction) -> int:
        return max(r.box[0] - x1, x0 - r.box[2], 0)

    level = [r for r in redactions if min(r.box[3], stack[3]) - max(r.box[1], stack[1]) > 0.4 * height]
    level.sort(key=aside)
    if level:
        return level[:1] if aside(level[0]) < 2 * height else level
    below = [r for r in redactions if min(r.box[2], x1) > max(r.box[0], x0) and 0 <= r.box[1] - y1 < 1.5 * height]
    if below:
        return [min(below, key=lambda r: r.box[1])]
    near = [r for r in redactions if aside(r) > 0 and max(r.box[1] - y1, y0 - r.box[3]) < 2 * height]
    return sorted(near, key=lambda r: (max(r.box[1] - y1, y0 - r.box[3]), aside(r)))[:1]


WITHHELD = re.compile(
    r"withdrawal(notice|sheet|record|redactionsheet)|documentwithdrawal|deletedpage(information)?sheet|totaldeletedpage"
    r"|pages?indocumentdenied|^pages?denied|pages?(is|are|was|were)?withheld(entirely|infull)|deniedinfull$"
)
"""What a sheet says that stands for a removed page, in small letters without spaces."""


def is_withheld_sheet(text: PageText, *, chars_max: int = 60) -> bool:
    """Whether the page stands for one that was withheld as a whole: withdrawal sheet, deleted-page sheet, page denied.

    Only short lines count: a letter that speaks of withheld pages is none.

    >>> is_withheld_sheet(PageText())
    False
    """
    short = (re.sub(r"[^a-z]", "", t.text.lower()) for t in text.lines if len(t.text) <= chars_max)
    return any(WITHHELD.search(words) for words in short)


@dataclass(frozen=True, eq=False)
class _Page:
    """What proposals are judged against: the level lines of text, and those that are laid over the page."""

    scan: Scan
    lines: Sequence[TextLine]
    laid_over: Sequence[TextLine]
    line_height: float


def _line_height(scan: Scan, lines: Sequence[TextLine]) -> float:
    """Median height of the boxes of read lines, pixels; that of typescript where nothing is read."""
    heights = [t.height for t in lines if t.confidence > 0.7 and len(t.text) > 5]
    return float(np.median(heights)) if len(heights) >= 3 else scan.mm(4.6)


def _inner_text(box: Box, page: _Page) -> list[tuple[str, float]]:
    """What is read inside a box: the characters of each line that stand in it, and how sure the reading is."""
    found = []
    for line in page.lines:
        x0, y0, x1, y1 = line.box
        if not box[1] < (y0 + y1) / 2 < box[3] or x0 > box[2] or x1 < box[0]:
            continue
        places = zip(line.text, line.reading.centres, strict=False)
        inside = "".join(c for c, at in places if box[0] < x0 + at * (x1 - x0) < box[2]).strip()
        if inside:
            found.append((inside, line.confidence))
    return found


def _letters_of_row(box: Box, page: _Page) -> tuple[int, int]:
    """How many letters are read in a box, and within four line heights beside it on the same line."""
    x0, y0, x1, y1 = box
    reach = 4 * page.line_height
    inside = beside = 0
    for line in page.lines:
        a, b, c, d = line.box
        if line.confidence > 0.6 and min(y1, d) - max(y0, b) > 0.5 * min(y1 - y0, d - b):
            at = [a + x * (c - a) for x, char in zip(line.reading.centres, line.text, strict=False) if char.isalnum()]
            inside += sum(x0 < x < x1 for x in at)
            beside += sum(x0 - reach < x < x0 or x1 < x < x1 + reach for x in at)
    return inside, beside


def _restyled(p: Proposal, page: _Page, settings: RedactionSettings) -> Proposal:
    """What a proposal is, seen together with the text: an even dither is a shaded fill.

    A ragged black fill as high as a line, with letters beside it and none in it, is the stroke of an opaque pen.
    """
    x0, y0, x1, y1 = p.box
    if p.style == "marker" and _is_dither(p, page, settings):
        return replace(p, style="shaded", evidence=p.evidence | {"dithered": True})
    if p.style != "solid" or p.evidence["straight"] > settings.straight_min["solid"]:
        return p
    low, high = settings.pen_lines
    if not low < (y1 - y0) / page.line_height < high or x1 - x0 < settings.pen_aspect_min * (y1 - y0):
        return p
    inside, beside = _letters_of_row(p.box, page)
    if inside or beside < settings.pen_letters_min or p.evidence["covered"] < settings.pen_covered_min:
        return p
    evidence = p.evidence | {"density": p.evidence["covered"], "opaque": True}
    return replace(p, style="marker", evidence=evidence)


def _line_by_line(proposed: Sequence[Proposal], page: _Page, settings: RedactionSettings) -> list[Proposal]:
    """Proposals, those see-through strokes apart that run together over several lines of type."""
    high = settings.marker_lines[1] * page.line_height
    over = [i for i, p in enumerate(proposed) if _is_over_lines(p, high, page, settings)]
    page_type = measure_type(page.lines, page.scan.dpi) if over else None
    out = list(proposed)
    if page_type is None:
        return out
    for i in over:
        x0, y0, x1, y1 = proposed[i].box
        lines = (y1 - y0 - abs(page_type.slope) * (x1 - x0)) / page_type.pitch
        if round(lines) > 1 and abs(lines / round(lines) - 1) < settings.line_by_line:
            parts = rows_of_stroke(proposed[i], round(lines), page_type.slope, page.scan)
            out += parts if _are_strokes(parts, page, settings) else []
    return out


def _are_strokes(parts: Sequence[Proposal], page: _Page, settings: RedactionSettings) -> bool:
    """Whether words show in each part of a dark area, and the parts do not all end alike, as those of a label do."""
    ends = np.ptp([(p.box[0], p.box[2]) for p in parts], axis=0)
    lettered = [_letters_of_row(p.box, page)[0] >= settings.words_min for p in parts]
    return max(ends) > page.scan.mm(settings.uneven_ends_mm) and all(lettered)


def _is_over_lines(p: Proposal, high: float, page: _Page, settings: RedactionSettings) -> bool:
    """Whether a dense area higher than a line lets words show on most of them."""
    y0, y1 = p.box[1::2]
    if p.style != "marker" or p.polygon or y1 - y0 < high or p.evidence["density"] > settings.see_through_max:
        return False
    if p.evidence["closed"] < settings.over_lines_closed_min or p.evidence["core"] < settings.over_lines_core_min:
        return False
    read = sum(sum(map(str.isalpha, words)) for words, sure in _inner_text(p.box, page) if sure > settings.read_min)
    return read > settings.line_letters_min * (y1 - y0) / high


def _is_dither(p: Proposal, page: _Page, settings: RedactionSettings) -> bool:
    """Whether dots of a grey fill a box evenly, with no letters among them."""
    x0, y0, x1, y1 = p.box
    e, (light, dark) = p.evidence, settings.dither_density
    if min(e["closed"], e["core"]) < settings.dither_whole_min or not light < e["density"] < dark:
        return False
    narrow = max(page.scan.mm(settings.dither_width_min_mm), settings.marker_aspect_min * (y1 - y0))
    if x1 - x0 < min(narrow, page.scan.mm(settings.dither_wide_mm)):
        return False
    if y1 - y0 < settings.marker_lines[0] * page.line_height:
        return False
    patch, cell = page.scan.ink[y0:y1, x0:x1], page.scan.mm(settings.dither_cell_mm)
    size = (max(1, round((x1 - x0) / cell)), max(1, round((y1 - y0) / cell)))
    shares = cv2.resize(patch.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    if p.polygon:
        if e["straight"] < settings.stepped_straight_min:
            return False
        outline = np.rint((np.array(p.polygon) - (x0, y0)) / cell).astype(np.int32)
        mask = cv2.fillPoly(np.zeros(size[::-1], np.uint8), [outline], (1,))
        shares = shares[cv2.erode(mask, np.ones((3, 3), np.uint8), borderValue=0) > 0]
    return (
        shares.size > 0
        and float(shares.std()) < settings.dither_uneven_max
        and _letters_of_row(p.box, page)[0] < settings.words_min
        and _hatched(patch, 0, page.scan, settings) < settings.hatched_min
    )


def _reason(p: Proposal, page: _Page, settings: RedactionSettings) -> str | None:
    """Why a proposal is no redaction; ``None`` when it is one."""
    if p.style == "outlined":
        return _outlined_reason(p, page, settings)
    edge, (x0, y0, x1, y1) = page.scan.mm(settings.edge_mm), p.box
    if x0 < edge or y0 < edge or x1 > page.scan.width - edge or y1 > page.scan.height - edge:
        return "edge of the scan"
    if _is_bed(p.box, page.scan, settings):
        return "edge of the scan"
    if _in_empty_margin(p.box, page, settings):
        return "margin"
    if "dithered" in p.evidence:
        return "upright bar" if y1 - y0 > settings.upright_max * (x1 - x0) else None
    return (_marker_reason if p.style == "marker" else _fill_reason)(p, page, settings)


def _is_bed(box: Box, scan: Scan, settings: RedactionSettings) -> bool:
    """Whether a fill is the black round a copy: it runs along most of a side of the page, and close to it."""
    x0, y0, x1, y1 = box
    near = scan.mm(settings.bed_mm)
    level = x1 - x0 > settings.bed * scan.width and min(y0, scan.height - y1) < near
    upright = y1 - y0 > settings.bed * scan.height and min(x0, scan.width - x1) < near
    return level or upright


def _in_empty_margin(box: Box, page: _Page, settings: RedactionSettings) -> bool:
    """Whether a box lies at the left or right side of the page, where no line of text reaches."""
    x0, _, x1, _ = box
    if min(x0 + x1, 2 * page.scan.width - x0 - x1) > 2 * page.scan.mm(settings.margin_mm):
        return False
    lines = [t.box for t in page.lines if t.confidence > settings.read_min and sum(map(str.isalpha, t.text)) > 2]
    return not any(min(x1, b[2]) - max(x0, b[0]) > 0.5 * (x1 - x0) for b in lines)


def _outlined_reason(p: Proposal, page: _Page, settings: RedactionSettings) -> str | None:
    x0, y0, x1, y1 = p.box
    edge = page.scan.mm(settings.frame_mm)
    if sum((x0 < edge, y0 < edge, x1 > page.scan.width - edge, y1 > page.scan.height - edge)) > 2:
        return "frame of the page"
    inner = [(s, c) for s, c in _inner_text(p.box, page) if s]
    words = [s for s, c in inner if not CODE.match(s)]
    coded = bool(inner) and not words
    m = round(page.scan.mm(settings.inset_mm))
    patch = page.scan.ink[y0:y1, x0:x1].copy()
    for a0, b0, a1, b1 in (line.box for line in page.laid_over):
        patch[max(0, b0 - y0) : max(0, b1 - y0), max(0, a0 - x0) : max(0, a1 - x0)] = False
    slope = p.evidence["slope"]
    strays = m / 2 < abs(slope) * (x1 - x0) < settings.lean_max * (x1 - x0)
    patch = (_set_level(patch, slope) if strays else patch)[m:-m, m:-m]
    inked = float(patch.mean()) if patch.size else 0.0
    p.evidence.update(inside=inked, coded=coded)
    empty = inked <= settings.dust_max and not p.evidence["overshoot"] and min(p.evidence["sides"]) > 0.5
    clear = sum(ch.isalpha() for s, c in inner if c > settings.clear_min and not _is_lines(s) for ch in s)
    framed = inked > settings.dust_max and min(p.evidence["sides"]) > settings.hatched_side_min
    framed = framed and clear < settings.clear_letters_min
    framed = framed and x1 - x0 > page.scan.mm(settings.hatched_width_min_mm)
    p.evidence["hatched"] = _hatched(patch, m, page.scan, settings) if framed else 0.0
    if p.evidence["hatched"] > settings.hatched_min:
        return None if p.evidence["overshoot"] <= settings.overshoot_max else CELL
    if p.evidence["lined"]:
        return "not empty"
    if p.evidence["weight_mm"] > (settings.frame_empty_max_mm if empty else settings.frame_max_mm):
        return "heavy frame"
    if coded:
        return None if p.evidence["overshoot"] <= settings.overshoot_max else CELL
    if min(p.evidence["sides"]) < settings.side_open and p.evidence["uneven"] > settings.uneven_max:
        return UNLIKE
    letters = sum(ch.isalpha() for s in words for ch in s)
    if x1 - x0 < page.scan.mm(settings.empty_width_min_mm):
        return "tick box or letter"
    if inked > settings.dust_max and letters >= settings.words_min:
        return "legible text inside"
    if inked > settings.inside_max and (p.evidence["overshoot"] or not _centred(patch, settings)):
        return "not empty"
    hairline = p.evidence["weight_mm"] < settings.hairline_max_mm
    if inked > settings.dust_max and p.evidence["overshoot"] and not hairline:
        return "not empty"
    if p.evidence["overshoot"] > (settings.overshoot_max if hairline else settings.overshoot_printed_max):
        return CELL
    if min(p.evidence["sides"]) < settings.side_open and (
        not hairline or (p.evidence["overshoot"] > 1 and p.evidence["weight_mm"] > settings.open_hairline_max_mm)
    ):
        return OPEN_FIELD
    return None


def _is_lines(text: str) -> bool:
    """Whether a reading is what slanting lines look like: the same letters over and over."""
    return len(set(text.upper().strip())) <= 2


def _set_level(patch: np.ndarray, slope: float) -> np.ndarray:
    """The ink of a leaning box, its columns shifted so that its sides are level."""
    h, w = patch.shape
    fall = slope * w
    if h <= abs(fall) + 1:
        return patch
    matrix = np.array([[1, 0, 0], [slope, 1, max(0.0, -fall)]])
    size = (w, round(h - abs(fall)))
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(patch.view(np.uint8), matrix, size, flags=flags)).view(bool)


def _hatched(patch: np.ndarray, inset: int, scan: Scan, settings: RedactionSettings) -> float:
    """How much of a box is struck through: by parallel slanting lines, or by a cross from corner to corner.

    Lines are what stays of the ink after opening with a slanting line longer than the strokes of letters. The result is
    the share of the ink that belongs to them, 0..1. `inset` is by how much the patch is smaller than its box.
    """
    factor = max(1, round(scan.dpi / settings.hatch_dpi))
    if min(patch.shape) < scan.mm(settings.hatch_mm) + factor:
        return 0.0
    h, w = (n // factor for n in patch.shape)
    ink = patch[: h * factor : factor, : w * factor : factor].view(np.uint8)
    thick = (cv2.resize(patch.astype(np.uint8) * 255, (w, h), interpolation=cv2.INTER_AREA) > 0).view(np.uint8)
    if ink.mean() < settings.cross_ink_max:
        left, right, top, bottom = -inset // factor, w - 1 + inset // factor, -inset // factor, h - 1 + inset // factor
        diagonals = (((left, top), (right, bottom)), ((left, bottom), (right, top)))
        narrow, cross = ([np.zeros_like(ink), np.zeros_like(ink)] for _ in range(2))
        broad = 2 * round(scan.mm(settings.cross_stray_mm) / factor) + 1
        for (a, b), thin, wide in zip(diagonals, narrow, cross, strict=True):
            cv2.line(thin, a, b, (1,), 1)
            cv2.line(wide, a, b, (1,), broad)
        dilated = cv2.dilate(thick, np.ones((broad, broad), np.uint8))
        on_cross = float(ink[(cross[0] | cross[1]) > 0].sum() / max(1, ink.sum()))
        whole = min(dilated[thin > 0].mean() for thin in narrow) > settings.cross_whole_min
        if whole and on_cross > settings.hatched_min:
            return on_cross
    best = 0.0
    length = round(scan.mm(settings.hatch_mm) / factor)
    for slope in settings.hatch_slopes:
        line = np.zeros((length, max(2, round(length / slope))), np.uint8)
        cv2.line(line, (0, 0), (line.shape[1] - 1, length - 1), 1)
        shares = []
        for element in (line, line[:, ::-1]):
            kept = cv2.morphologyEx(thick, cv2.MORPH_OPEN, element, borderType=cv2.BORDER_CONSTANT, borderValue=0)
            across = (kept.any(0).mean() + kept.any(1).mean()) / 2
            shares.append(float(kept.sum() / max(1, thick.sum()) * across))
        best = max(best, max(shares) - min(shares))  # what is black all over holds lines of every slope
    return best


def _centred(patch: np.ndarray, settings: RedactionSettings) -> bool:
    """Whether a box holds one small thing in its middle, as a code that could not be read."""
    columns = np.flatnonzero(patch.any(0))
    if not columns.size or patch.mean() > settings.code_ink_max:
        return False
    left, right = columns[0] / patch.shape[1], 1 - (columns[-1] + 1) / patch.shape[1]
    return min(left, right) > settings.code_margin_min and abs(left - right) < settings.code_off_max


def _fill_reason(p: Proposal, page: _Page, settings: RedactionSettings) -> str | None:
    x0, y0, x1, y1 = p.box
    if x1 - x0 < page.scan.mm(settings.fill_width_min_mm[p.style]):
        return "too narrow"
    if y1 - y0 < settings.thin_max * page.line_height:
        return "too thin"
    if y1 - y0 > settings.upright_max * (x1 - x0):
        return "upright bar"
    e = p.evidence
    if p.style == "shaded" and e["paper"] < settings.paper_min:
        return "toned paper"
    stepped = y1 - y0 > page.scan.mm(settings.stepped_height_min_mm) and x1 - x0 > page.scan.mm(
        settings.stepped_width_min_mm
    )
    if not (
        e["rectangular"] > settings.rectangular_min[p.style] and e["straight"] > settings.straight_min[p.style]
    ) and not (
        stepped
        and (
            (e["rectangular"] > settings.stepped_min and e["straight"] > settings.stepped_straight_min)
            or (e["rectangular"] > settings.ruled_min and e["straight"] > settings.ruled_straight_min)
        )
    ):
        return "not straight"
    drawn = min(e["rectangular"], e["straight"]) > settings.ruled_bar_min
    if not drawn and min(e["above"] + e["below"], e["left"] + e["right"]) > settings.ground_max:
        return "part of a picture"
    bar = e["straight"] > settings.ruled_bar_min and e["even"] > settings.bar_even_min
    if not bar and sorted(e[side] for side in SIDES)[2] > settings.side_dark < max(e["left"], e["right"]):
        return "part of a picture"
    if y1 - y0 < settings.strike_lines_max * page.line_height and min(e["above"], e["below"]) > settings.stems_min:
        return "struck through"
    if p.evidence["even"] < settings.even_min:
        return "picture"
    letters = settings.fill_words_min[p.style]
    words = [s for s, c in _inner_text(p.box, page) if c > settings.read_min and not CODE.match(s)]
    if e["covered"] < settings.opaque_min[p.style] and sum(ch.isalpha() for s in words for ch in s) >= letters:
        return "legible text inside"
    return None


def _marker_reason(p: Proposal, page: _Page, settings: RedactionSettings) -> str | None:
    if "opaque" in p.evidence:
        return None if p.evidence["above"] + p.evidence["below"] < settings.pen_around_max else "struck through"
    x0, y0, x1, y1 = p.box
    w, h = x1 - x0, y1 - y0
    e = p.evidence
    lines = h / page.line_height
    heavy = e["density"] > settings.heavy_min and e["core"] > settings.heavy_min
    if not (settings.heavy_lines_min if heavy else settings.marker_lines[0]) <= lines <= settings.marker_lines[1]:
        return "no line of type"
    if w < page.scan.mm(settings.marker_width_min_mm) or w < settings.marker_aspect_min * h:
        return "too narrow"
    wide = w > page.scan.mm(settings.dither_wide_mm)
    dithered = wide and e["closed"] > settings.dither_closed_min and e["core"] > settings.dither_core_min
    around = [e[side] for side in SIDES]
    clear_cut = sum(around) < settings.legible_around_max and _letters_of_row(p.box, page)[0] >= settings.words_min
    closed_min = settings.legible_closed_min if clear_cut else settings.marker_closed_min
    if not dithered and (e["density"] < settings.marker_density_min or e["closed"] < closed_min):
        return "too light"
    short = w < settings.long_stroke * page.line_height
    if e["core"] < (settings.marker_core_min if short else settings.long_core_min):
        return "lettering"
    if max(around[:2]) > settings.strip_max or sum(around) > settings.around_max:
        return "struck through or picture"
    words = [s for s, c in _inner_text(p.box, page) if c > settings.read_min and not CODE.match(s)]
    if e["density"] > settings.heavy_min and sum(ch.isalpha() for s in words for ch in s) >= settings.words_min:
        return "legible text inside"
    clear = [s for s, c in _inner_text(p.box, page) if c > settings.clear_min]
    if short and sum(ch.isalpha() for s in clear for ch in s) >= settings.clear_letters_min:
        return "heavy type"
    dense = e["density"] > settings.lettering_density and e["core"] < settings.lettering_core_max
    if dense and _is_lettering(p, clear, page, settings):
        return "heavy type"
    if max(e["left"], e["right"]) > settings.flank_max or min(e["left"], e["right"]) > settings.flank_max / 2:
        return "part of a word"
    in_banner_zone = y0 < settings.banner_zone * page.scan.height or y1 > (1 - settings.banner_zone) * page.scan.height
    drawn = e["closed"] > settings.drawn_min and e["above"] + e["below"] < settings.drawn_around_max
    if in_banner_zone and not drawn:
        return "struck banner"
    return "struck banner" if _is_captioned_level(p.box, page, settings) else None


def _is_lettering(p: Proposal, clear: Sequence[str], page: _Page, settings: RedactionSettings) -> bool:
    """Whether dense ink is letters as heavy as others on the page, or such as can be read."""
    if sum(ch.isalpha() for s in clear for ch in s) >= settings.clear_letters_min:
        return True
    x0, y0, x1, y1 = p.box
    typed, beside, reach = [], [0.0], 4 * page.line_height
    for line in page.lines:
        a, b, c, d = line.box
        if line.confidence < settings.read_min or sum(map(str.isalpha, line.text)) < settings.clear_letters_min:
            continue
        if intersection(line.box, p.box) > 0:
            continue
        typed.append(_core_ink(line.box, page.scan))
        if min(y1, d) - max(y0, b) > 0.5 * max(y1 - y0, d - b) and max(a - x1, x0 - c) < reach:
            beside.append(typed[-1])
    heaviest = max(float(np.median(typed or [0.0])), *beside)
    return _core_ink(p.box, page.scan) < settings.lettering_excess * heaviest


def _core_ink(box: Box, scan: Scan) -> float:
    """Share of ink in the middle of a line, between the tops and the feet of its small letters."""
    x0, y0, x1, y1 = box
    trim = round(0.3 * (y1 - y0))
    core = scan.ink[max(0, y0 + trim) : y1 - trim, max(0, x0) : x1]
    return float(core.mean()) if core.size else 0.0


CAPTION = re.compile(r"CLASSIFICATION")
"""What forms print above the level that is typed there, and struck out when the paper is declassified."""


def _is_captioned_level(box: Box, page: _Page, settings: RedactionSettings) -> bool:
    _, y0, _, y1 = box
    reach = settings.level_lines * page.line_height
    captions = [t.box for t in page.lines if CAPTION.search(t.text) and t.text.upper() == t.text]
    return any(b < y1 + reach and d > y0 - reach for _, b, _, d in captions)


def _without_pictures(judged: Sequence[Proposal], scan: Scan, settings: RedactionSettings) -> list[Proposal]:
    """A fill amid many ragged ones is a dark part of a photograph."""
    ragged = np.array([p.box for p in judged if p.reason in ("not straight", "part of a picture")]).reshape(-1, 4)
    reach, out = scan.mm(settings.picture_reach_mm), []
    for p in judged:
        x0, y0, x1, y1 = p.box
        near = (ragged[:, 0] < x1 + reach) & (ragged[:, 2] > x0 - reach)
        near &= (ragged[:, 1] < y1 + reach) & (ragged[:, 3] > y0 - reach)
        picture = p.reason is None and p.style in ("solid", "shaded") and near.sum() >= settings.picture_pieces_min
        out.append(replace(p, reason="part of a picture") if picture else p)
    return out


def _without_tables(judged: Sequence[Proposal], scan: Scan, settings: RedactionSettings) -> list[Proposal]:
    """Several empty boxes with the same left and right sides are cells of a table, and so is what cells surround."""
    tolerance, out = scan.mm(1), []
    empty = [p for p in judged if p.reason is None and p.style == "outlined" and not p.evidence["coded"]]
    cells = [p.box for p in judged if p.reason in (CELL, UNLIKE)]
    for p in judged:
        like = [k for k in empty if max(abs(k.box[0] - p.box[0]), abs(k.box[2] - p.box[2])) < tolerance]
        x0, y0, x1, y1 = p.box
        around = (round(x0 - tolerance), round(y0 - tolerance), round(x1 + tolerance), round(y1 + tolerance))
        touching = sum(intersection(around, c) > 0 and intersection(p.box, c) < 0.5 * area(p.box) for c in cells)
        cell = len(like) >= settings.column_min or touching >= settings.cells_min
        out.append(replace(p, reason=CELL) if p in empty and cell else p)
    return out


def _to_their_rims(judged: Sequence[Proposal], scan: Scan, settings: RedactionSettings) -> list[Proposal]:
    """See-through strokes as long as their rims, of which the copy may have kept less grey."""
    return [replace(p, box=to_rim(p.box, scan)) if _is_see_through(p, settings) else p for p in judged]


def _is_see_through(p: Proposal, settings: RedactionSettings) -> bool:
    stroke = p.style == "marker" and p.reason is None and not p.polygon and "one_of" not in p.evidence
    return stroke and p.evidence["density"] < settings.see_through_max


def _with_strokes_joined(judged: Sequence[Proposal], page: _Page, settings: RedactionSettings) -> list[Proposal]:
    """Strokes that stand on one line with ink between them are one stroke, which the pen left thin there."""
    out = list(judged)
    for i in sorted(range(len(out)), key=lambda i: out[i].box[0]):
        for k, left in enumerate(out):
            right = out[i]
            if k == i or any(p.style != "marker" or p.reason is not None for p in (left, right)):
                continue
            (x0, y0, x1, y1), (a0, b0, _, b1) = left.box, right.box
            top, bottom = max(y0, b0), min(y1, b1)
            if a0 < x0 or a0 - x1 >= settings.thin_gap_lines * page.line_height:
                continue
            if bottom - top < 0.5 * min(y1 - y0, b1 - b0):
                continue
            if a0 <= x1 or page.scan.ink[top:bottom, x1:a0].mean() > settings.thin_gap_ink:
                out[i] = replace(right, box=union(left.box, right.box), score=min(left.score, right.score))
                out[k] = replace(left, reason="part of a stroke")
    return out


def _without_doubles(judged: Sequence[Proposal]) -> list[Proposal]:
    """One proposal stands for each place: a fill before a frame before a stroke."""
    rank = {"solid": 0, "shaded": 1, "outlined": 2, "marker": 3}
    order = sorted(range(len(judged)), key=lambda i: (rank[judged[i].style], -area(judged[i].box)))
    kept: list[Proposal] = []
    out = list(judged)
    for i in order:
        p = judged[i]
        if p.reason is not None:
            continue
        if any(intersection(p.box, k.box) > 0.5 * min(area(p.box), area(k.box)) for k in kept):
            out[i] = replace(p, reason="same place")
            continue
        kept.append(p)
    return out
