"""Worn lettering is seen by its shape and read for the level that it says; typing, rules and other words are not."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from redactlib.catalogue.markings import Line, match_markings
from redactlib.detect.banner import find_banners, with_cut_level
from redactlib.detect.lettering import read_spots, unread_stamps, with_worn_levels
from redactlib.detect.margins import read_margins
from redactlib.detect.outline import inked
from redactlib.detect.spotting import KINDS, Spot, find_spots
from redactlib.detect.stamp import find_stamps
from redactlib.marks import Stamp, iou
from redactlib.pipeline import analyze
from redactlib.reading import ALPHABET, NeuralReader, PageText, Reading, TextLine, text_line
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


def spot(kind: str, box: tuple[int, int, int, int], heat: float) -> Spot:
    x0, y0, x1, y1 = box
    return Spot(box, np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], np.float32), kind, heat)


def said(level: str, box: tuple[int, int, int, int]) -> Stamp:
    """A banner that was read."""
    return Stamp(box=box, confidence=0.95, text=level, family="classification", evidence={"words": [level]})


def inked_box(scan: Scan) -> tuple[int, int, int, int]:
    x, y, wide, high = cv2.boundingRect((scan.grey < 128).astype(np.uint8))
    return (x, y, x + wide, y + high)


def test_dotted_letters_are_seen_as_one_word() -> None:
    scan = dotted("SECRET")
    best = max(find_spots(scan), key=lambda s: iou(s.box, inked_box(scan)))
    assert iou(best.box, inked_box(scan)) > 0.6


def test_rules_and_small_type_are_no_words() -> None:
    page = np.full((1600, 1300), 255, np.uint8)
    cv2.line(page, (100, 400), (1200, 400), 0, 5)
    for y in range(500, 1500, 50):
        cv2.putText(page, "the quick brown fox jumps over the lazy dog", (100, y), cv2.FONT_HERSHEY_COMPLEX, 0.8, 0, 2)
    assert [s for s in find_spots(Scan(page, 300.0)) if s.heat > 0.5] == []


def test_where_the_network_is_hot_a_word_stands_at_its_angle() -> None:
    maps = np.zeros((len(KINDS) + 3, 24, 32), np.float32)
    maps[1, 10, 16] = 0.8
    maps[1, 11, 16] = 0.5  # the same word, less surely
    maps[len(KINDS) :, 10, 16] = np.log(60 / 32), np.log(30 / 32), 0.2
    [word] = find_spots(Scan(np.full((96, 128), 255, np.uint8), 64.0), network=lambda dark: maps)
    assert (word.kind, word.box, round(word.heat, 2)) == ("SECRET", (36, 27, 96, 57), 0.8)
    rise = word.corners[0] - word.corners[1]
    assert round(float(rise[1] / np.linalg.norm(rise)), 2) == 0.2
    assert np.allclose([word.corners.min(0), word.corners.max(0)], [(36, 27), (96, 57)], atol=0.1)


@pytest.mark.parametrize(("words", "levels"), [("SECRET", ["SECRET"]), ("SECTION", []), ("DECREE", [])])
def test_a_word_is_a_level_only_where_it_says_so(words: str, levels: list[str]) -> None:
    scan = dotted(words)
    found = with_worn_levels(scan, [spot("CONFIDENTIAL", inked_box(scan), 0.2)], [], [], [], NeuralReader())
    assert [stamp.text for stamp in found] == levels


def test_a_word_of_a_longer_line_is_no_level() -> None:
    scan = dotted("SECRET")
    x0, y0, x1, y1 = inked_box(scan)
    corners = np.array([[x0 - 400, y0], [x1 + 9, y0], [x1 + 9, y1], [x0 - 400, y1]], np.float32)
    field = text_line(corners, Reading("CLASSIFICATION : SECRET", 0.98))
    assert with_worn_levels(scan, [spot("SECRET", (x0, y0, x1, y1), 0.9)], [field], [], [], NeuralReader()) == []


def test_the_more_a_word_looks_like_a_level_the_less_it_must_say_so() -> None:
    scan = dotted("SECRET")
    blind = Steadfast(Reading("", 0.1))
    for heat, levels in ((0.5, []), (0.9, ["SECRET"])):
        found = with_worn_levels(scan, [spot("SECRET", inked_box(scan), heat)], [], [], [], blind)
        assert [stamp.text for stamp in found] == levels


@pytest.mark.parametrize(("read", "levels"), [("b7E-1, 2", []), ("SEGBET", ["SECRET"])])
def test_a_word_that_plainly_says_something_else_is_no_level_however_it_looks(read: str, levels: list[str]) -> None:
    scan = dotted("SECRET")
    lattice = np.full((2 * len(read), 1 + len(ALPHABET)), 1e-9, np.float32)
    lattice[1::2, 0] = 1
    lattice[range(0, 2 * len(read), 2), [1 + ALPHABET.index(char) for char in read]] = 1
    plain = Steadfast(Reading(read, 0.99, lattice, tuple((i + 0.5) / len(read) for i in range(len(read)))))
    found = with_worn_levels(scan, [spot("SECRET", inked_box(scan), 0.8)], [], [], [], plain)
    assert [stamp.text for stamp in found] == levels


def test_of_a_level_the_end_was_read_and_the_whole_is_seen() -> None:
    scan = dotted("TOP SECRET")
    x0, y0, x1, y1 = inked_box(scan)
    banner = said("SECRET", (x0 + 2 * (x1 - x0) // 5, y0, x1, y1))
    for heat, text in ((0.8, "TOP SECRET"), (0.4, "SECRET")):
        [level] = with_worn_levels(scan, [spot("TOP SECRET", (x0, y0, x1, y1), heat)], [], [], [banner], NeuralReader())
        assert level.text == text


def test_a_level_stamped_twice_is_two() -> None:
    scan = dotted("SECRET")
    x0, y0, x1, y1 = inked_box(scan)
    first, second = (x0, y0, x1, y1), (x0 + 30, y0 + 26, x1 + 30, y1 + 26)
    spots = [spot("SECRET", first, 0.9), spot("SECRET", second, 0.8)]
    found = with_worn_levels(scan, spots, [], [], [said("SECRET", first)], Steadfast(Reading("SECRET", 0.9)))
    assert len(found) == 2
    assert len(with_worn_levels(scan, spots[1:], [], [], [said("SECRET", first)], NeuralReader())) == 1


@pytest.mark.parametrize(("reach", "levels"), [(0.5, 1), (1.0, 0)])
def test_a_plain_word_that_reaches_out_of_a_stamp_was_stamped_over_it(reach: float, levels: int) -> None:
    scan = dotted("SECRET")
    x0, y0, x1, y1 = inked_box(scan)
    form = Stamp(
        box=(x0 - 300, y0 - 90, round(x0 + reach * (x1 - x0)) + 60, y1 + 90), confidence=0.9, text="", family="admin"
    )
    found = with_worn_levels(scan, [spot("SECRET", (x0, y0, x1, y1), 0.9)], [], [form], [], NeuralReader())
    assert len(found) == levels


@pytest.mark.parametrize("foot", ["SECRET", "CONFIDENTIAL"])
def test_a_level_under_a_release_line_may_look_less_like_one_where_the_foot_repeats_it(foot: str) -> None:
    page = np.roll(dotted("SECRET").grey, -680, axis=0)
    scan = Scan(page, 300.0)
    x0, y0, x1, y1 = inked_box(scan)
    line = Stamp(box=(x0 - 300, y0, x1 + 300, y1), confidence=0.9, text="", family="other-release", decision="released")
    banner = said(foot, (400, 1500, 800, 1560))
    blind = Steadfast(Reading("", 0.1))
    found = with_worn_levels(scan, [spot("SECRET", (x0, y0, x1, y1), 0.35)], [], [line], [banner], blind)
    assert [stamp.text for stamp in found] == [foot, "SECRET"][: 1 + (foot == "SECRET")]


def test_a_word_that_looks_little_like_one_and_begins_in_a_banner_is_none() -> None:
    scan = dotted("SECRET")
    x0, y0, x1, y1 = inked_box(scan)
    banner = said("TOP SECRET", (x0 - 300, y0, x0 + 250, y1))
    assert with_worn_levels(scan, [spot("SECRET", (x0, y0, x1, y1), 0.2)], [], [], [banner], NeuralReader()) == [banner]


@pytest.mark.parametrize("erased", [True, False])
def test_a_level_under_a_release_line_is_boxed_by_what_shows(erased: bool) -> None:
    scan = dotted("SECRET")
    x0, y0, x1, y1 = inked_box(scan)
    middle = (y0 + y1) // 2
    page = scan.grey.copy()
    if erased:
        page[y0 - 5 : middle, x0:x1] = 255
    line = Stamp(
        box=(x0 - 200, y0 - 5, x1 + 300, middle), confidence=0.9, text="", family="other-release", decision="released"
    )
    found = with_worn_levels(Scan(page, 300.0), [spot("SECRET", (x0, y0, x1, y1), 0.9)], [], [line], [], NeuralReader())
    assert (found[0].box[1] > middle - 12) == erased


def test_a_banner_that_was_read_well_keeps_its_frame() -> None:
    scan = dotted("SECRET")
    x0, y0, x1, y1 = inked_box(scan)
    for sure, kept in ((0.99, True), (0.5, False)):
        banner = Stamp(
            box=(x0 - 90, y0 - 60, x1 + 90, y1 + 60),
            confidence=sure,
            text="SECRET",
            family="classification",
            evidence={"words": ["SECRET"]},
        )
        [level] = with_worn_levels(scan, [spot("SECRET", (x0, y0, x1, y1), 0.6)], [], [], [banner], NeuralReader())
        assert (level is banner) == kept


def test_a_date_is_read_upside_down_where_that_says_more() -> None:
    page = np.full((400, 900), 255, np.uint8)
    cv2.putText(page, "JUN 14 1975", (200, 220), cv2.FONT_HERSHEY_DUPLEX, 2.0, 0, 4)
    scan = Scan(np.ascontiguousarray(page[::-1, ::-1]), 200.0)
    [line] = read_spots(scan, [spot("date", inked_box(scan), 0.6)], [], NeuralReader())
    assert (line.text.replace(" ", ""), round(abs(line.rotation_deg))) == ("JUN141975", 180)
    assert read_spots(scan, [spot("date", inked_box(scan), 0.6)], [line], NeuralReader()) == []


def test_a_group_box_needs_no_letters_but_a_frame() -> None:
    page = np.full((600, 900), 255, np.uint8)
    cv2.rectangle(page, (300, 200), (560, 330), 0, 3)
    for y in (240, 270, 300):
        page[y : y + 8, 360:500:3] = 0
    scan = Scan(page, 200.0)
    [group] = unread_stamps(scan, [spot("group", (296, 196, 566, 336), 0.5)], [])
    assert (group.family, group.decision) == ("other-release", "schedule")
    assert iou(group.box, (300, 200, 561, 331)) > 0.95
    assert unread_stamps(scan, [spot("group", (600, 196, 860, 336), 0.5)], []) == []


def test_captions_side_by_side_are_two() -> None:
    text = "Handle Via COMINT-TALENT-KEYHOLEHandle via BYEMAN"
    places = np.arange(len(text)) + 8.0 * (np.arange(len(text)) >= text.index("Handle", 5))
    corners = np.array([[100, 100], [1300, 100], [1300, 140], [100, 140]], np.float32)
    reading = Reading(text, 0.95, centres=tuple(((places + 0.5) / (places[-1] + 1)).tolist()))
    page = np.full((300, 1500), 255, np.uint8)
    page[100:140:4, 100:1300:3] = 0
    found = find_banners(Scan(page, 150.0), [TextLine((100, 100, 1300, 140), corners, 0.0, reading)], set())
    assert sorted(stamp.text for stamp in found) == ["Handle Via COMINT-TALENT-KEYHOLE", "Handle via BYEMAN"]


def test_what_stands_at_another_angle_is_no_caption_of_a_level() -> None:
    def line(text: str, y: int, tilt: int) -> TextLine:
        corners = np.array([[300, y], [500, y - tilt], [500, y + 40 - tilt], [300, y + 40]], np.float32)
        return text_line(corners, Reading(text, 0.99))

    scan = Scan(np.full((900, 800), 255, np.uint8), 150.0)
    for tilt, stamps in ((0, 1), (90, 2)):
        found = find_banners(scan, [line("SECRET", 55 + tilt // 2, tilt), line("NO FOREIGN DISSEM", 100, 0)], set())
        assert len(found) == stamps


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


def test_prose_that_is_like_a_legend_is_no_stamp() -> None:
    page = np.full((2200, 1700), 255, np.uint8)
    for i, words in enumerate(("information on the subject", "be classified officially")):
        cv2.putText(page, words, (300, 800 + 48 * i), cv2.FONT_HERSHEY_DUPLEX, 1.1, 0, 2, cv2.LINE_AA)
    assert analyze(Scan(page, 200.0)).marks == ()


def test_a_stamp_on_its_side_is_read_whole() -> None:
    page = np.full((1600, 1300), 255, np.uint8)
    strip = np.full((60, 900), 255, np.uint8)
    cv2.putText(strip, "CIA HAS NO OBJECTION TO", (10, 45), cv2.FONT_HERSHEY_DUPLEX, 1.3, 0, 3)
    page[300:1200, 60:120] = cv2.rotate(strip, cv2.ROTATE_90_COUNTERCLOCKWISE)
    [line] = read_margins(Scan(page, 150.0), [], NeuralReader())
    assert (line.text, round(line.rotation_deg / 90)) == ("CIA HAS NO OBJECTION TO", 1)


def test_a_stamp_on_its_side_between_the_margins_is_read_whole_where_a_piece_of_it_was_seen() -> None:
    page = np.full((1600, 1300), 255, np.uint8)
    strip = np.full((60, 900), 255, np.uint8)
    cv2.putText(strip, "CIA HAS NO OBJECTION TO", (10, 45), cv2.FONT_HERSHEY_DUPLEX, 1.3, 0, 3)
    page[300:1200, 600:660] = cv2.rotate(strip, cv2.ROTATE_90_COUNTERCLOCKWISE)
    corners = np.array([[600, 1090], [600, 650], [660, 650], [660, 1090]], np.float32)
    scan, reader = Scan(page, 150.0), NeuralReader()
    piece = text_line(corners, Reading("HAS NO OBJECTION TO", 0.8))
    assert [line.text for line in read_margins(scan, [piece], reader)] == ["CIA HAS NO OBJECTION TO"]
    assert read_margins(scan, [], reader) == []


def test_the_field_of_a_form_is_no_banner() -> None:
    def said(text: str) -> list[str]:
        corners = np.array([[100, 100], [500, 100], [500, 140], [100, 140]], np.float32)
        line = TextLine((100, 100, 500, 140), corners, 0.0, Reading(text, 0.99))
        return [stamp.text for stamp in find_banners(Scan(np.full((900, 700), 255, np.uint8), 150.0), [line], set())]

    assert said("UNCLASSIFIED") == ["UNCLASSIFIED"]
    assert said("CLASSIFICATION : UNCLASSIFIED") == []
    assert said("RESTRICTIONS : 1A 1B") == []
    assert said("TOP SECRET DINAR") == ["TOP SECRET DINAR"]


@pytest.mark.parametrize(("y", "stamps"), [(400, []), (40, ["UNCLASSIFIED"])])
def test_the_value_of_a_form_s_field_is_no_banner_but_at_head_and_foot(y: int, stamps: list[str]) -> None:
    def line(text: str, x: int, width: int) -> TextLine:
        corners = np.array([[x, y], [x + width, y], [x + width, y + 30], [x, y + 30]], np.float32)
        return text_line(corners, Reading(text, 0.99))

    scan = Scan(np.full((900, 700), 255, np.uint8), 150.0)
    found = find_banners(scan, [line("CLASSIFICATION :", 60, 240), line("UNCLASSIFIED", 330, 200)], set())
    assert [stamp.text for stamp in found] == stamps


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
    cv2.line(page, (470, 80), (750, 80), 0, 8)  # a stroke holds its letters together
    assert iou(with_cut_level(Scan(page, 150.0), [line], [foot])[0].box, (450, 72, 765, 92)) > 0.4
    page[72:130] = 255  # no level is left under the line
    assert with_cut_level(Scan(page, 150.0), [line], [foot]) == [foot]


@pytest.mark.parametrize(
    ("width", "confidence", "label", "stamps"),
    [(90, 0.98, False, ["01450"]), (90, 0.5, False, []), (400, 0.98, False, []), (90, 0.98, True, [])],
    ids=["figures set close", "figures guessed", "a column of a table on its side", "the field of a form"],
)
def test_a_numbering_stamp_shows_its_figures_plainly(
    width: int, confidence: float, label: bool, stamps: list[str]
) -> None:
    page = np.full((900, 700), 255, np.uint8)

    def line(text: str, y: int, width: int, height: int, confidence: float, x: int = 100) -> TextLine:
        page[y : y + height, x : x + width : 7] = 0
        corners = np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]], np.float32)
        return text_line(corners, Reading(text, confidence))

    prose = [line("nothing of the kind was said by anyone", 200 + 60 * i, 450, 20, 0.99) for i in range(6)]
    number = line("01450", 700, width, 32, confidence)
    labels = [line("IN", 704, 30, 24, 0.99, x=40)] if label else []
    found = find_stamps(Scan(page, 100.0), None, PageText((*prose, *labels, number)), Steadfast(number.reading))
    assert [stamp.text for stamp in found] == stamps
