"""The date recogniser, and where a stamp's date is looked for."""

from __future__ import annotations

import csv
import importlib.resources
from pathlib import Path

import cv2
import numpy as np
import pytest

from redactlib.datelines import (
    CHARACTERS,
    LINE_HEIGHT_PX,
    DateLineSettings,
    DateReader,
    _is_another_s,
    as_guess,
    date_crops,
    date_readings,
    lines_around,
)
from redactlib.dates import read_date
from redactlib.pipeline import analyze
from redactlib.reading import ALPHABET, Reading
from redactlib.scan import Scan
from redactlib.synth.pen import Hand, write

HAND = Hand(slant=0.15, width=1.0, wobble=0.1, spacing=2.4, pen_mm=0.4, font=None)


def pen_line(text: str) -> np.ndarray:
    """A line written by a steady hand, grey."""
    strokes = write(text, HAND, np.random.default_rng(3))
    width = round(5 * max(float(s[:, 0].max()) for s in strokes)) + 60
    page = np.full((100, width), 255, np.uint8)
    for stroke in strokes:
        cv2.polylines(page, [np.round(stroke * 5 + (30, 75)).astype(np.int32)], False, 0, 5, cv2.LINE_AA)
    return page


class LinesAt:
    """Stands in for the line detector: gives the same boxes whatever it sees, at the scale that it is asked for."""

    def __init__(self, *boxes: tuple[int, int, int, int]) -> None:
        self.boxes = boxes
        self.full = 0
        self.read_px: list[tuple[int, ...]] = []

    def find_lines(self, grey: np.ndarray) -> list[np.ndarray]:
        self.full = max(self.full, grey.shape[0])
        scale = np.float32(grey.shape[0] / self.full)
        return [scale * np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32) for x0, y0, x1, y1 in self.boxes]

    def read(self, crops: list[np.ndarray], *, careful: bool = False) -> list[Reading]:
        self.read_px += [crop.shape for crop in crops]
        return [Reading("", 0.0, None) for _ in crops]


@pytest.mark.parametrize("text", ["4-6-88", "10-27-92", "8-25-96"])
def test_the_recogniser_reads_a_steady_hand(text):
    reading = DateReader().read([pen_line(text)])[0]
    month, day, year = (int(part) for part in text.split("-"))
    found = read_date([reading], not_after="2026-01-01")
    assert (f"19{year}-{month:02d}-{day:02d}") in [date for date, _ in found.candidates[:3]]


def test_lattices_have_a_step_for_every_four_pixels():
    reading = DateReader().read([np.full((2 * LINE_HEIGHT_PX, 400), 255, np.uint8)])[0]
    assert reading.text == ""
    assert reading.lattice.shape[0] == 50
    assert reading.lattice.sum(1) == pytest.approx(1.0, abs=1e-4)


def test_a_tall_line_is_also_read_by_halves_and_lines_of_other_stamps_are_left():
    scan = Scan(np.full((900, 900), 255, np.uint8), 300)
    even = LinesAt((100, 10, 400, 60), (100, 180, 400, 230), (100, 240, 400, 290))
    detector = LinesAt(*even.boxes[:2], (100, 240, 400, 330))
    crops = date_crops(scan, (200, 200, 500, 500), detector)
    assert len(crops) == len(date_crops(scan, (200, 200, 500, 500), even)) + 2
    at_home = [crop for crop, weight in crops if weight == 1]
    assert 0 < len(at_home) < len(crops)
    _, _, left = lines_around(
        scan, (200, 200, 500, 500), detector, 0.0, ((), [(0, 0, 900, 900)]), (), DateLineSettings()
    )
    assert len(left) == len(at_home)


@pytest.mark.parametrize(("left", "belongs"), [(100, True), (420, False)])
def test_a_line_much_nearer_to_the_legend_of_another_stamp_is_left_to_it(left: int, belongs: bool) -> None:
    line = np.array([[left, 300], [left + 120, 300], [left + 120, 340], [left, 340]], np.float32)
    own, other = (100, 200, 300, 260), (420, 360, 640, 420)
    assert _is_another_s(line, [own], [other], DateLineSettings()) is not belongs
    assert not _is_another_s(line, [own], [], DateLineSettings())


