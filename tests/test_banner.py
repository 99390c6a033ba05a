"""Banners on forms: a level offered to be ticked, or a field's value, is none; the field's name is no part of one."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from redactlib.detect.banner import find_banners, level_choices
from redactlib.detect.outline import letters_within, row_of_letters
from redactlib.detect.stamp import find_stamps
from redactlib.marks import iou
from redactlib.reading import PageText, Reading, TextLine, text_line
from redactlib.scan import Scan


class Blind:
    """A reader that finds nothing and reads nothing."""

    def find_lines(self, grey: np.ndarray) -> list[np.ndarray]:
        return []

    def read(self, crops: list[np.ndarray], *, careful: bool = False) -> list[Reading]:
        return [Reading("", 0.0)] * len(crops)


def blank(height: int = 900, width: int = 1200) -> np.ndarray:
    return np.full((height, width), 255, np.uint8)


def said(text: str, x: int, y: int, width: int, height: int = 30, *, lead: float = 0.0, tail: float = 0.0) -> TextLine:
    """A line as read: `lead` and `tail` are the shares of its length before its first letter and after its last."""
    corners = np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]], np.float32)
    centres = tuple(np.linspace(lead, 1 - tail, 2 * len(text) + 1)[1::2].tolist())
    return text_line(corners, Reading(text, 0.999, None, centres))


def offered(*levels: str, ticked: str = "", boxes: bool = True) -> tuple[Scan, list[TextLine]]:
    """A row of levels with a box before each, as the routing slips of a form have it."""
    page, lines = blank(), []
    for x, level in zip(range(80, 1200, 280), levels, strict=False):
        if boxes:
            cv2.rectangle(page, (x, 403), (x + 24, 427), 0, 2)
        if level == ticked:
            cv2.line(page, (x + 5, 408), (x + 19, 422), 0, 3)
            cv2.line(page, (x + 19, 408), (x + 5, 422), 0, 3)
        cv2.putText(page, level, (x + 45, 427), cv2.FONT_HERSHEY_DUPLEX, 0.8, 0, 2)
        lines.append(said(level, x + 40, 400, 18 * len(level)))
    return Scan(page, 150.0), lines


LEVELS = ("UNCLASSIFIED", "CONFIDENTIAL", "SECRET")


@pytest.mark.parametrize(("ticked", "levels"), [("", []), ("SECRET", ["SECRET"]), ("CONFIDENTIAL", ["CONFIDENTIAL"])])
def test_of_levels_with_tick_boxes_only_the_ticked_one_is_the_page_s(ticked: str, levels: list[str]) -> None:
    scan, lines = offered(*LEVELS, ticked=ticked)
    assert [stamp.text for stamp in find_banners(scan, lines, set())] == levels


def test_levels_side_by_side_without_boxes_are_stamps() -> None:
    scan, lines = offered("SECRET", "CONFIDENTIAL", boxes=False)
    assert level_choices(scan, lines) == {}
    assert {stamp.text for stamp in find_banners(scan, lines, set())} == {"SECRET", "CONFIDENTIAL"}


def test_a_ticked_level_is_boxed_without_its_tick_box() -> None:
    scan, lines = offered(*LEVELS, ticked="SECRET")
    wide = said("SECRET", 635, 400, 153, lead=45 / 153)
    [banner] = find_banners(scan, [*lines[:2], wide], set())
    assert banner.box[0] > 640 + 24


def test_the_name_of_a_field_over_a_level_is_no_part_of_it_but_under_it() -> None:
    page = blank()
    for text, x, y in (("CLASSIFICATION", 410, 60), ("SECRET", 440, 100)):
        cv2.putText(page, text, (x, y), cv2.FONT_HERSHEY_DUPLEX, 0.8, 0, 2)
    name, level = said("CLASSIFICATION", 405, 36, 240), said("SECRET", 435, 76, 120)
    [over] = find_banners(Scan(page, 150.0), [name, level], set())
    assert (over.text, over.box[1] > 66) == ("SECRET", True)
    under = said("CLASSIFICATION", 405, 107, 240)
    [both] = find_banners(Scan(page, 150.0), [level, under], set())
    assert both.text == "SECRET / CLASSIFICATION"
    asked = said("(Security Classification)", 405, 107, 240)
    [alone] = find_banners(Scan(page, 150.0), [level, asked], set())
    assert alone.text == "SECRET"


@pytest.mark.parametrize(("small", "lines"), [("(Thon Filiod Ia)", 2), ("(See reverse)", 1)])
def test_the_small_print_under_a_form_s_level_is_part_of_it_though_badly_read(small: str, lines: int) -> None:
    level, below = said("SECRET", 435, 76, 130), said(small, 400, 108, 200, 26)
    [banner] = find_banners(Scan(blank(), 150.0), [level, below], set())
    assert len(banner.text.split(" / ")) == lines


@pytest.mark.parametrize("at", ["level", "small print"])
def test_a_rule_through_the_small_print_under_a_level_does_not_strike_it(at: str) -> None:
    page = blank()
    cv2.putText(page, "SECRET", (500, 95), cv2.FONT_HERSHEY_SIMPLEX, 1.4, 0, 4)
    cv2.putText(page, "CLASSIFICATION", (500, 122), cv2.FONT_HERSHEY_SIMPLEX, 0.62, 0, 2)
    cv2.line(page, (440, y := 80 if at == "level" else 116), (740, y), 0, 3)
    pieces = [said("SECRET", 500, 64, 170, 34), said("CLASSIFICATION", 500, 106, 170, 18)]
    (level,) = find_banners(Scan(page, 150.0), pieces, set())
    assert level.struck is (at == "level")


def test_the_name_of_a_field_before_a_level_is_no_part_of_it() -> None:
    lines = [said("Classification:", 100, 40, 260, 36), said("SECRET", 400, 44, 120)]
    [banner] = find_banners(Scan(blank(), 150.0), lines, set())
    assert banner.text == "SECRET"


def test_a_value_that_stands_somewhat_higher_than_the_name_of_its_field_is_no_banner() -> None:
    lines = [said("CLASSIFICATION:", 60, 500, 300), said("Secret", 400, 480, 90)]
    assert find_banners(Scan(blank(), 150.0), lines, set()) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("SECRET - EVES ONLY", ["EYES ONLY", "SECRET"]),
        ("For The President Only - Top Secret", ["FOR THE PRESIDENT ONLY", "TOP SECRET"]),
        ("C=O=N-F-I-D-E-N", ["CONFIDENTIAL"]),
        (
            "WARNING NOTICE - SENSITIVE INTELLIGENCE SOURCES AND METHODS INVOLVED",
            ["WARNING NOTICE SENSITIVE INTELLIGENCE SOURCES AND METHODS INVOLVED"],
        ),
    ],
)
def test_captions_are_told_although_a_letter_is_misread(text: str, words: list[str]) -> None:
    [banner] = find_banners(Scan(blank(), 150.0), [said(text, 300, 450, 400)], set())
    assert banner.evidence["words"] == words


def test_dirt_in_the_line_of_a_level_is_not_boxed() -> None:
    page = blank()
    cv2.putText(page, "SECRET", (400, 450), cv2.FONT_HERSHEY_DUPLEX, 1.0, 0, 2)
    x, y, wide, high = cv2.boundingRect((page < 128).astype(np.uint8))
    page[y + 5 : y + high : 4, 280:350:3] = 0
    page[y + 5 : y + high : 4, 590:660:3] = 0
    line = said("SECRET", 270, y - 4, 400, high + 8, lead=(x - 270) / 400, tail=1 - (x + wide - 270) / 400)
    [banner] = find_banners(Scan(page, 150.0), [line], set())
    assert iou(banner.box, (x, y, x + wide, y + high)) > 0.5


def test_a_line_of_which_next_to_nothing_was_read_is_no_worn_level() -> None:
    unsure = np.full((40, 97), 1 / 97, np.float32)
    corners = np.array([[300, 430], [900, 430], [900, 500], [300, 500]], np.float32)
    found = [
        find_banners(Scan(blank(), 150.0), [text_line(corners, Reading(text, 0.3, unsure))], set())
        for text in (" 5", "SFCHT")
    ]
    assert [len(banners) for banners in found] == [0, 1]


PROSE = [said("nothing of the kind was said by anyone", 100, 300 + 60 * i, 450, 20) for i in range(6)]


@pytest.mark.parametrize(("label", "stamps"), [("", 1), ("RECORD NUMBER :", 0)])
def test_a_record_number_is_a_stamp_only_where_it_stands_alone(label: str, stamps: int) -> None:
    number = said("124-10279-10258", 400, 100, 190, 20)
    labels = [said(label, 150, 100, 180, 20)] if label else []
    found = find_stamps(Scan(blank(), 100.0), None, PageText((*PROSE, *labels, number)), Blind())
    assert [stamp.family for stamp in found] == ["record-number"] * stamps


@pytest.mark.parametrize(("height", "stamps"), [(22, 0), (60, 1)])
def test_a_word_like_file_is_a_stamp_only_in_large_letters(height: int, stamps: int) -> None:
    found = find_stamps(
        Scan(blank(), 100.0), None, PageText((*PROSE, said("FILE", 700, 100, 3 * height, height))), Blind()
    )
    assert [stamp.text for stamp in found] == ["FILE"] * stamps


@pytest.mark.parametrize(
    ("text", "corners"),
    [
        ("MAIL ROOM", [(480, 560), (560, 340), (588, 350), (508, 570)]),
        ("62-20750-4567", [(310, 515), (560, 515), (560, 545), (310, 545)]),
    ],
    ids=["another stamp across it", "the number of the file"],
)
def test_what_else_lies_on_a_stamp_is_no_fill_of_it(text: str, corners: list[tuple[int, int]]) -> None:
    page = blank()
    legend = ("ALL INFORMATION CONTAINED", "HEREIN IS UNCLASSIFIED", "EXCEPT WHERE SHOWN", "OTHERWISE")
    lines = [said(line, 300, 400 + 30 * i, 14 * len(line), 28) for i, line in enumerate(legend)]
    for line in lines:
        page[line.box[1] + 4 : line.box[3] - 4, line.box[0] + 4 : line.box[2] - 4 : 3] = 0
    other = text_line(np.array(corners, np.float32), Reading(text, 0.999))
    found = find_stamps(Scan(page, 100.0), None, PageText((*lines, other)), Blind())
    assert [s.text for s in found if s.family == "fbi-all-information"] == [" / ".join(legend)]


@pytest.mark.parametrize(("lead", "stamps"), [(0.0, 1), (0.45, 0)], ids=["a stamp", "a label before it was not read"])
def test_a_numbering_stamp_fills_its_line(lead: float, stamps: int) -> None:
    number = said("69083", 700, 100, 130, 60, lead=lead)
    found = find_stamps(Scan(blank(), 100.0), None, PageText((*PROSE, number)), Blind())
    assert [stamp.text for stamp in found] == ["69083"] * stamps


def test_a_level_in_a_box_drawn_too_large_is_boxed_by_its_letters() -> None:
    page = np.full((400, 600), 255, np.uint8)
    for i in range(6):
        page[175:225, 160 + 50 * i : 190 + 50 * i] = 0
    page[130:135, 150:480] = page[250:252, 170:470] = 0  # what lies over it and under it
    loose = (150, 120, 470, 255)
    assert letters_within(Scan(page, 150.0), loose, 6) == (160, 175, 440, 225)
    assert letters_within(Scan(page, 150.0), loose, 5) is None  # another word's
    assert letters_within(Scan(page, 150.0), (155, 173, 445, 227), 6) is None  # no need
    assert letters_within(Scan(np.full_like(page, 255), 150.0), loose, 6) is None


def test_the_row_of_struck_letters_is_told_by_where_each_was_read() -> None:
    page = blank()
    for i in range(6):
        page[175:225, 160 + 50 * i : 190 + 50 * i] = 0
    page[198:203, 160:440] = 0  # the stroke that holds them together
    page[235:250, 340:400] = 0  # and what lies under some of them
    scan, loose = Scan(page, 150.0), (150, 165, 460, 250)
    read = said("SECRET", 150, 165, 310, 85, tail=0.032)
    assert letters_within(scan, loose, 6) is None
    assert row_of_letters(scan, read, loose) == (160, 175, 440, 225)
    assert row_of_letters(scan, read, (155, 172, 445, 228)) is None  # no need
    assert row_of_letters(scan, read, (0, 0, 900, 600)) is None  # a part of something larger
    assert row_of_letters(scan, said("SET", 150, 165, 310, 85), loose) is None
    apart = replace(read.reading, centres=(0.03, *(0.83 + 0.03 * i for i in range(5))))
    assert row_of_letters(scan, replace(read, reading=apart), loose) is None  # two words, of which one was lost


def test_halves_of_worn_letters_are_no_letters() -> None:
    page = np.full((400, 600), 255, np.uint8)
    for i in range(6):
        page[160:180, 160 + 50 * i : 190 + 50 * i] = 0  # heads, of which the last ran together ...
        page[190:215, 160 + 50 * i : 190 + 50 * i] = 0  # ... and feet
    page[160:180, 400:440] = 0
    assert letters_within(Scan(page, 150.0), (155, 155, 445, 220), 6) is None
