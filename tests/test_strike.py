"""Struck-out classification words: any stroke through them counts, what stands around them does not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from redactlib.catalogue.markings import Line, match_markings
from redactlib.detect.stamp import unfilled
from redactlib.detect.strike import is_stamp_struck, is_struck
from redactlib.pipeline import analyze
from redactlib.scan import Scan

BOX = (100, 100, 520, 150)
LINES: dict[str, tuple[tuple[int, int], tuple[int, int]]] = {
    "level": ((80, 126), (540, 124)),
    "slanting": ((200, 165), (420, 80)),
    "steep": ((290, 185), (390, 65)),
    "only-the-first-word": ((85, 126), (225, 124)),
}
AROUND: dict[str, Callable[[np.ndarray], object]] = {
    "nothing": lambda page: None,
    "underline": lambda page: cv2.line(page, (95, 158), (525, 158), 0, 4),
    "frame": lambda page: cv2.rectangle(page, (70, 75), (550, 175), 0, 4),
    "bar": lambda page: cv2.line(page, (545, 60), (545, 190), 0, 4),
}


def banner() -> np.ndarray:
    page = np.full((250, 640), 255, np.uint8)
    cv2.putText(page, "TOP SECRET", (100, 149), cv2.FONT_HERSHEY_TRIPLEX, 2.2, 0, 4)
    return page


@pytest.mark.parametrize("name", LINES)
def test_a_line_through_the_words_strikes_them_out(name: str) -> None:
    page = banner()
    cv2.line(page, *LINES[name], 0, 5)
    assert is_struck(Scan(page, 150.0), BOX)


@pytest.mark.parametrize("name", AROUND)
def test_lines_around_the_words_do_not_strike_them_out(name: str) -> None:
    page = banner()
    AROUND[name](page)
    assert not is_struck(Scan(page, 150.0), BOX)


def test_words_that_read_upwards_are_seen_too() -> None:
    page = banner()
    cv2.line(page, *LINES["slanting"], 0, 5)
    turned = np.ascontiguousarray(np.rot90(page))
    x0, y0, x1, y1 = BOX
    assert is_struck(Scan(turned, 150.0), (y0, page.shape[1] - x1, y1, page.shape[1] - x0))


@pytest.mark.parametrize(("struck", "until"), [(False, 330), (True, 430)])
def test_letters_that_touch_are_no_stroke_unless_it_goes_on(struck: bool, until: int) -> None:
    page = np.full((250, 640), 255, np.uint8)
    for x in (*range(100, 220, 40), *range(240, 330, 20), *range(360, 520, 40)):
        cv2.rectangle(page, (x, 100), (x + 12, 149), 0, -1)
    cv2.rectangle(page, (200, 100), (330, 108), 0, -1)  # stems in the middle run together at their heads
    cv2.line(page, (205, 126), (until, 126), 0, 5)  # and by their arms
    assert is_struck(Scan(page, 150.0), BOX) is struck


def test_a_speck_of_a_box_is_no_strike() -> None:
    assert not is_struck(Scan(banner(), 150.0), (100, 100, 103, 102))


WORDS = {"HISTORICAL REVIEW": (101, 128), "RELEASE FULL": (150, 178)}  # where they begin and stand


def legend() -> list[np.ndarray]:
    found = []
    for text, (x, y) in WORDS.items():
        (wide, high), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_COMPLEX, 1.2, 2)
        found.append(np.array([(x, y - high), (x + wide, y - high), (x + wide, y + 4), (x, y + 4)], np.float32))
    return found


STROKES: dict[str, tuple[tuple[tuple[int, int], tuple[int, int]], ...]] = {
    "a level line through the lower line, from side to side": (((75, 166), (535, 162)),),
    "a level line that bends": (((75, 172), (300, 165)), ((300, 165), (535, 163))),
    "a small cross in the middle": (((270, 85), (330, 195)), ((330, 85), (265, 195))),
    "a cross where the stamp is filled in": (((405, 95), (515, 185)), ((505, 90), (410, 190))),
    "a slanting line from end to end": (((90, 190), (510, 88)),),
}
LIVE: dict[str, tuple[tuple[tuple[int, int], tuple[int, int]], ...]] = {
    "nothing": (),
    "a rule of a form that runs on": (((0, 164), (790, 164)),),
    "a rule under each line": (((75, 134), (535, 134)), ((75, 184), (535, 184))),
    "a rule before the words alone": (((75, 164), (176, 164)),),
    "the slashes of a date": (((300, 90), (270, 160)), ((340, 90), (310, 160))),
    "a small letter X of a pen": (((520, 110), (550, 145)), ((550, 110), (520, 145))),
    "a cross beside the stamp": (((490, 95), (560, 185)), ((550, 90), (500, 190))),
    "a frame": (((75, 80), (535, 80)), ((535, 80), (535, 200)), ((535, 200), (75, 200)), ((75, 200), (75, 80))),
    "a tick": (((280, 110), (300, 180)), ((300, 180), (350, 60))),
}


def stamped(strokes: tuple[tuple[tuple[int, int], tuple[int, int]], ...]) -> np.ndarray:
    page = np.full((300, 800), 255, np.uint8)
    for text, place in WORDS.items():
        cv2.putText(page, text, place, cv2.FONT_HERSHEY_COMPLEX, 1.2, 0, 2)
    for start, end in strokes:
        cv2.line(page, start, end, 0, 3)
    return page


@pytest.mark.parametrize("angle_deg", [0, 17, 90])
@pytest.mark.parametrize("name", [*STROKES, *LIVE])
def test_a_cross_or_a_line_strikes_a_stamp_out_and_rules_and_writing_do_not(name: str, angle_deg: int) -> None:
    page = stamped((STROKES | LIVE)[name])
    turn = cv2.getRotationMatrix2D((400, 150), angle_deg, 1.0) + np.array([[0, 0, 100], [0, 0, 350]])
    turned = cv2.warpAffine(page, turn, (1000, 1000), borderValue=255, flags=cv2.INTER_AREA)
    lines = [corners @ turn[:, :2].T + turn[:, 2] for corners in legend()]
    assert is_stamp_struck(Scan(turned, 300.0), lines) == (name in STROKES)


def test_a_cross_behind_a_line_that_runs_on_into_writing_does_not_strike_it_out() -> None:
    lines = legend()
    lines[1][1:3, 0] = 760
    page = stamped((((630, 85), (700, 185)), ((690, 80), (640, 190))))
    assert not is_stamp_struck(Scan(page, 300.0), lines)


def test_dashes_before_and_behind_a_number_do_not_strike_it_out() -> None:
    page = np.full((300, 800), 255, np.uint8)
    cv2.rectangle(page, (300, 140), (340, 170), 0, 3)
    cv2.line(page, (270, 155), (370, 155), 0, 3)
    line = np.array([(298, 138), (343, 138), (343, 173), (298, 173)], float)
    assert not is_stamp_struck(Scan(page, 300.0), [line])


def test_a_dark_bar_and_light_letters_hold_no_cross() -> None:
    page = stamped(())
    cv2.rectangle(page, (460, 140), (600, 190), 0, -1)
    assert not is_stamp_struck(Scan(page, 300.0), legend())
    assert not is_stamp_struck(Scan(255 - stamped(()), 300.0), legend())


def test_a_release_that_is_struck_out_with_a_level_line_gives_no_date(fixtures: Path) -> None:
    report = analyze(fixtures / "struck_release_does_not_count.png")
    (release,) = [event for event in report.events if event.decision == "released"]
    assert release.struck
    assert (report.declassification.status, report.declassification.date) != ("released", "1998")


def test_a_speck_of_a_stamp_is_not_struck_out() -> None:
    assert not is_stamp_struck(Scan(stamped(()), 300.0), [0.1 * corners for corners in legend()])


def test_what_a_pen_fills_in_is_looked_for_on_the_other_lines_of_a_legend() -> None:
    texts = ("NO STATE OBJECTION", "TO DECLASSIFICATION", "BY WJC DATE 01/14/16")
    lines = [Line(text, (200.0, 60.0 * i), 400.0, 40.0, parts=(i,)) for i, text in enumerate(texts)]
    [match] = match_markings(lines)
    parts = {i: np.full((4, 2), i, np.float32) for i in range(3)}
    assert [corners[0, 0] for corners in unfilled(match, lines, parts)] == [0, 1]
