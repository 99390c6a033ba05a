"""Tick boxes: found by their outline beside a label, in one size for the whole form."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

import redactlib
from redactlib.reading import Reading, text_line
from redactlib.scan import as_scan
from redactlib.ticks import TickPlace, read_ticks


def _form(*, worn: float = 0.0, seed: int = 0) -> tuple[np.ndarray, list[TickPlace]]:
    """Four labels with boxes of 26 pixels to their left: empty, crossed, thinly checked, empty."""
    page = np.full((600, 900), 255, np.uint8)
    places = []
    for row, label in enumerate(("RELEASE", "EXCISE", "DENY", "DECLASSIFY")):
        x, y = 120, 100 + 60 * row
        cv2.rectangle(page, (x, y), (x + 26, y + 26), 0, 3)
        cv2.putText(page, label, (x + 45, y + 25), cv2.FONT_HERSHEY_SIMPLEX, 1.0, 0, 3)
        width = cv2.getTextSize(label, cv2.FONT_HERSHEY_SIMPLEX, 1.0, 3)[0][0]
        corners = np.array([(x + 40, y - 8), (x + 50 + width, y - 8), (x + 50 + width, y + 34), (x + 40, y + 34)])
        places.append(TickPlace(label, text_line(corners.astype(np.float32), Reading(label, 1.0)), 0.05, 0.97))
    cv2.line(page, (112, 150), (158, 198), 0, 7)
    cv2.line(page, (158, 150), (112, 198), 0, 7)
    cv2.line(page, (126, 232), (132, 240), 0, 2)
    cv2.line(page, (132, 240), (160, 200), 0, 2)
    if worn:
        page[np.random.default_rng(seed).random(page.shape) < worn] = 255
    return page, places


@pytest.mark.parametrize("worn", [0.0, 0.15])
def test_a_bold_cross_and_a_thin_check_are_ticks_and_an_empty_box_is_none(worn: float) -> None:
    page, places = _form(worn=worn)
    ticks = read_ticks(as_scan(page), places)
    assert [(label, ticked) for label, _, ticked in ticks] == [
        ("RELEASE", False),
        ("EXCISE", True),
        ("DENY", True),
        ("DECLASSIFY", False),
    ]


def test_boxes_may_stand_right_of_their_labels() -> None:
    page, places = _form()
    mirrored = np.ascontiguousarray(page[:, ::-1])
    there = []
    for place in places:
        corners = place.piece.corners[[1, 0, 3, 2]] * np.float32([-1, 1]) + np.float32([page.shape[1], 0])
        there.append(TickPlace(place.label, text_line(corners, Reading(place.label, 1.0)), 0.03, 0.95, right=True))
    assert [ticked for _, _, ticked in read_ticks(as_scan(mirrored), there)] == [False, True, True, False]


def test_a_label_without_a_box_is_left_out() -> None:
    page, places = _form()
    page[:, :150][100:140] = 255
    assert [label for label, _, _ in read_ticks(as_scan(page), places)] == ["EXCISE", "DENY", "DECLASSIFY"]
    assert read_ticks(as_scan(page), []) == ()


@pytest.mark.parametrize(
    ("page", "decision"),
    [
        ("state_draft_letter_two_stamps", "declassified"),
        ("state_excised_codes_by_hand", "released_in_part"),
        ("state_retained_is_no_release", "retained"),
        ("jfk_task_force_tick", "released"),
    ],
)
def test_the_ticked_box_decides(page: str, decision: str) -> None:
    report = redactlib.analyze(Path("fixtures") / f"{page}.png")
    assert decision in {event.decision for event in report.events}
