"""Worn lettering is found as a blot and read for the level that it says; typing, rules and other words are not."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from redactlib.catalogue.markings import Line, match_markings
from redactlib.detect.banner import find_banners, with_cut_level
from redactlib.detect.lettering import find_blots, with_worn_levels
from redactlib.detect.margins import read_margins
from redactlib.detect.outline import inked
from redactlib.detect.stamp import find_stamps
from redactlib.marks import Stamp, iou
from redactlib.reading import NeuralReader, PageText, Reading, TextLine, text_line
from redactlib.scan import Scan


class Steadfast:
    """A reader that finds no lines and reads each one that it is shown as it was read before."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading

    def find_lines(self, grey: np.ndarray) -> list[np.ndarray]:
        return []

    def read(self, crops: Sequence[np.ndarray], *, careful: bool = False) -> list[Reading]:
        return [self.reading] * len(crops)


def dotted(words: str) -> Scan:
    """A page of 300 dpi with large letters of which every other pixel is lost."""
    page = np.full((1600, 1300), 255, np.uint8)
    cv2.putText(page, words, (420, 760), cv2.FONT_HERSHEY_DUPLEX, 3.0, 0, 12)
    page[1::3] = 255
    page[:, 1::3] = 255
    return Scan(page, 300.0)


def test_dotted_letters_make_one_blot() -> None:
    scan = dotted("SECRET")
    x, y, wide, high = cv2.boundingRect((scan.grey < 128).astype(np.uint8))
    assert max(iou(box, (x, y, x + wide, y + high)) for box in find_blots(scan, [])) > 0.75


def test_rules_and_small_type_make_none() -> None:
    page = np.full((1600, 1300), 255, np.uint8)
    cv2.line(page, (100, 400), (1200, 400), 0, 5)
    for y in range(500, 1500, 50):
        cv2.putText(page, "the quick brown fox jumps over the lazy dog", (100, y), cv2.FONT_HERSHEY_COMPLEX, 0.8, 0, 2)
    assert find_blots(Scan(page, 300.0), []) == []


@pytest.mark.parametrize(("words", "levels"), [("SECRET", ["SECRET"]), ("SECTION", []), ("DECREE", [])])
def test_a_blot_is_a_level_only_where_it_says_so(words: str, levels: list[str]) -> None:
    found = with_worn_levels(dotted(words), [], [], [], NeuralReader())
    assert [stamp.text for stamp in found] == levels


def test_a_slanted_line_is_boxed_by_its_own_ink() -> None:
    page = np.full((600, 600), 255, np.uint8)
    page[280:320, 290:310] = 0
    page[20:60, 500:580] = 0  # inside the upright box of the slanted line, outside the line
    corners = np.array([[60, 480], [480, 60], [540, 120], [120, 540]], np.float32)
    assert inked(Scan(page, 300.0), corners) == (290, 280, 310, 320)


def test_a_stamp_that_runs_into_other_writing_takes_only_its_own_words() -> None:
    line = Line("REC-88 DECLAS", (100.0, 10.0), 200.0, 20.0, (1.0, 0.0), (0,))
    [match] = match_markings([line])
    assert (match.marking.id, match.hits[0].start, match.hits[0].end) == ("fbi-serial-stamp-beside-writing", 0, 6)


def test_a_stamp_on_its_side_is_read_whole() -> None:
    page = np.full((1600, 1300), 255, np.uint8)
    strip = np.full((60, 900), 255, np.uint8)
    cv2.putText(strip, "CIA HAS NO OBJECTION TO", (10, 45), cv2.FONT_HERSHEY_DUPLEX, 1.3, 0, 3)
    page[300:1200, 60:120] = cv2.rotate(strip, cv2.ROTATE_90_COUNTERCLOCKWISE)
    [line] = read_margins(Scan(page, 150.0), [], NeuralReader())
    assert (line.text, round(line.rotation_deg / 90)) == ("CIA HAS NO OBJECTION TO", 1)


def test_the_field_of_a_form_is_no_banner() -> None:
    def said(text: str) -> list[str]:
        corners = np.array([[100, 100], [500, 100], [500, 140], [100, 140]], np.float32)
        line = TextLine((100, 100, 500, 140), corners, 0.0, Reading(text, 0.99))
        return [stamp.text for stamp in find_banners(Scan(np.full((900, 700), 255, np.uint8), 150.0), [line], set())]

    assert said("UNCLASSIFIED") == ["UNCLASSIFIED"]
    assert said("CLASSIFICATION : UNCLASSIFIED") == []
    assert said("RESTRICTIONS : 1A 1B") == []


def test_a_level_under_a_release_line_is_told_by_the_one_at_the_foot() -> None:
    page = np.full((1650, 1275), 255, np.uint8)
    for y in (90, 1600):
        cv2.putText(page, "TOP SECRET", (450, y), cv2.FONT_HERSHEY_TRIPLEX, 1.6, 0, 4)
    page[42:72, 400:900] = 255  # the line's white ground
    cv2.putText(page, "Approved for Release: 2019/03/14 C03175207", (405, 66), cv2.FONT_HERSHEY_DUPLEX, 0.65, 0, 1)
    line = Stamp(
        box=(400, 42, 900, 72), confidence=0.9, text="", family="cia-approved-for-release", decision="released"
    )
    said = {"words": ["TOP SECRET"]}
    foot = Stamp(box=(447, 1560, 770, 1606), confidence=0.9, text="", family="classification", evidence=said)
    head, kept = with_cut_level(Scan(page, 150.0), [line], [foot])
    assert kept == foot
    assert iou(head.box, (450, 72, 765, 92)) > 0.4
    page[72:130] = 255  # no level is left under the line
    assert with_cut_level(Scan(page, 150.0), [line], [foot]) == [foot]


@pytest.mark.parametrize(
    ("width", "confidence", "stamps"),
    [(90, 0.98, ["01450"]), (90, 0.5, []), (400, 0.98, [])],
    ids=["figures set close", "figures guessed", "a column of a table on its side"],
)
def test_a_numbering_stamp_shows_its_figures_plainly(width: int, confidence: float, stamps: list[str]) -> None:
    page = np.full((900, 700), 255, np.uint8)

    def line(text: str, y: int, width: int, height: int, confidence: float) -> TextLine:
        page[y : y + height, 100 : 100 + width : 7] = 0
        corners = np.array([[100, y], [100 + width, y], [100 + width, y + height], [100, y + height]], np.float32)
        return text_line(corners, Reading(text, confidence))

    prose = [line("nothing of the kind was said by anyone", 200 + 60 * i, 450, 20, 0.99) for i in range(6)]
    number = line("01450", 700, width, 32, confidence)
    found = find_stamps(Scan(page, 100.0), None, PageText((*prose, number)), Steadfast(number.reading))
    assert [stamp.text for stamp in found] == stamps