def test_a_turned_stamp_is_set_upright():
    image = np.full((900, 900), 255, np.uint8)
    image[300:600, 400:410] = 0  # a line that runs upwards
    crops = date_crops(Scan(image, 300), (350, 250, 450, 650), LinesAt((60, 90, 480, 190)), rotation_deg=90)
    dark_rows = (crops[0][0] < 128).mean(1)
    assert dark_rows.max() > 0.5


def test_a_line_with_figures_is_read_in_several_views_and_a_blank_one_in_none():
    date = pen_line("4-6-88")
    height, width = date.shape
    page = np.full((900, 900), 255, np.uint8)
    page[300 : 300 + height, 250 : 250 + width] = date
    x, y = 250 - (240 - 71), 300 - (280 - 106)  # in the window, which reaches 6 mm to the side and 9 mm up
    lines = LinesAt((x, y, x + width, y + height), (x, y + height + 60, x + width, y + 2 * height + 60))
    found = date_readings(Scan(page, 300), (240, 280, 700, 500), lines, DateReader())
    assert found.groups == (0, 0, 0, 0)
    assert lines.read_px[1][1] > lines.read_px[0][1] + height / 2  # the second view reaches further to both sides
    assert read_date(found.readings, groups=found.groups, not_after="2026-01-01").candidates[0][0] == "1988-04-06"


def test_a_date_at_the_end_of_a_long_line_is_cut_out_of_it():
    """The line's own height and margins are those of its print, and its date is a tenth of what the views show."""
    date = pen_line("4-6-88")
    height, width = date.shape
    page = np.full((900, 1700), 255, np.uint8)
    page[300 : 300 + height, 250 + 4 * width : 250 + 5 * width] = date
    x, y = 250 - (240 - 71), 300 - (280 - 106)
    lines = LinesAt((x, y, x + 5 * width, y + height))
    found = date_readings(Scan(page, 300), (240, 280, 1600, 500), lines, DateReader())
    assert found.groups == (0, 0, 0, 0, 0)
    assert max(shape[1] for shape in lines.read_px[1:]) < lines.read_px[0][1] / 2
    assert read_date(found.readings, groups=found.groups, not_after="2026-01-01").candidates[0][0] == "1988-04-06"


def test_the_room_for_a_date_is_read_though_no_line_was_found_there() -> None:
    date = pen_line("4-6-88")
    height, width = date.shape
    page = np.full((900, 900), 255, np.uint8)
    page[300 : 300 + height, 250 : 250 + width] = date
    blank = np.array([(250, 300), (250 + width, 300), (250 + width, 300 + height), (250, 300 + height)], np.float32)
    found = date_readings(Scan(page, 300), (240, 280, 700, 500), LinesAt(), DateReader(), blanks=[blank])
    read = read_date(found.readings, groups=found.groups, lines=found.lines, not_after="2026-01-01")
    assert read is not None
    assert read.candidates[0][0] == "1988-04-06"
    other = (200, 250, 800, 450)
    assert not date_readings(
        Scan(page, 300), (240, 600, 700, 800), LinesAt(), DateReader(), blanks=[blank], elsewhere=[other]
    ).readings


def test_what_the_general_recogniser_says_fills_two_steps_for_each_of_its_own():
    lattice = np.full((3, 1 + len(ALPHABET)), 1e-6, np.float32)
    lattice[:, 5] = 1.0
    guess = as_guess(lattice, 8)
    assert guess.shape == (1 + len(ALPHABET), 8)
    assert guess[5] == pytest.approx([1, 1, 1, 1, 1, 1, 0, 0])
    assert guess[6].max() == 0
    assert not as_guess(None, 8).any()


def test_the_table_of_lines_read_by_eye_holds_places_and_texts_that_the_recogniser_can_say():
    table = importlib.resources.files("redactlib") / "training" / "date_fills.csv"
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    assert len({(row["page"], row["corners"]) for row in rows}) == len(rows) > 50
    for row in rows:
        assert row["page"].split("/")[0] in ("labelled", "unlabelled")
        assert len([int(v) for v in row["corners"].split()]) == 8
        assert row["text"]
        assert set(row["text"]) <= set(CHARACTERS)


def test_a_project_number_in_a_slip_is_not_its_date(fixtures: Path) -> None:
    report = analyze(fixtures / "nara_slip_by_hand.png")  # Authority NND 111497, and a date of its own below
    assert [mark.family for mark in report.stamps if mark.family != "classification"] == ["nara-label"]
    assert report.declassification.date in (None, "2003-12-01")
