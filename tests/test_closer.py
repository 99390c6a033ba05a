"""Lines that hang together with the next are read by halves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from redactlib.detect.closer import read_halves
from redactlib.reading import Reading, TextLine, text_line
from redactlib.scan import Scan


class Says:
    """Stands in for the recogniser: says the given texts, one a crop."""

    def __init__(self, *texts: str) -> None:
        self.texts = texts
        self.heights: list[int] = []

    def find_lines(self, grey: np.ndarray) -> list[np.ndarray]:
        return []

    def read(self, crops: Sequence[np.ndarray], *, careful: bool = False) -> list[Reading]:
        self.heights += [crop.shape[0] for crop in crops]
        return [Reading(text, 0.9) for text in self.texts[: len(crops)]]


def line(top: int, height: int, text: str, confidence: float) -> TextLine:
    corners = np.array([[100, top], [900, top], [900, top + height], [100, top + height]], np.float32)
    return text_line(corners, Reading(text, confidence))


def test_a_high_line_read_with_doubt_is_read_by_halves_of_which_a_legend_is_kept() -> None:
    scan = Scan(np.full((1200, 1000), 255, np.uint8), 300.0)
    typing = [line(40 * i, 36, "of the documents that the committee asked for", 0.99) for i in range(12)]
    reader = Says("DECLASSIFIED BY SP4 BTJ", "Q~ 4/7")
    found = read_halves(scan, [*typing, line(700, 110, "DNC895D Y SP1ML", 0.6)], reader)
    assert [piece.text for piece in found] == ["DECLASSIFIED BY SP4 BTJ"]
    assert found[0].box[1] == 700
    assert found[0].height < 70
    assert len(reader.heights) == 3  # both at a glance, one carefully


def test_lines_read_without_doubt_and_lines_of_the_typing_are_not() -> None:
    scan = Scan(np.full((1200, 1000), 255, np.uint8), 300.0)
    typing = [line(40 * i, 36, "of the documents that the committee asked for", 0.6) for i in range(12)]
    reader = Says("DECLASSIFIED BY", "ON")
    assert read_halves(scan, [*typing, line(700, 110, "TOP SECRET", 0.98)], reader) == []
    assert reader.heights == []
