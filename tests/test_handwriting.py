"""Handwriting on drawn pages: found, grouped, given its role; clean type is left alone."""

from __future__ import annotations

import itertools
from dataclasses import replace
from unittest.mock import Mock

import cv2
import numpy as np
import pytest

from redactlib.detect.handread import read_anew
from redactlib.detect.handwriting import (
    HandwritingSettings,
    _Aim,
    _ends_at_caret,
    _Group,
    _Page,
    _page,
    _role,
    _shines_through,
    _windings,
    find_handwriting,
)
from redactlib.detect.interlinear import find_interlinear
from redactlib.detect.pen import find_pen, propose, strokes
from redactlib.edits import find_edits
from redactlib.layers import Layers, separate
from redactlib.marks import Bracket, Handwriting, Redaction, Stamp, area, intersection, iou
from redactlib.reading import NeuralReader, PageText, Reading, TextLine, read_page
from redactlib.scan import Scan
from redactlib.synth import DrawnPage, Edit, PageSpec, draw_page

Seen = tuple[DrawnPage, Scan, Layers, PageText]


def look(edits: tuple[Edit, ...], seed: int) -> Seen:
    page = draw_page(PageSpec(edits=edits, severity=1), seed=seed, dpi=150)
    scan = Scan(page.image, 150.0)
    return page, scan, separate(scan), read_page(scan.grey, NeuralReader())


@pytest.fixture(scope="module")
def draft() -> Seen:
    return look(
        (*[Edit(kind="strike")] * 3, Edit(kind="signature"), Edit(kind="note"), Edit(kind="insertion")), seed=11
    )


@pytest.fixture(scope="module")
def clean() -> Seen:
    return look((), seed=12)


def written_share(page: DrawnPage, found: tuple[Handwriting, ...]) -> tuple[float, float]:
    """Recall and precision by ink, as pages are scored."""
    ink = page.image < 128
    true, got = np.zeros_like(ink), np.zeros_like(ink)
    boxes = [m["box"] for m in page.truth["marks"] if m["kind"] == "handwriting"]
    for plane, some in ((true, boxes), (got, [m.box for m in found])):
        for x0, y0, x1, y1 in some:
            plane[y0:y1, x0:x1] = True
    both = (true & got & ink).sum()
    return float(both / (true & ink).sum()), float(both / max(1, (got & ink).sum()))


def test_most_of_the_pen_is_found_and_little_else(draft: Seen) -> None:
    page, scan, layers, text = draft
    recall, precision = written_share(page, find_handwriting(scan, layers, text))
    assert recall > 0.6
    assert precision > 0.6


def test_clean_type_is_not_handwriting(clean: Seen) -> None:
    page, scan, layers, text = clean
    ink = page.image < 128
    taken = sum(
        int(ink[y0:y1, x0:x1].sum()) for x0, y0, x1, y1 in (m.box for m in find_handwriting(scan, layers, text))
    )
    assert taken <= 0.005 * ink.sum()


def test_struck_words_are_read_under_the_strike(draft: Seen) -> None:
    page, scan, layers, text = draft
    struck = [m for m in page.truth["marks"] if m.get("role") == "strike"]
    found = [m for m in find_handwriting(scan, layers, text) if m.role == "strike"]
    hits = [f for f in found if any(intersection(f.box, tuple(s["box"])) > 0.3 * area(f.box) for s in struck)]
    assert hits
    assert any(f.struck_text for f in hits)


def test_without_the_model_rules_find_a_large_hand(draft: Seen) -> None:
    page, scan, _, text = draft
    recall, _ = written_share(page, find_handwriting(scan, None, text))
    assert recall > 0.2


def test_boxes_lie_on_the_page_and_come_in_reading_order(draft: Seen) -> None:
    _, scan, layers, text = draft
    boxes = [m.box for m in find_handwriting(scan, layers, text)]
    assert all(0 <= x0 < x1 <= scan.width and 0 <= y0 < y1 <= scan.height for x0, y0, x1, y1 in boxes)
    assert boxes == sorted(boxes, key=lambda b: (b[1], b[0]))


def test_a_blank_page_has_no_handwriting() -> None:
    scan = Scan(np.full((640, 480), 255, np.uint8), 150.0)
    assert find_handwriting(scan, separate(scan), PageText()) == ()
    assert find_handwriting(scan, None, PageText()) == ()


def test_strokes_that_nearly_touch_are_one() -> None:
    mask = np.zeros((60, 60), bool)
    mask[10:30, 10:12] = mask[10:30, 14:16] = mask[40:55, 40:42] = True
    assert sorted(strokes(mask)) == [(10, 10, 16, 30), (40, 40, 42, 55)]


