"""Redactions: small drawn pages, one lesson each, and the real scans."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from redactlib.detect.extent import hidden_extent, measure_type
from redactlib.detect.redaction import find_redactions, is_withheld_sheet, link_codes, propose_redactions
from redactlib.marks import Box, Code, Redaction, iou
from redactlib.reading import PageText, Reading, TextLine
from redactlib.scan import Overlay, Scan

DPI = 300.0


def blank() -> np.ndarray:
    return np.full((1650, 1275), 255, np.uint8)


def line(text: str, x: int, y: int, *, advance: int = 30, height: int = 50, confidence: float = 0.95) -> TextLine:
    """A read line of typescript, ten characters an inch."""
    x1, y1 = x + advance * len(text), y + height
    corners = np.array([[x, y], [x1, y], [x1, y1], [x, y1]], np.float32)
    centres = tuple((i + 0.5) / len(text) for i in range(len(text)))
    return TextLine((x, y, x1, y1), corners, 0.0, Reading(text, confidence, None, centres))


def typed(page: np.ndarray, line: TextLine) -> TextLine:
    """Draw a line as stems and bars, about as dark as type."""
    x0, y0, x1, y1 = line.box
    step = (x1 - x0) / len(line.text)
    for i, char in enumerate(line.text):
        if char != " ":
            x = round(x0 + i * step)
            cv2.rectangle(page, (x + 6, y0 + 12), (x + 22, y1 - 10), 0, 4)
    return line


def slip_corner(page: np.ndarray, box: tuple[int, int, int, int]) -> None:
    """The upper and the left edge of a slip, which leans a little, as a copy shows them."""
    x0, y0, x1, y1 = box
    cv2.line(page, (x0, y0), (x1, y0), 0, 2)
    cv2.line(page, (x0, y0), (x0 + 1, y1), 0, 2)


def prose(page: np.ndarray, rows: range) -> list[TextLine]:
    return [typed(page, line("the quick brown fox jumped over it", 120, 100 + 50 * row)) for row in rows]


def found(page: np.ndarray, *lines: TextLine) -> list[tuple[str, Box]]:
    return [(r.style, r.box) for r in find_redactions(Scan(page, DPI), None, PageText(lines))]


def is_at(box: Box, expected: Box) -> bool:
    return iou(box, expected) > 0.9


def test_hairline_box_is_found_and_no_box_is_not():
    page = blank()
    lines = prose(page, range(3))
    assert found(page, *lines) == []
    cv2.rectangle(page, (200, 600), (900, 800), 0, 2)
    [(style, box)] = found(page, *lines)
    assert style == "outlined"
    assert is_at(box, (200, 600, 900, 800))


def test_box_survives_broken_edges_and_a_missing_side():
    page = blank()
    cv2.rectangle(page, (200, 600), (900, 800), 0, 2)
    page[590:610, 400:460] = 255
    page[795:805, 700:730] = 255
    page[600:800, 190:210] = 255
    [(_, box)] = found(page)
    assert is_at(box, (200, 600, 900, 800))


def test_release_line_laid_over_a_box_hides_its_edges():
    page = blank()
    cv2.rectangle(page, (500, 60), (900, 200), 0, 2)
    release = line("Approved for Release: 2019/03/14 C020", 40, 100)
    page[105:145, 40:1150] = 255
    typed(page, release)
    [(_, box)] = found(page, release)
    assert is_at(box, (500, 60, 900, 200))


def test_touching_boxes_stay_apart():
    page = blank()
    cv2.rectangle(page, (200, 600), (600, 800), 0, 2)
    cv2.rectangle(page, (600, 600), (1000, 800), 0, 2)
    cv2.rectangle(page, (200, 800), (800, 860), 0, 2)
    boxes = [box for _, box in found(page)]
    expected = [(200, 600, 600, 800), (600, 600, 1000, 800), (200, 800, 800, 860)]
    assert len(boxes) == 3
    assert all(any(is_at(b, e) for b in boxes) for e in expected)


def test_bar_beside_one_and_above_another_is_no_part_of_a_picture():
    page = blank()
    bars = ((200, 600, 600, 660), (604, 600, 900, 660), (200, 664, 700, 720))
    for x0, y0, x1, y1 in bars:
        cv2.rectangle(page, (x0, y0), (x1, y1), 0, -1)
    boxes = [box for _, box in found(page)]
    assert all(any(is_at(box, bar) for box in boxes) for bar in bars)


def test_leaning_box_is_one_box():
    page = blank()
    cv2.polylines(page, [np.array([[200, 600], [900, 614], [897, 760], [198, 746]])], True, 0, 2)
    [(_, box)] = found(page)
    assert is_at(box, (198, 600, 900, 760))


def test_heavy_frame_is_a_redaction_only_when_it_is_empty():
    page = blank()
    cv2.rectangle(page, (200, 600), (800, 690), 0, 8)
    assert [style for style, _ in found(page)] == ["outlined"]
    words = typed(page, line("SPECIAL HANDLING", 260, 620))
    assert found(page, words) == []


def test_rules_that_are_not_alike_make_no_open_box():
    page = blank()
    cv2.line(page, (100, 600), (1100, 600), 0, 6)
    cv2.line(page, (302, 600), (302, 650), 0, 6)
    cv2.line(page, (290, 650), (900, 650), 0, 1)
    assert found(page) == []


def test_frame_with_words_is_a_frame_and_with_a_code_a_redaction():
    page = blank()
    cv2.rectangle(page, (200, 600), (800, 680), 0, 2)
    words = typed(page, line("UNCLASSIFIED", 300, 615))
    assert found(page, words) == []
    page[605:675, 205:795] = 255
    code = typed(page, line("1.4(a)", 380, 615))
    assert [style for style, _ in found(page, code)] == ["outlined"]


def test_grid_of_empty_cells_is_a_table():
    page = blank()
    for x in range(200, 1001, 200):
        cv2.line(page, (x, 600), (x, 1000), 0, 3)
    for y in range(600, 1001, 100):
        cv2.line(page, (200, y), (1000, y), 0, 3)
    assert found(page) == []


def test_numbered_cells_of_a_form_are_no_coded_boxes():
    page = blank()
    for y in (600, 660):
        page[y : y + 4, 100:1200] = 0
    for x in range(140, 1200, 110):
        page[560:720, x : x + 4] = 0
    lines = [line(text, 150 + 110 * i, 606, advance=17) for i, text in enumerate(("1.7", "19.22", "BIL"))]
    assert found(page, *prose(page, range(6)), *lines) == []


def test_frame_of_the_page_itself_is_no_redaction():
    page = blank()
    cv2.rectangle(page, (2, 2), (1150, 1647), 0, 3)
    assert found(page, line("25X1", 1000, 100)) == []


def test_rejected_proposals_say_why():
    page = blank()
    cv2.rectangle(page, (200, 600), (800, 680), 0, 2)
    cv2.rectangle(page, (0, 900), (400, 1000), 0, -1)
    words = typed(page, line("UNCLASSIFIED", 300, 615))
    reasons = {p.style: p.reason for p in propose_redactions(Scan(page, DPI), None, PageText((words,)))}
    assert reasons["outlined"] == "legible text inside"
    assert reasons["solid"] == "edge of the scan"


def slanting(page: np.ndarray, box: Box, *, step: int) -> None:
    x0, y0, x1, y1 = box
    for x in range(x0 - (y1 - y0), x1, step):
        cv2.line(page[y0:y1, x0:x1], (x - x0, y1 - y0), (x - x0 + y1 - y0, 0), 0, 3)
    cv2.rectangle(page, (x0, y0), (x1, y1), 0, 3)


def test_hatched_and_crossed_boxes_are_found_and_a_frame_of_type_is_none():
    page = blank()
    slanting(page, (200, 300, 800, 380), step=26)
    slanting(page, (200, 500, 900, 700), step=34)
    cv2.rectangle(page, (200, 900), (800, 1200), 0, 3)
    for ends in (((200, 900), (800, 1200)), ((200, 1200), (800, 900))):
        cv2.line(page, *ends, 0, 3)
    cv2.rectangle(page, (200, 1300), (900, 1360), 0, 3)
    words = typed(page, line("the quick brown fox", 220, 1305))
    boxes = found(page, words)
    assert [style for style, _ in boxes] == ["hatched"] * 3
    expected = [(200, 300, 800, 380), (200, 500, 900, 700), (200, 900, 800, 1200)]
    assert all(is_at(b, e) for (_, b), e in zip(boxes, expected, strict=True))


def test_solid_bar_with_white_code_is_one_bar():
    page = blank()
    cv2.rectangle(page, (200, 600), (800, 660), 0, -1)
    cv2.putText(page, "10.2.e", (440, 648), cv2.FONT_HERSHEY_SIMPLEX, 1.4, 255, 4)
    [(style, box)] = found(page)
    assert style == "solid"
    assert is_at(box, (200, 600, 801, 661))


def test_punch_hole_and_scan_edge_are_no_redactions():
    page = blank()
    cv2.circle(page, (120, 700), 38, 0, -1)
    page[:, :30] = 0
    assert found(page) == []


@pytest.mark.parametrize("colour", [(170, 170, 170), (255, 250, 150), (190, 120, 140)], ids=["grey", "yellow", "red"])
def test_tinted_fill_is_shaded(colour: tuple[int, int, int]):
    page = np.full((1650, 1275, 3), 255, np.uint8)
    cv2.rectangle(page, (200, 600), (800, 660), colour, -1)
    [(style, box)] = found(page)
    assert style == "shaded"
    assert is_at(box, (200, 600, 801, 661))


def test_even_dither_is_shaded_and_an_uneven_one_is_a_picture():
    page = blank()
    lines = prose(page, range(6))
    page[600:800:4, 200:900:4] = page[601:801:4, 200:900:4] = page[600:800:4, 201:901:4] = 0
    rng = np.random.default_rng(3)
    tones = cv2.resize(rng.random((4, 9), dtype=np.float32), (700, 200), interpolation=cv2.INTER_CUBIC)
    page[1000:1200, 200:900] = np.where(rng.random((200, 700)) < tones, 0, 255)
    [(style, box)] = found(page, *lines)
    assert style == "shaded"
    assert is_at(box, (200, 600, 900, 800))


def test_dither_over_a_line_and_a_part_of_the_next_is_one_polygon():
    page = blank()
    cover = np.zeros(page.shape, bool)
    cover[600:660, 200:900] = cover[660:720, 200:500] = True
    dots = np.zeros(page.shape, bool)
    dots[::4, ::4] = dots[1::4, ::4] = dots[::4, 1::4] = True
    page[cover & dots] = 0
    [redaction] = find_redactions(Scan(page, DPI), None, PageText(tuple(prose(page, range(6)))))
    assert redaction.style == "shaded"
    assert is_at(redaction.box, (200, 600, 900, 720))
    assert redaction.lines == 2
    assert redaction.estimated_chars == pytest.approx(23 + 10, abs=2)


def test_dither_on_a_copy_with_black_edges_is_found():
    page = blank()
    page[600:800:4, 200:1100:4] = page[601:801:4, 200:1100:4] = page[600:800:4, 201:1101:4] = 0
    page[:, :24] = page[:24] = page[:, -24:] = 0
    [(style, box)] = found(page, *prose(page, range(6)))
    assert style == "shaded"
    assert is_at(box, (200, 600, 1100, 800))


def test_block_of_lines_of_unequal_length_is_one_polygon():
    page = np.full((1650, 1275, 3), 255, np.uint8)
    for top, right in ((600, 1100), (660, 900), (720, 1100)):
        cv2.rectangle(page, (200, top), (right, top + 60), (170, 170, 170), -1)
    [redaction] = find_redactions(Scan(page, DPI), None, PageText())
    assert is_at(redaction.box, (200, 600, 1101, 781))
    assert len(redaction.polygon) > 4


def marker_stroke(page: np.ndarray, box: Box, *, holes: float) -> None:
    """A ragged stroke through which a share of white specks shows."""
    rng = np.random.default_rng(4)
    x0, y0, x1, y1 = box
    specks = rng.random(((y1 - y0) // 3 + 1, (x1 - x0) // 3 + 1)) < holes
    ink = np.kron(specks, np.ones((3, 3), bool))[: y1 - y0, : x1 - x0]
    for x in range(x1 - x0):
        a, b = rng.integers(0, 5, 2)
        page[y0 + a : y1 - b, x0 + x] = np.where(ink[a : y1 - y0 - b, x], 255, 0)


def test_marker_stroke_is_found_and_see_through_is_legible():
    page = blank()
    lines = prose(page, range(6))
    marker_stroke(page, (300, 600, 800, 665), holes=0.05)
    marker_stroke(page, (300, 900, 800, 965), holes=0.35)
    heavy, light = find_redactions(Scan(page, DPI), None, PageText(tuple(lines)))
    assert (heavy.style, heavy.legible) == ("marker", False)
    assert (light.style, light.legible) == ("marker", True)
    assert is_at(heavy.box, (300, 602, 800, 663))


def pen_blob(page: np.ndarray, box: Box) -> None:
    """An opaque stroke with round ends and a wavy edge."""
    x0, y0, x1, y1 = box
    for x in range(x0, x1, 6):
        end = min(1.0, (x - x0 + 12) / 60, (x1 - x + 12) / 60)
        half = round((0.4 + 0.1 * np.sin(x / 25)) * (y1 - y0) * end)
        cv2.circle(page, (x, (y0 + y1) // 2 + (x // 40) % 4), half, 0, -1)


def test_ragged_fill_amid_letters_is_the_stroke_of_an_opaque_pen():
    page = blank()
    pen_blob(page, (440, 398, 860, 452))
    [alone] = [p for p in propose_redactions(Scan(page, DPI), None, PageText()) if p.style == "solid"]
    assert alone.reason == "not straight"
    lines = prose(page, range(6))
    lines += [typed(page, line("He met Mr.", 120, 400)), typed(page, line("that night", 900, 400))]
    proposals = propose_redactions(Scan(page, DPI), None, PageText(tuple(lines)))
    [stroke] = [p for p in proposals if "opaque" in p.evidence]
    assert (stroke.style, stroke.reason) == ("marker", None)


def test_stroke_that_thins_out_in_its_middle_is_one_stroke():
    page = blank()
    lines = prose(page, range(6))
    marker_stroke(page, (300, 600, 800, 665), holes=0.1)
    marker_stroke(page, (870, 600, 1150, 665), holes=0.1)
    assert len(found(page, *lines)) == 2
    page[645:665, 800:870] = 0
    [(_, box)] = found(page, *lines)
    assert is_at(box, (300, 602, 1150, 663))


def test_see_through_stroke_is_as_long_as_its_rim():
    page = blank()
    lines = [*prose(page, range(6)), typed(page, line("behind it", 1010, 607))]
    marker_stroke(page, (300, 600, 700, 665), holes=0.3)
    for x in range(712, 990, 14):  # letters as high as the stroke have more white between them
        cv2.line(page, (x, 603), (x, 661), 0, 4)
    [(_, box)] = found(page, *lines)
    assert is_at(box, (300, 602, 700, 663))
    page[590:680, 702:1005] = 255
    for y in (602, 661):  # the grey is lost behind the first words, but for the edges and a gap in one of them
        cv2.line(page, (690, y), (1000, y), 0, 3)
    page[600:610, 800:812] = 255
    cv2.line(page, (1000, 602), (985, 661), 0, 3)
    [(_, box)] = found(page, *lines)
    assert box[2] == pytest.approx(1000, abs=6)


def test_see_through_strokes_that_run_together_are_one_on_each_line():
    page = blank()
    lines = [*prose(page, range(6)), *(line("words that show", 330, 600 + 50 * i) for i in range(3))]
    boxes = ((300, 592, 900, 658), (280, 642, 980, 708), (310, 692, 800, 758))
    for box in boxes:
        marker_stroke(page, box, holes=0.3)
    strokes = found(page, *lines)
    assert [style for style, _ in strokes] == 3 * ["marker"]
    assert all(iou(box, stroke) > 0.7 for (_, stroke), box in zip(strokes, boxes, strict=True))
    page[590:760] = 255
    marker_stroke(page, (300, 592, 900, 758), holes=0.3)  # the grey ground of a label ends alike on every line
    assert found(page, *lines) == []


def test_word_struck_out_is_no_redaction():
    page = blank()
    lines = prose(page, range(6))
    banner = typed(page, line("TOP SECRET", 400, 900, advance=60, height=110))
    marker_stroke(page, (380, 935, 1020, 985), holes=0.05)
    assert found(page, *lines, banner) == []


def test_letters_as_heavy_as_those_beside_them_are_no_stroke():
    page = blank()
    lines = prose(page, range(6))
    word = np.zeros((60, 360), np.uint8)
    word[::5, ::5] = word[1::5, ::5] = word[::5, 1::5] = word[1::5, 1::5] = 255  # the ink is grainy
    for x in range(4, 240, 26):
        word[8:20, x : x + 8] = word[34:46, x : x + 8] = 255  # and the eyes of the letters are small
    page[600:660, 500:860] = word
    assert [style for style, _ in found(page, *lines)] == ["marker"]
    page[600:660, 120:480] = word
    assert not any(x0 > 490 for _, (x0, *_) in found(page, *lines, line("NO FOREIGN D", 120, 605)))


def test_level_struck_under_the_caption_of_a_form_is_cancelled_and_no_redaction():
    page = blank()
    lines = prose(page, range(6))
    marker_stroke(page, (300, 600, 800, 665), holes=0.05)
    assert len(found(page, *lines)) == 1
    assert found(page, *lines, line("CLASSIFICATION - DISSEMINATION CONTROLS", 300, 540, advance=16, height=30)) == []


def test_black_along_the_foot_of_a_copy_is_none_though_white_is_left_below_it():
    page = blank()
    page[1540:1630, 30:1250] = 0
    assert found(page, *prose(page, range(6))) == []


def test_patch_at_the_side_where_no_line_reaches_is_none():
    page = blank()
    lines = prose(page, range(6))
    marker_stroke(page, (1140, 900, 1250, 965), holes=0.1)
    assert found(page, *lines) == []
    assert len(found(page, *lines, line("the quick brown fox jumped", 460, 1100))) == 1


def test_space_between_two_rules_of_the_paper_is_no_box():
    page = blank()
    for y in (700, 790):
        page[y : y + 4, 480 : 1235 if y == 700 else 1104] = 0
    page[40:1610, 1100:1104] = 0
    [open_field] = [p for p in propose_redactions(Scan(page, DPI), None, PageText()) if p.style == "outlined"]
    assert open_field.reason == "open form field"


def test_dither_close_under_a_line_of_type_keeps_to_its_own_rows():
    page = blank()
    lines = prose(page, range(6))
    for x in range(200, 900, 24):
        cv2.rectangle(page, (x, 560), (x + 17, 597), 0, -1)
    dots = page[600:660, 200:900]
    dots[::4, ::4] = dots[1::4, ::4] = dots[::4, 1::4] = 0
    [(style, box)] = found(page, *lines)
    assert style == "shaded"
    assert is_at(box, (200, 600, 900, 660))


def test_extent_is_counted_in_the_pages_own_type():
    page = blank()
    lines = prose(page, range(8))
    cv2.rectangle(page, (120, 700), (120 + 30 * 20 + 15, 745), 0, 2)
    [redaction] = find_redactions(Scan(page, DPI), None, PageText(tuple(lines)))
    assert redaction.lines == 1
    assert redaction.estimated_chars == 20
    low, high = redaction.chars_range
    assert low <= 20 <= high


def test_black_stroke_higher_than_its_line_hides_one_line():
    page = blank()
    lines = prose(page, range(8))
    page[702:768, 300:500] = page[710:776, 500:700] = 0
    [stroke] = find_redactions(Scan(page, DPI), None, PageText(tuple(lines)))
    assert stroke.lines == 1


def test_extent_is_unknown_without_type():
    page = blank()
    cv2.rectangle(page, (200, 600), (900, 800), 0, 2)
    [redaction] = find_redactions(Scan(page, DPI), None, PageText())
    assert redaction.estimated_chars is None
    assert redaction.lines is None


def test_elite_type_is_snapped_to_its_pitch():
    lines = [line("the quick brown fox", 100, 100 + 50 * i, advance=25) for i in range(4)]
    assert measure_type(lines, DPI).advance == DPI / 12


def test_spaces_that_were_not_read_do_not_widen_the_type():
    read = [line("the quick brown fox jumped", 100, 100 + 50 * i) for i in range(4)]
    kept = [i for i, c in enumerate(read[0].text) if c != " "]
    glued = []
    for t in read:
        centres = tuple(t.reading.centres[i] for i in kept)
        glued.append(TextLine(t.box, t.corners, 0.0, Reading(t.text.replace(" ", ""), 0.95, None, centres)))
    assert measure_type(glued, DPI).advance == pytest.approx(30, rel=0.02)


def test_labels_in_another_type_are_no_measure_of_the_text():
    text = [line("the quick brown fox jumped over", 100, 100 + 50 * i) for i in range(5)]
    labels = [line("declassified under authority of", 100, 900 + 45 * i, advance=21, height=40) for i in range(4)]
    page_type = measure_type([*text, *labels], DPI)
    assert (page_type.advance, page_type.pitch, page_type.fixed) == (30, 50, True)


def test_page_of_many_types_has_no_measure():
    lines = [line("the quick brown fox", 100, 100 + 60 * i, advance=18 + 4 * (i // 3)) for i in range(12)]
    assert measure_type(lines, DPI) is None


def test_blank_line_between_paragraphs_is_not_the_distance_of_lines():
    lines = [line("the quick brown fox", 100, y) for y in (100, 150, 250, 300, 400, 450, 550, 650)]
    assert measure_type(lines, DPI).pitch == pytest.approx(50)


def test_lines_under_covers_do_not_double_the_pitch():
    lines = [line("the quick brown fox", 100, y) for y in (100, 220, 400, 520, 700)]
    assert measure_type(lines, DPI).pitch == pytest.approx(60, abs=1)


def test_page_whose_lines_are_unlike_gets_a_rough_measure():
    page = blank()
    lines = [line("the quick brown fox", 100, 200 + 60 * i, advance=18 + 1.4 * i) for i in range(4)]
    cv2.rectangle(page, (200, 600), (620, 650), 0, 2)
    [redaction] = find_redactions(Scan(page, DPI), None, PageText(tuple(lines)))
    assert redaction.estimated_chars == pytest.approx(20, abs=3)
    assert redaction.chars_range[0] < 18 < 22 < redaction.chars_range[1]


def test_cover_that_is_carelessly_high_hides_the_line_that_goes_on_beside_it():
    lines = [line("the quick brown fox", 100, 100 + 50 * i) for i in range(6)]
    lines += [line("left.", 100 + 30 * 14, 400)]
    cover = (280, 389, 490, 456)
    assert hidden_extent(cover, (), measure_type(lines, DPI, [cover]), lines)[0] == 1


def test_line_that_left_no_trace_was_as_long_as_the_others():
    rows = (0, 1, 2, 3, 5, 6)
    lines = [line("the quick brown fox jumped over it all"[: 30 + i], 100, 100 + 50 * i) for i in rows]
    gap = (80, 300, 1200, 350)
    page_type = measure_type(lines, DPI, [gap])
    room, line_of_prose = (hidden_extent(gap, (), page_type, lines, bare=bare)[1] for bare in (False, True))
    assert (room > 36, 31 <= line_of_prose <= 35) == (True, True)


def test_block_at_the_end_of_a_paragraph_holds_less_than_one_amid_it():
    above = [line("the quick brown fox jumped over", 100, 100 + 50 * i) for i in range(5)]
    block = (90, 350, 1035, 500)
    near, after_a_blank, set_in = (
        line("the quick brown fox jumped over", x, y) for x, y in ((100, 500), (100, 550), (250, 500))
    )
    amid, *at_ends = (
        hidden_extent(block, (), measure_type([*above, below], DPI, [block]))[1]
        for below in (near, after_a_blank, set_in)
    )
    assert amid > 85
    assert max(at_ends) < 85


def test_block_higher_than_a_paragraph_of_its_page_holds_blank_lines():
    rows = [(y, wide) for start in (0, 150, 300, 900, 1050) for y, wide in ((start, 31), (start + 50, 15))]
    lines = [line("the quick brown fox jumped over"[:wide], 100, 100 + y) for y, wide in rows]
    block = (90, 600, 1035, 950)
    typed, chars, _ = hidden_extent(block, (), measure_type(lines, DPI, [block]))
    assert typed < 7
    assert chars < 6 * 31


def test_block_holds_more_lines_than_a_line():
    page_type = measure_type([line("the quick brown fox", 100, 100 + 50 * i) for i in range(4)], DPI)
    lines, chars, (low, high) = hidden_extent((100, 0, 1000, 245), (), page_type)
    assert lines == 5
    assert low < chars < high
    assert low < 5 * 29 <= high  # the box is a little wider than its lines


def test_cover_that_ends_with_each_line_hides_what_its_steps_hold():
    page_type = measure_type([line("the quick brown fox", 100, 100 + 50 * i) for i in range(4)], DPI)
    steps = ((100, 0), (1000, 0), (1000, 50), (400, 50), (400, 100), (100, 100))
    lines, chars, _ = hidden_extent((100, 0, 1000, 100), steps, page_type)
    assert lines == 2
    assert chars == pytest.approx(30 + 10, abs=2)


def test_skewed_bar_is_one_line():
    page_type = measure_type([line("the quick brown fox", 100, 100 + 50 * i) for i in range(4)], DPI)
    bar = ((100, 0), (1900, 50), (1900, 100), (100, 50))
    assert hidden_extent((100, 0, 1900, 100), bar, page_type)[:2] == (1, 59)


def test_cover_amid_a_line_is_counted_between_the_letters_beside_it():
    lines = [line("the quick brown fox", 100, 100 + 50 * i) for i in range(4)]
    page_type = measure_type(lines, DPI)
    lines += [line("agent", 100, 400), line("left.", 100 + 30 * 14, 400)]
    for pad in (0, 12, 24):  # seven letters and a space on either side: how far the cover reaches into it is chance
        cover = (100 + 30 * 6 - pad, 400, 100 + 30 * 13 + pad, 450)
        assert hidden_extent(cover, (), page_type, lines)[1] == 7


def redaction(id: str, box: Box) -> Redaction:
    return Redaction(id=id, box=box, confidence=0.9, style="outlined")


def code(id: str, box: Box, **kwargs: object) -> Code:
    return Code(id=id, box=box, confidence=0.9, text="25X1", code="25X1", **kwargs)


def struck_box(page: np.ndarray, box: Box, *, cross: bool) -> None:
    """A frame with a cross from corner to corner, or with slanting lines."""
    x0, y0, x1, y1 = box
    cv2.rectangle(page, (x0, y0), (x1, y1), 0, 3)
    if cross:
        cv2.line(page, (x0, y0), (x1, y1), 0, 3)
        cv2.line(page, (x0, y1), (x1, y0), 0, 3)
    for x in range(x0, x1 - (y1 - y0), 20 if not cross else page.shape[1]):
        cv2.line(page, (x, y1), (x + y1 - y0, y0), 0, 3)


@pytest.mark.parametrize("cross", [True, False])
def test_struck_frame_of_one_line_is_hatched(cross: bool):
    page = blank()
    struck_box(page, (200, 600, 900, 660), cross=cross)
    [(style, box)] = found(page)
    assert style == "hatched"
    assert is_at(box, (200, 600, 900, 660))


def test_slanting_lines_that_are_read_as_letters_are_no_words():
    page = blank()
    struck_box(page, (200, 600, 900, 660), cross=False)
    assert [style for style, _ in found(page, line("VLLLLLLLLLL", 220, 605))] == ["hatched"]
    assert found(page, line("Vellacott", 220, 605)) == []


@pytest.mark.parametrize("runs_on", [False, True])
def test_gap_at_the_end_of_a_line_with_two_edges_is_a_slip_and_with_a_rule_is_none(runs_on: bool):
    page = blank()
    lines = [*prose(page, range(3)), typed(page, line("the quick brown fox", 120, 250)), *prose(page, range(4, 7))]
    cv2.line(page, (715, 252), (1265 if runs_on else 1130, 252), 0, 2)
    cv2.line(page, (715, 252), (716, 298), 0, 2)
    slips = [box for style, box in found(page, *lines) if style == "cutout"]
    assert len(slips) == (0 if runs_on else 1)
    assert all(iou(box, (715, 252, 1130, 298)) > 0.7 for box in slips)


def test_slip_above_the_short_last_line_of_a_paragraph_is_found():
    page = blank()
    lines = [*prose(page, range(3)), typed(page, line("the quick", 120, 250)), typed(page, line("over it", 930, 250))]
    lines += [typed(page, line("and ended.", 120, 300)), *prose(page, range(6, 9))]
    slip_corner(page, (410, 252, 910, 298))
    [(style, box)] = found(page, *lines)
    assert style == "cutout"
    assert iou(box, (410, 252, 910, 298)) > 0.8


def test_blank_of_a_form_under_a_longer_one_is_no_slip():
    page = blank()
    lines = [*prose(page, range(4)), typed(page, line("the quick brown", 120, 300))]
    lines += [typed(page, line("and ended.", 120, 350)), *prose(page, range(7, 9))]
    cv2.line(page, (590, 348), (1130, 348), 0, 2)
    cv2.line(page, (590, 302), (591, 348), 0, 2)
    assert found(page, *lines) == []


@pytest.mark.parametrize(("held", "count"), [("(b)(3)", 1), ("Smith", 0), ("(copies)", 0)])
def test_slip_that_holds_a_code_is_one(held: str, count: int):
    page = blank()
    lines = [*prose(page, range(3)), *prose(page, range(4, 7))]
    lines += [typed(page, line(words, x, 250)) for words, x in (("the quick", 120), (held, 570), ("over it", 930))]
    slip_corner(page, (410, 252, 910, 298))
    slips = found(page, *lines)
    assert [style for style, _ in slips] == count * ["cutout"]
    assert all(iou(box, (410, 252, 910, 298)) > 0.8 for _, box in slips)


def test_gap_behind_the_label_of_a_heading_is_none():
    page = blank()
    lines = [*prose(page, range(3)), *prose(page, range(4, 7)), typed(page, line("conversation", 660, 250))]
    label, words = (typed(page, line(said, 120, 250)) for said in ("SUBJECT", "the man"))
    assert found(page, *lines, label) == []
    assert [style for style, _ in found(page, *lines, words)] == ["whiteout"]


def test_slip_over_whole_lines_is_known_by_a_corner_of_it():
    page = blank()
    capital = typed(page, line("The quick brown fox jumped over it", 120, 550))
    lines = [*prose(page, range(5)), capital, *prose(page, range(10, 12))]
    assert found(page, *lines) == []
    cv2.line(page, (100, 354), (1180, 352), 0, 3)
    cv2.line(page, (104, 354), (101, 540), 0, 3)
    [(style, box)] = found(page, *lines)
    assert style == "cutout"
    assert iou(box, (100, 352, 1180, 545)) > 0.8


def test_slip_at_the_end_of_a_line_is_as_wide_as_its_edge():
    page = blank()
    lines = [*prose(page, range(3)), typed(page, line("the quick brown fox", 120, 250)), *prose(page, range(4, 7))]
    slip_corner(page, (715, 252, 1010, 298))
    [box] = [box for style, box in found(page, *lines) if style == "cutout"]
    assert box[2] == pytest.approx(1010, abs=20)


def test_slip_opposite_a_code_is_as_wide_as_its_edge():
    page = blank()
    lines = [*prose(page, range(3)), typed(page, line("the quick brown fox", 120, 250)), *prose(page, range(4, 7))]
    margin = typed(page, line("25X1", 1220, 250, advance=12))
    [(style, gap)] = found(page, *lines, margin)
    assert (style, gap[2] > 1080) == ("whiteout", True)
    cv2.line(page, (715, 252), (1010, 252), 0, 2)
    [(style, box)] = found(page, *lines, margin)
    assert style == "cutout"
    assert box[2] == pytest.approx(1010, abs=20)


def test_leaning_box_is_empty_though_its_sides_stray_into_it():
    page = blank()
    corners = np.array([[200, 600], [1100, 622], [1098, 682], [198, 660]])
    cv2.polylines(page, [corners], True, 0, 2)
    cv2.circle(page, (600, 640), 4, 0, -1)
    [(style, box)] = found(page, *prose(page, range(6)))
    assert style == "outlined"
    assert is_at(box, (198, 600, 1100, 682))


def test_struck_frames_that_share_a_side_are_two():
    page = blank()
    boxes = [(200, 540, 1000, 600), (420, 600, 900, 660)]
    for box in boxes:
        struck_box(page, box, cross=False)
    assert [style for style, _ in found(page)] == ["hatched"] * 2
    assert all(is_at(box, expected) for (_, box), expected in zip(found(page), boxes, strict=True))


def test_word_in_a_small_frame_is_not_hatched():
    page = blank()
    cv2.rectangle(page, (250, 593), (550, 650), 0, 3)
    assert found(page, typed(page, line("ARMY/ACSI", 262, 596))) == []


def test_box_that_lacks_a_side_is_a_slip_amid_text_and_a_field_elsewhere():
    page = blank()
    lines = prose(page, range(3)) + prose(page, range(4, 7))
    lines += [typed(page, line("the quick", 120, 250)), typed(page, line("over it", 900, 250))]
    for start, stop in (((400, 246), (880, 246)), ((400, 246), (400, 304)), ((400, 304), (880, 304))):
        cv2.line(page, start, stop, 0, 5)
    assert [style for style, _ in found(page, *lines)] == ["cutout"]
    assert found(page, *lines[-2:]) == []


def test_code_in_a_box_belongs_to_that_box_alone():
    boxes = [redaction("r1", (100, 100, 400, 160)), redaction("r2", (500, 100, 800, 160))]
    redactions, [linked] = link_codes(boxes, [code("c1", (200, 110, 260, 150))])
    assert linked.redaction == "r1"
    assert [r.codes for r in redactions] == [("c1",), ()]


def test_margin_code_a_little_too_high_or_too_low_belongs_to_the_nearest_box():
    boxes = [redaction("m1", (100, 100, 400, 150)), redaction("m2", (100, 300, 400, 350))]
    codes = [code("c1", (900, 160, 980, 190)), code("c2", (900, 255, 980, 285)), code("c3", (900, 500, 980, 530))]
    _, linked = link_codes(boxes, codes)
    assert [c.redaction for c in linked] == ["m1", "m2", None]


def test_margin_code_serves_every_box_at_its_height():
    boxes = [
        redaction("r1", (100, 100, 400, 160)),
        redaction("r2", (500, 100, 800, 160)),
        redaction("r3", (100, 400, 400, 460)),
    ]
    redactions, [linked] = link_codes(boxes, [code("c1", (1100, 110, 1180, 150))])
    assert linked.redaction == "r2"
    assert [r.codes for r in redactions] == [("c1",), ("c1",), ()]


def test_stack_of_codes_goes_with_the_box_beside_any_of_them():
    stack = [code("c1", (1100, 110, 1180, 150), group=0), code("c2", (1100, 160, 1180, 200), group=0)]
    [hidden], codes = link_codes([redaction("r1", (100, 100, 900, 150))], stack)
    assert hidden.codes == ("c1", "c2")
    assert [c.redaction for c in codes] == ["r1", "r1"]


def test_code_above_a_box_belongs_to_it_and_a_far_one_does_not():
    boxes = [redaction("r1", (100, 200, 400, 260))]
    redactions, codes = link_codes(boxes, [code("c1", (150, 150, 230, 190)), code("c2", (150, 900, 230, 940))])
    assert redactions[0].codes == ("c1",)
    assert [c.redaction for c in codes] == ["r1", None]


def test_codes_of_a_withdrawal_sheet_explain_no_box():
    _, [linked] = link_codes(
        [redaction("r1", (100, 100, 400, 160))], [code("c1", (900, 110, 980, 150), context="sheet")]
    )
    assert linked.redaction is None


def test_overlay_of_a_pdf_is_recoverable_and_its_text_stays_hidden():
    page = blank()
    cv2.rectangle(page, (200, 600), (800, 660), 0, -1)
    scan = Scan(page, DPI, overlays=(Overlay((200, 600, 800, 660), "rectangle", "a name of 19 letter"),))
    [hidden] = find_redactions(scan, None, PageText())
    assert (hidden.recoverable, hidden.hidden_chars, hidden.text) == (True, 19, None)
    [shown] = find_redactions(scan, None, PageText(), reveal=True)
    assert shown.text == "a name of 19 letter"


def test_white_gap_is_a_redaction_only_opposite_a_code():
    page = blank()
    lines = prose(page, range(6))
    lines += [typed(page, line("He was told", 120, 400)), typed(page, line("that night", 900, 400))]
    assert found(page, *lines) == []
    margin = typed(page, line("25X1", 1220, 400, advance=12))
    [(style, box)] = found(page, *lines, margin)
    assert style == "whiteout"
    assert is_at(box, (450, 402, 900, 448))


def gap_page(after: str) -> tuple[np.ndarray, list[TextLine]]:
    """Six whole lines of prose, the fourth of which has a gap before the word `after`."""
    page = blank()
    lines = prose(page, range(3)) + prose(page, range(4, 7))
    return page, [*lines, typed(page, line("the quick", 120, 250)), typed(page, line(after, 810, 250))]


def test_white_gap_amid_a_sentence_is_a_redaction_and_one_between_columns_is_none():
    page, lines = gap_page("jumped over")
    [(style, box)] = found(page, *lines)
    assert style == "whiteout"
    assert is_at(box, (406, 252, 795, 298))
    page, lines = gap_page("Jumped over")
    assert found(page, *lines) == []


def test_gap_that_holds_only_a_code_is_a_redaction_whatever_follows():
    page, lines = gap_page("Jumped over")
    assert found(page, *lines) == []
    inside = typed(page, line("25X1", 520, 254, advance=20, height=40))
    [(style, box)] = found(page, *lines, inside)
    assert style == "whiteout"
    assert box[0] < inside.box[0] < inside.box[2] < box[2]


@pytest.mark.parametrize(
    ("below", "count"), [("over the lazy dog and away", 1), ("l. He left", 0), ("Over the dog", 0)]
)
def test_sentence_that_goes_on_below_missing_lines_was_longer(below: str, count: int):
    page = blank()
    lines = [*prose(page, range(5)), typed(page, line(below, 120, 500))]
    found_here = found(page, *lines)
    assert len(found_here) == count
    assert all(style == "whiteout" and iou(box, (110, 350, 1120, 500)) > 0.7 for style, box in found_here)


def test_white_beside_a_word_that_stands_for_text_belongs_to_it():
    page, lines = gap_page("jumped over")
    lines[-2] = typed(page, line("the quick DELETED", 120, 250))
    assert [style for style, _ in found(page, *lines)] == ["textual"]


def test_gap_with_a_shadow_along_it_is_a_pasted_slip():
    page, lines = gap_page("jumped over")
    cv2.line(page, (395, 303), (800, 300), 0, 3)
    assert [style for style, _ in found(page, *lines)] == ["cutout"]


def test_words_that_stand_for_text_are_textual():
    said = line("agreed. [2 lines not declassified] He left", 100, 500)
    [textual] = find_redactions(Scan(blank(), DPI), None, PageText((said,)))
    assert (textual.style, textual.lines) == ("textual", 2)
    assert textual.box[0] == pytest.approx(100 + 30 * 8, abs=3)
    assert textual.box[2] == pytest.approx(100 + 30 * 34, abs=3)


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ("to the office of Mr. DELETED that", 1),
        ("said. [name not declassified and left", 1),
        ("fishing rights are Iname not declassifiel", 1),
        ("that the harvest has [l line no: d.l1ssified]the month", 1),
        ("what was known. The DELETFD officer", 1),
        ("in the three SANITIzEDdistricts.", 1),
        ("on that day SANIT1/ED told them", 1),
        ("he said that the file was (DECLASSIFIED ON 5 May", 0),
        ("a copy by TELETYPE and one COMPLETED form", 0),
        ("to make the DELEGATION welcome", 0),
        ("RELEASE AS SANITIZED", 0),
        ("Sanitized copy approved for release 2001", 0),
    ],
)
def test_capitals_amid_small_letters_stand_for_text_and_legends_do_not(words: str, count: int):
    assert len(find_redactions(Scan(blank(), DPI), None, PageText((line(words, 100, 500),)))) == count


def test_word_alone_stands_for_text_only_in_a_row_of_it():
    alone, stamp = line("SANITIZED", 100, 500), line("SANITIZED", 100, 300, height=110)
    row = line("that the rights are unlikely", 420, 500)
    assert find_redactions(Scan(blank(), DPI), None, PageText((alone,))) == ()
    [word] = find_redactions(Scan(blank(), DPI), None, PageText((alone, stamp, row)))
    assert word.box[1] >= 500


@pytest.mark.parametrize(
    "words", ["WITHDRAWAL NOTICE", "Total Deleted Page(s) ~ 3", "Next 11 Page(s) In Document Denied", "Page Denied"]
)
def test_sheets_for_withheld_pages_are_known(words: str):
    assert is_withheld_sheet(PageText((line(words, 100, 100),)))


def test_letter_about_withheld_pages_is_no_sheet():
    prose = "Please be advised that of the forty pages that you asked for, two were withheld in full under (b)(1)."
    assert not is_withheld_sheet(PageText((line(prose, 10, 100, advance=12),)))


@pytest.mark.real
def test_real_pages(real_scans: Path):
    """A floor on real pages, image alone: boxes, bars, strokes and clean pages."""
    spec = importlib.util.spec_from_file_location("score", real_scans.parent / "tools" / "score.py")
    score = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(score)
    hits = labels = finds = 0
    for truth_file in sorted((real_scans / "labelled").glob("*.truth.json"))[::4]:
        truth = json.loads(truth_file.read_text("utf-8"))
        picture = Image.open(truth_file.parent / truth["image"])
        array = np.asarray(picture.convert("L" if picture.mode in ("1", "L") else "RGB"))
        boxes = [r.box for r in find_redactions(Scan(array, max(array.shape) / 11), None, PageText())]
        want = [m["box"] for m in truth["marks"] if m["kind"] == "redaction"]
        hits += len(score.match(want, boxes, lambda a, b: iou(a, b) >= 0.5))
        labels, finds = labels + len(want), finds + len(boxes)
    assert labels
    assert 2 * hits / (labels + finds) > 0.6


def test_lines_of_two_heights_only_give_no_measure_of_type():
    lines = [line("the quick brown fox", 100, 100 + 400 * i, height=20 if i % 2 else 300) for i in range(4)]
    assert measure_type(lines, DPI) is None
