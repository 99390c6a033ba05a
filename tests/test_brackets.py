"""Square brackets: pairs in reading order, the text between them, typed ones from the reading, nothing else."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import Mock

import cv2
import numpy as np
import pytest

from redactlib.detect.beneath import without
from redactlib.detect.bracket import (
    BracketSettings,
    _between,
    _faces,
    _in_company,
    _is_tick_box,
    _partners,
    _read_without,
    find_brackets,
)
from redactlib.detect.judge import Judge
from redactlib.layers import Layers, separate
from redactlib.marks import Bracket
from redactlib.reading import PageText, Reading, TextLine
from redactlib.scan import Scan

WIDTH, HEIGHT, DPI = 850, 500, 100.0


def line(text: str, y: int, *, x0: int = 100, character_px: float = 10.0, confidence: float = 0.95) -> TextLine:
    x1 = round(x0 + character_px * len(text))
    corners = np.array([[x0, y], [x1, y], [x1, y + 16], [x0, y + 16]], np.float32)
    centres = tuple((i + 0.5) / len(text) for i in range(len(text)))
    return TextLine((x0, y, x1, y + 16), corners, 0.0, Reading(text, confidence, None, centres))


def blank() -> Scan:
    return Scan(np.full((HEIGHT, WIDTH), 255, np.uint8), DPI)


def test_typed_brackets_are_paired_and_hold_their_words() -> None:
    first, last = find_brackets(blank(), None, PageText((line("we agree [in principle] to meet", 100),)))
    assert (first.side, last.side, first.form) == ("open", "close", "typed")
    assert (first.pair, last.pair) == (last.id, first.id)
    assert first.text == "in principle"
    assert first.family == "drafter"


def test_nested_brackets_pair_inside_out() -> None:
    found = find_brackets(blank(), None, PageText((line("one [two [three] four] five", 100),)))
    assert [b.pair for b in found] == [found[3].id, found[2].id, found[1].id, found[0].id]
    assert found[1].text == "three"


def test_a_passage_over_two_lines_keeps_both_parts() -> None:
    lines = (
        line("we shall [not invade the island", 100),
        line("at any time] as long as", 130),
        line("this lasts", 160),
    )
    first, last = find_brackets(blank(), None, PageText(lines))
    assert first.pair == last.id
    assert first.text == "not invade the island at any time"


def test_an_opening_bracket_without_partner_stays_open() -> None:
    (only,) = find_brackets(blank(), None, PageText((line("continued [on the next page", 100),)))
    assert only.pair is None
    assert only.text is None
    assert only.evidence["to_the_edge"] == "on the next page"


def test_a_closing_bracket_without_partner_says_what_stands_before_it() -> None:
    lines = (line("of the last resort", 60), line("and no more] as agreed", 100))
    (only,) = find_brackets(blank(), None, PageText(lines))
    assert only.evidence == {"why": "typed, without a partner", "to_the_edge": "of the last resort and no more"}


def test_an_editors_brackets_are_editorial() -> None:
    first, _ = find_brackets(blank(), None, PageText((line("source [1 line not declassified] says", 100),)))
    assert first.family == "editorial"


def test_parentheses_and_doubtful_lines_are_no_brackets() -> None:
    lines = (line("we agree (in principle) to meet", 100), line("w[ ag]ee", 200, confidence=0.4))
    assert find_brackets(blank(), None, PageText(lines)) == ()


def test_boxes_to_tick_and_sides_of_frames_are_no_typed_brackets() -> None:
    lines = (line("[ ] release [] excise", 100), line("[ deny the request", 150), line("the side of a ]frame", 200))
    assert find_brackets(blank(), None, PageText(lines)) == ()


def drawn(sides: str = "both") -> tuple[Scan, PageText]:
    scan = blank()
    image = scan.image.copy()
    for x, arm in ((195, 9), (305, -9)) if sides == "both" else ():
        cv2.polylines(image, [np.array([[x + arm, 94], [x, 94], [x, 124], [x + arm, 124]])], False, 0, 2)
    if sides == "rules":  # a side-line and a box, as forms have them
        cv2.line(image, (92, 60), (92, 300), 0, 2)
        cv2.rectangle(image, (60, 80), (500, 140), 0, 2)
    return Scan(image, DPI), PageText(tuple(line("words in the middle of a line", y) for y in (60, 100, 140)))


def test_without_the_model_upright_strokes_with_two_arms_are_brackets() -> None:
    found = find_brackets(*((scan := drawn())[0], None, scan[1]))
    assert [(b.side, b.form) for b in found] == [("open", "drawn"), ("close", "drawn")]
    assert found[0].family == "reviewer"


@pytest.mark.parametrize("side", ["open", "close"])
def test_a_side_of_a_box_to_tick_is_no_bracket(side: str) -> None:
    image = blank().image.copy()
    cv2.rectangle(image, (100, 100), (130, 128), 0, 3)
    cv2.putText(image, "x", (108, 122), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 0, 1)
    word = image.copy()
    word[96:132, 112:119] = 255  # both long sides open: a pair round a letter
    at = Bracket(
        box=(98, 98, 118, 130) if side == "open" else (112, 98, 132, 130), confidence=0.9, side=side, form="drawn"
    )
    assert _is_tick_box(at, Scan(image, DPI), BracketSettings())
    assert not _is_tick_box(at, Scan(word, DPI), BracketSettings())


def test_brackets_round_an_editors_remark_are_typed_whatever_they_look_like() -> None:
    scan, _ = drawn()
    remark = PageText((line("source", 100), line("name not declassified", 100, x0=198, character_px=5.0)))
    found = find_brackets(scan, None, remark)
    assert [(b.side, b.form, b.family) for b in found] == [(side, "typed", "editorial") for side in ("open", "close")]


def test_a_bracket_that_a_slanting_stroke_crosses_is_struck() -> None:
    scan, text = drawn()
    image = scan.image.copy()
    for rise in (-1, 1):
        cv2.line(image, (183, 109 - 12 * rise), (207, 109 + 12 * rise), 0, 2)
    found = find_brackets(Scan(image, DPI), None, text)
    assert [b.struck for b in found] == [True, False]
    assert [b.struck for b in find_brackets(scan, None, text)] == [False, False]


def test_a_doubtful_bracket_is_saved_by_its_partner_and_a_lone_one_is_not() -> None:
    text = PageText(tuple(line("words in the middle of a line", y) for y in (100, 140)))

    def seen(side: str, x: int, y: int, confidence: float) -> Bracket:
        return Bracket(box=(x, y - 2, x + 8, y + 20), confidence=confidence, side=side, form="drawn")

    alone, _ = _in_company([seen("open", 150, 100, 0.6), seen("open", 300, 140, 0.1)], text, 16.0, BracketSettings())
    first, last = _in_company(
        [seen("open", 150, 100, 0.6), seen("close", 300, 140, 0.9)], text, 16.0, BracketSettings()
    )
    back, _ = _in_company([seen("open", 150, 140, 0.6), seen("close", 300, 100, 0.9)], text, 16.0, BracketSettings())
    assert alone < 0.5 < first
    assert first > back
    assert last > 0.5


def tall(*, arms: str = "both", x: int = 90) -> tuple[Scan, Layers, PageText]:
    """A line of the pen down beside five lines of type, with an arm at both ends, at one, or closed to a frame."""
    image = np.full((HEIGHT, WIDTH), 255, np.uint8)
    points = [[x + 40, 92], [x, 94], [x + 4, 180], [x - 2, 264], [x + 45, 260]]
    points = {"both": points, "one": points[:4], "frame": [*points, [x + 42, 92]]}[arms]
    cv2.polylines(image, [np.array(points)], False, 0, 2)
    text = PageText(tuple(line("words in the middle of a line", 100 + 33 * i, x0=150) for i in range(5)))
    layers = separate(Scan(image, DPI))
    warm, cold = np.zeros_like(layers.bracket_open), np.zeros_like(layers.ruling)
    row, column = round(180 * layers.scale), round((x + 4) * layers.scale)
    warm[row - 1 : row + 2, column - 1 : column + 2] = 40  # what the map says of tall ones: little
    return Scan(image, DPI), replace(layers, bracket_open=warm, bracket_close=warm, ruling=cold), text


def test_a_bracket_round_five_lines_is_known_by_its_outline() -> None:
    scan, layers, text = tall()
    (found,) = (b for b in find_brackets(scan, layers, text) if b.box[3] - b.box[1] > 100)
    assert (found.side, found.form) == ("open", "drawn")
    assert abs(found.box[0] - 88) < 5


@pytest.mark.parametrize("arms", ["one", "frame"])
def test_a_line_with_one_arm_and_a_frame_are_no_tall_brackets(arms: str) -> None:
    scan, layers, text = tall(arms=arms)
    assert not any(b.box[3] - b.box[1] > 100 for b in find_brackets(scan, layers, text))


def test_a_sure_bracket_calls_for_a_doubtful_partner_on_its_line() -> None:
    text = PageText(tuple(line("words in the middle of a line", y) for y in (100, 140)))

    def seen(side: str, x: int, y: int, confidence: float) -> Bracket:
        return Bracket(box=(x, y - 2, x + 8, y + 20), confidence=confidence, side=side, form="drawn")

    sure, near, far = seen("open", 150, 100, 0.9), seen("close", 300, 100, 0.3), seen("close", 120, 100, 0.4)
    assert [b.box for b in _partners([sure], [near, far], text, 16.0, BracketSettings())] == [near.box]
    assert _partners([replace(sure, confidence=0.55)], [near], text, 16.0, BracketSettings()) == []


def test_pieces_of_one_line_are_put_together_from_left_to_right() -> None:
    pieces = (line("engage in war]", 103, x0=260), line("[does not", 100, x0=150))
    first, _ = find_brackets(blank(), None, PageText(pieces))
    assert first.text == "does not engage in war"


def test_a_bracket_is_taken_out_and_the_letters_beside_it_stay() -> None:
    image = np.full((120, 300), 255, np.uint8)
    cv2.putText(image, "oo", (100, 75), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 0, 3)
    letters = (image < 128).sum()
    cv2.polylines(image, [np.array([[112, 30], [92, 30], [92, 95], [108, 95]])], False, 0, 5)
    left = without(Scan(image, 200.0), [seen("open", (90, 28, 114, 98))])
    assert (left[:40] < 128).sum() + (left[85:] < 128).sum() == 0
    assert (left[:, 97:] < 128).sum() > 0.95 * letters


def seen(side: str, box: tuple[int, int, int, int], *, struck: bool = False) -> Bracket:
    return Bracket(box=box, confidence=0.9, side=side, form="drawn", struck=struck)


@pytest.mark.parametrize("lean", [-6, 0, 6])
def test_a_bracket_that_leans_or_was_crossed_out_is_taken_out_whole(lean: int) -> None:
    image = np.full((120, 300), 255, np.uint8)
    cv2.line(image, (96 + lean, 30), (96 - lean, 95), 0, 6)
    box = (88, 28, 122, 98)
    assert not (without(Scan(image, 200.0), [seen("open", box)]) < 128).any()
    cv2.line(image, (85, 30), (118, 95), 0, 4)
    cv2.line(image, (118, 30), (85, 95), 0, 4)
    assert (without(Scan(image, 200.0), [seen("open", box, struck=True)]) < 128).sum() < 40


def test_a_line_that_a_bracket_parted_is_read_as_one_and_loses_no_letter() -> None:
    image = blank().image.copy()
    for x, side in ((255, 1), (388, -1)):
        cv2.polylines(image, [np.array([[x + 8 * side, 94], [x, 94], [x, 122], [x + 8 * side, 122]])], False, 0, 3)
    whole = "we agree to the a NATO states"
    pieces = PageText((line("we agree to the", 100), line("NATO states", 100, x0=282)))
    reader = Mock()
    centres = tuple((i + 0.5) / len(whole) for i in range(len(whole)))
    reader.read.return_value = [Reading(whole, 0.95, None, centres)]
    drawn = [seen("open", (252, 92, 264, 124)), seen("close", (380, 92, 392, 124))]
    page = _read_without(drawn, Scan(image, DPI), pieces, 16.0, reader, BracketSettings())
    assert [line.text for line in page.lines] == [whole]
    assert reader.read.call_args.args[0][0].shape[1] > 280
    stands = [(drawn[0], 255.0), (drawn[1], 335.0)]  # the second close to the end of a word, where no space is read
    assert _between(stands[0], stands[1], stands, page) == "a NATO"


def test_a_pair_round_a_short_word_is_two_brackets_and_a_bracket_alone_is_one() -> None:
    image = blank().image.copy()
    for x, side in ((200, 1), (230, -1)):
        cv2.polylines(image, [np.array([[x + 10 * side, 94], [x, 94], [x, 126], [x + 10 * side, 126]])], False, 0, 3)
    first, last = seen("open", (197, 92, 226, 128)), seen("close", (204, 92, 233, 128))
    assert _faces(first, last, Scan(image, DPI), BracketSettings())
    image[:, 220:] = 255
    assert not _faces(first, last, Scan(image, DPI), BracketSettings())


def test_a_tall_peak_of_heat_must_be_surer_than_a_low_one() -> None:
    scan, layers, text = tall(arms="one")
    warm = np.zeros_like(layers.bracket_open)
    size = np.zeros_like(layers.bracket_size)
    row, column = round(180 * layers.scale), round(94 * layers.scale)
    warm[row, column] = 200
    size[row, column] = 20, 60
    layers = replace(layers, bracket_open=warm, bracket_close=np.zeros_like(warm), bracket_size=size)
    for chance, count in ((0.93, 0), (0.99, 1)):
        score = np.array([[0.0, np.log(chance / (1 - chance))]])
        judge = Judge(np.zeros((1, 177)), np.ones((1, 177)), np.zeros((1, 178, 1)), score)
        assert len(find_brackets(scan, layers, text, judge=judge)) == count


@pytest.mark.parametrize("with_model", [False, True])
def test_side_lines_and_boxes_are_no_brackets(with_model: bool) -> None:
    scan, text = drawn("rules")
    assert find_brackets(scan, separate(scan) if with_model else None, text) == ()


@pytest.mark.real
def test_drawn_brackets_of_a_real_page_are_found(real_scans) -> None:
    import json

    from redactlib.reading import NeuralReader, read_page
    from redactlib.scan import open_scans

    path = real_scans / "labelled" / "jfk2025__124-90137-10468_p2.png"
    scan = next(iter(open_scans(path)))
    found = find_brackets(scan, separate(scan), read_page(scan.grey, NeuralReader()))
    labels = json.loads(path.with_name(path.stem + ".truth.json").read_text())["marks"]
    boxes = [(m["side"], m["box"]) for m in labels if m["kind"] == "bracket"]
    hits = sum(
        any(
            side == b.side and abs(x0 + x1 - b.box[0] - b.box[2]) < 70 and abs(y0 + y1 - b.box[1] - b.box[3]) < 70
            for b in found
        )
        for side, (x0, y0, x1, y1) in boxes
    )
    assert hits > 0.5 * len(boxes)