def test_the_bars_of_a_hatched_border_are_no_pens() -> None:
    image = np.full((640, 900), 255, np.uint8)
    for i in range(20):
        x = 40 + 40 * i
        cv2.fillPoly(image, [np.array([[x, 60], [x + 12, 60], [x + 42, 20], [x + 30, 20]])], 0)
    cv2.putText(image, "R. Smith", (300, 400), cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, 2.0, 0, 3)
    scan = Scan(image, 150.0)
    layers = replace(separate(scan), handwriting=np.full_like(separate(scan).handwriting, 255))
    proposed = propose(scan, layers)
    rows = np.flatnonzero(proposed.mask.any(1)) / proposed.scale
    assert rows.min() > 300
    assert rows.max() < 450


def typescript(*, spacing_px: int, between: str = "", confidence: float = 0.85, x0: int = 300) -> tuple[Scan, PageText]:
    """Eight lines of type at 150 dpi, and neat capitals between the third and the fourth, read as a line like them."""
    image = np.full((640, 900), 255, np.uint8)
    lines = [("we are  agreed that  nothing should be done in haste", 80, 60 + spacing_px * i, 0.98) for i in range(8)]
    if between:
        lines.append((between, x0, 60 + spacing_px * 5 // 2, confidence))
    read = []
    for words, x0, y, sure in lines:
        cv2.putText(image, words, (x0, y + 20), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 0, 2)
        x1 = x0 + cv2.getTextSize(words, cv2.FONT_HERSHEY_SIMPLEX, 0.8, 2)[0][0]
        corners = np.array([[x0, y], [x1, y], [x1, y + 26], [x0, y + 26]], np.float32)
        centres = tuple((i + 0.5) / len(words) for i in range(len(words)))
        read.append(TextLine((x0, y, x1, y + 26), corners, 0.0, Reading(words, sure, None, centres)))
    return Scan(image, 150.0), PageText(tuple(read))


def test_neat_capitals_between_the_lines_of_a_draft_are_an_insertion() -> None:
    scan, text = typescript(spacing_px=60, between="IN VIENNA")
    ((box, gap),) = find_interlinear(scan.grey < 128, 1.0, scan.mm(1.0), text)
    assert gap.below is text.lines[3]
    assert intersection(box, text.lines[-1].box) > 0.8 * area(box)
    inserted = [m for m in find_handwriting(scan, separate(scan), text) if m.role == "insertion"]
    assert [m.text for m in inserted] == ["IN VIENNA"]
    assert inserted[0].anchor is not None
    assert text.lines[3].box[1] < inserted[0].anchor[1] < text.lines[3].box[3]


def test_between_single_spaced_lines_and_where_a_line_of_type_begins_nothing_was_inserted() -> None:
    for scan, text in (
        typescript(spacing_px=60),
        typescript(spacing_px=30),
        typescript(spacing_px=60, between="IN VIENNA", confidence=0.99, x0=80),
    ):
        assert find_interlinear(scan.grey < 128, 1.0, scan.mm(1.0), text) == []


def test_an_insertion_may_be_as_neat_as_type() -> None:
    scan, text = typescript(spacing_px=60, between="IN VIENNA", confidence=0.99)
    assert [m.text for m in find_handwriting(scan, separate(scan), text) if m.role == "insertion"] == ["IN VIENNA"]


def test_type_of_the_back_that_shines_through_is_no_insertion() -> None:
    scan, text = typescript(spacing_px=60, between="SEGERAHC")
    x0, y0, x1, y1 = text.lines[-1].box
    image = scan.image.copy()
    image[y0:y1, x0:x1] = image[y0:y1, x0:x1][:, ::-1]
    back, layers = Scan(image, 150.0), replace(separate(scan), handwriting=np.zeros_like(separate(scan).handwriting))
    for page, read in ((scan, 1), (back, 0)):
        found = find_handwriting(page, layers, text, reader=NeuralReader())
        assert sum(m.role == "insertion" for m in found) == read


@pytest.mark.parametrize("pen_px", [2, 4])
def test_an_insertion_aims_at_its_caret_and_names_the_words_beside_it(pen_px: int) -> None:
    scan, text = typescript(spacing_px=60, between="IN VIENNA")
    image = scan.image.copy()
    x0, x1, y = text.lines[3].box[0], text.lines[3].box[2], text.lines[3].box[3]
    apex = round(x0 + (x1 - x0) * 29.5 / len(text.lines[3].text))  # in the gap after "nothing"
    image[y - 24 : y + 12, apex - 12 : apex + 13] = 255
    cv2.polylines(image, [np.array([[apex - 8, y + 9], [apex, y - 5], [apex + 8, y + 9]])], False, 0, pen_px)
    marked = Scan(image, 150.0)
    mark, caret = (m for m in find_handwriting(marked, separate(marked), text) if m.role == "insertion")
    assert mark.anchor is not None
    assert abs(mark.anchor[0] - apex) < 8
    assert mark.evidence.items() >= {"before": "nothing", "behind": "should"}.items()
    assert (caret.anchor, caret.text, caret.evidence) == (mark.anchor, None, {"caret": True})
    assert intersection(caret.box, (apex - 9, y - 6, apex + 10, y + 11)) > 0.7 * area(caret.box)
    named = [replace(m, id=f"m{i}") for i, m in enumerate((mark, caret))]
    (edit,) = find_edits(named, page=1, dpi=150.0)
    assert edit.kind == "insertion"
    assert set(edit.marks) == {"m0", "m1"}


def test_an_insertion_that_touches_the_line_above_is_found_where_it_was_read() -> None:
    scan, text = typescript(spacing_px=60, between="IN VIENNA")
    image, read = scan.image.copy(), text.lines[-1].box
    for x in range(read[0] + 4, read[2], 6):
        cv2.line(image, (x, text.lines[2].box[3] - 10), (x, read[1] + 8), 0, 2)
    ((box, _),) = find_interlinear(image < 128, 1.0, scan.mm(1.0), text)
    assert intersection(box, read) > 0.7 * area(read)


def test_an_insertion_runs_on_into_the_margin_and_may_stand_before_the_first_word_of_a_line() -> None:
    scan, text = typescript(spacing_px=60, between="IN VIENNA", x0=640)
    (mark,) = (m for m in find_handwriting(scan, separate(scan), text) if m.role == "insertion")
    assert mark.box[2] > text.lines[-1].box[2] - 6
    assert mark.evidence.items() >= {"before": "haste", "behind": "we"}.items()
    scan, text = typescript(spacing_px=60, between="IN VIENNA", x0=40)
    image, y = scan.image.copy(), text.lines[3].box[3]
    cv2.polylines(image, [np.array([[62, y + 9], [70, y - 5], [78, y + 9]])], False, 0, 2)
    marked = Scan(image, 150.0)
    mark, caret = (m for m in find_handwriting(marked, separate(marked), text) if m.role == "insertion")
    assert mark.evidence.items() >= {"before": "haste", "behind": "we"}.items()
    assert caret.evidence["caret"]


def test_script_whose_letters_are_joined_does_not_shine_through() -> None:
    back = Handwriting(box=(0, 0, 90, 30), confidence=0.7, role="insertion", evidence={"pen": 0.1, "longest_mm": 2.5})
    settings = HandwritingSettings()
    assert _shines_through(replace(back, evidence={**back.evidence, "text_probability": 0.3}), settings)
    assert not _shines_through(
        replace(back, evidence={"pen": 0.1, "longest_mm": 6.0, "text_probability": 0.3}), settings
    )


def test_a_letter_that_looks_like_a_caret_is_none() -> None:
    scan, text = typescript(spacing_px=60, between="IN VIENNA")
    image, line = scan.image.copy(), text.lines[3]
    y, apex = (line.box[1] + line.box[3]) // 2, (text.lines[-1].box[0] + text.lines[-1].box[2]) // 2
    image[y - 24 : y + 24, apex - 14 : apex + 15] = 255
    cv2.polylines(image, [np.array([[apex - 8, y + 8], [apex, y - 8], [apex + 8, y + 8]])], False, 0, 2)
    marked = Scan(image, 150.0)
    found = [m for m in find_handwriting(marked, separate(marked), text) if m.role == "insertion"]
    assert [m.evidence.get("caret", False) for m in found] == [False]


def test_a_level_that_stands_by_a_bracket_is_no_insertion() -> None:
    scan, text = typescript(spacing_px=60, between="(S)")
    x0, y0, _, y1 = text.lines[-1].box
    bracket = Bracket(box=(x0 - 24, y1 - 10, x0 - 6, y1 + 50), confidence=0.9, side="close", form="drawn")
    for brackets, roles in (((), ["insertion"]), ((bracket,), ["mark"])):
        found = find_handwriting(scan, separate(scan), text, (), brackets)
        assert [m.role for m in found if intersection(m.box, (x0, y0, x0 + 60, y1)) > 0.5 * area(m.box)] == roles


@pytest.mark.parametrize(("high", "role"), [(4, "mark"), (14, "insertion")], ids=["an underline", "a word"])
def test_what_was_gone_over_between_lines_is_a_word_only_if_it_is_as_high(high: int, role: str) -> None:
    scan, text = typescript(spacing_px=60)
    strokes = np.zeros((2 * high + 4, 190), np.uint8)
    for x in (32, 92, 152):  # it has loops, as words do
        cv2.ellipse(strokes, (x, high + 2), (31, high), 0, 0, 360, 1, 2)
    y = (text.lines[2].box[3] + text.lines[3].box[1]) // 2
    mask = strokes > 0
    group = _Group((300, y - high, 490, y + high + 4), 0.9, mask, mask)
    page = _Page(text.lines, text.lines, [], (), scan.mm(1.0), 26.0, scan.mm(12.0))
    assert _role(group, page, HandwritingSettings()) == role


def test_the_line_above_an_insertion_may_be_the_short_end_of_a_paragraph() -> None:
    scan, text = typescript(spacing_px=60, between="IN VIENNA")
    image, short = scan.image.copy(), text.lines[2]
    image[short.box[1] : short.box[3] + 4, 250:] = 255
    box = (short.box[0], short.box[1], 250, short.box[3])
    corners = np.array([[box[0], box[1]], [250, box[1]], [250, box[3]], [box[0], box[3]]], np.float32)
    ended = TextLine(box, corners, 0.0, Reading("we are agreed", 0.98))
    lines = tuple(ended if line is short else line for line in text.lines)
    ((found, gap),) = find_interlinear(image < 128, 1.0, scan.mm(1.0), PageText(lines))
    assert gap.above is ended
    assert intersection(found, text.lines[-1].box) > 0.8 * area(found)


def drawn_over(*strokes: tuple[int, int, int, int], pen_px: int = 3, higher_px: int = 0) -> list[Handwriting]:
    """What is found of straight strokes, given by their ends, over a line of type whose middle is 193.

    The line may have been read as higher than it is, as lines are that the pen's strokes stick out of.
    """
    scan, text = typescript(spacing_px=60)
    x0, y0, x1, y1 = text.lines[2].box
    y0, y1 = y0 - higher_px, y1 + higher_px
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)
    high = replace(text.lines[2], box=(x0, y0, x1, y1), corners=corners)
    text = PageText((*text.lines[:2], high, *text.lines[3:]))
    image = scan.image.copy()
    for x0, y0, x1, y1 in strokes:
        cv2.line(image, (x0, y0), (x1, y1), 0, pen_px)
    over = Scan(image, 150.0)
    return [m for m in find_handwriting(over, separate(over), text) if m.role == "strike"]


@pytest.mark.parametrize("rise", [0, 2])
def test_a_line_through_words_is_a_strike_of_its_own(rise: int) -> None:
    (strike,) = drawn_over((161, 193 + rise, 303, 193 - rise))
    assert abs(strike.box[0] - 161) < 12
    assert abs(strike.box[2] - 303) < 12
    assert strike.struck_text == "agreed that"


def test_two_lines_through_words_are_one_strike() -> None:
    assert len(drawn_over((161, 190, 303, 190), (161, 195, 303, 195), pen_px=2)) == 1


@pytest.mark.parametrize("higher_px", [0, 10])
def test_a_zigzag_through_words_is_a_strike(higher_px: int) -> None:
    points = [(164 + 8 * i, 202 if i % 2 else 182) for i in range(17)]
    (strike,) = drawn_over(*((*a, *b) for a, b in itertools.pairwise(points)), pen_px=2, higher_px=higher_px)
    assert abs(strike.box[0] - 164) < 12
    assert abs(strike.box[2] - 292) < 12


def test_a_short_word_is_struck_though_a_caret_hides_one_end_of_the_stroke() -> None:
    caret = ((344, 202, 352, 188), (352, 188, 360, 202))
    (strike,) = drawn_over((298, 193, 352, 191), *caret)
    assert strike.struck_text == "nothing"


@pytest.mark.parametrize(
    ("high", "probability", "words"),
    [(6, 0.75, "agreed"), (6, 0.5, "ayr"), (20, 0.75, None), (20, 0.9, "agreed"), (80, 0.9, "ayr")],
)
def test_words_under_a_zigzag_must_read_better_than_those_under_a_line(
    high: int, probability: float, words: str
) -> None:
    strike = Handwriting(box=(100, 90, 220, 90 + high), confidence=0.7, role="strike", struck_text="ayr")
    reader = Mock()
    reader.read.side_effect = lambda crops, careful: [Reading("agreed", probability) for _ in crops]
    (read,) = read_anew([strike], Scan(np.full((300, 400), 255, np.uint8), 150.0), 26.0, reader)
    assert read.struck_text == words


def test_slashes_and_rings_wind_less_than_writing() -> None:
    slash = cv2.line(np.zeros((34, 34), np.uint8), (1, 32), (32, 1), 1, 2) > 0
    ring = cv2.circle(np.zeros((34, 34), np.uint8), (16, 16), 15, 1, 2) > 0
    least = HandwritingSettings().windings_min
    assert _windings(slash) < _windings(ring) < least
    assert _windings(np.hstack([ring, ring])) > least
    assert _windings(np.hstack([ring, np.zeros((34, 4), bool), slash])) == float("inf")


@pytest.mark.parametrize(("caret", "ends"), [(346, True), (None, False), (420, False)])
def test_a_short_strike_counts_where_it_ends_at_a_caret(caret: int | None, ends: bool) -> None:
    scan, text = typescript(spacing_px=60)
    page = _page(scan, find_pen(scan, None, text, ()), text, (), HandwritingSettings())
    strike = Handwriting(box=(310, 250, 350, 255), confidence=0.7, role="strike")
    assert _ends_at_caret(strike, [_Aim(text.lines[3], 346, caret)], page) is ends


def test_letters_that_touch_are_no_strike() -> None:
    scan, text = typescript(spacing_px=60)
    image = cv2.dilate(255 - scan.image, np.ones((1, 5), np.uint8))
    heavy = Scan(255 - image, 150.0)
    assert [m for m in find_handwriting(heavy, separate(heavy), text) if m.role == "strike"] == []


def test_a_stamp_that_is_struck_gives_its_strike() -> None:
    image = np.full((640, 900), 255, np.uint8)
    cv2.putText(image, "TOP SECRET", (300, 95), cv2.FONT_HERSHEY_SIMPLEX, 1.6, 0, 5)
    cv2.line(image, (330, 110), (540, 45), 0, 4)
    scan, text = Scan(image, 150.0), PageText()
    stamp = Stamp(box=(300, 60, 580, 98), confidence=0.9, text="TOP SECRET", family="classification", struck=True)
    (strike,) = (m for m in find_handwriting(scan, separate(scan), text, (stamp,)) if m.role == "strike")
    assert iou(strike.box, (330, 45, 540, 110)) > 0.6
    assert strike.struck_text == "TOP SECRET"
    live = replace(stamp, struck=False)
    assert not any(m.struck_text for m in find_handwriting(scan, separate(scan), text, (live,)))


def test_an_underline_and_a_rule_across_the_page_strike_nothing_out() -> None:
    assert drawn_over((200, 207, 330, 207)) == []
    assert drawn_over((5, 193, 890, 193)) == []


def test_what_is_left_of_a_bracket_is_no_note() -> None:
    page, scan, layers, text = look((Edit(kind="note"),), seed=13)
    (note,) = (m for m in page.truth["marks"] if m["kind"] == "handwriting")
    as_bracket = Bracket(box=tuple(note["box"]), confidence=0.9, side="open", form="drawn")
    found = find_handwriting(scan, layers, text, (), (as_bracket,))
    assert not any(intersection(m.box, as_bracket.box) > 0.5 * area(m.box) for m in found)


def test_what_a_marker_withholds_is_not_written_but_a_level_under_it_is_struck() -> None:
    page, scan, layers, text = look((Edit(kind="note"),), seed=13)
    (note,) = (m for m in page.truth["marks"] if m["kind"] == "handwriting")
    x0, y0, x1, y1 = note["box"]
    cover = Redaction(box=(x0 - 5, y0 - 5, x1 + 5, y1 + 5), confidence=0.9, style="marker")
    level = Stamp(box=(x0, y0, x1, y1), confidence=0.9, text="SECRET", family="classification", struck=True)

    def written(stamps: tuple[Stamp, ...], redactions: tuple[Redaction, ...]) -> bool:
        found = find_handwriting(scan, layers, text, stamps, (), redactions)
        return any(intersection(m.box, cover.box) > 0.5 * area(m.box) for m in found)

    assert written((), ())
    assert not written((), (cover,))
    assert written((level,), (cover,))
