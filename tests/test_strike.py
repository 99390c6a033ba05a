"""Struck-out classification words: any stroke through them counts, what stands around them does not."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from redactlib.detect.strike import is_struck
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


def test_a_speck_of_a_box_is_no_strike() -> None:
    assert not is_struck(Scan(banner(), 150.0), (100, 100, 103, 102))
