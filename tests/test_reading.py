"""What the readers read, and the one that serves where ONNX Runtime is missing."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from redactlib import layers, reading
from redactlib.detect import spotting, stamp
from redactlib.detect.closer import reread
from redactlib.pipeline import analyze
from redactlib.reading import NeuralReader, Reading, TesseractReader, default_reader, text_line
from redactlib.scan import Scan


@pytest.fixture
def no_onnx_runtime(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    kept = default_reader, stamp.date_reader, layers.shipped_network, spotting.shipped_network
    for made in kept:
        made.cache_clear()
    yield
    for made in kept:
        made.cache_clear()


@pytest.mark.usefixtures("no_onnx_runtime")
def test_without_onnx_runtime_tesseract_reads_the_page_and_a_warning_says_so(fixtures: Path) -> None:
    head = Image.open(fixtures / "cia_no_objection_handwritten_date.png").convert("L").rotate(90, expand=True)
    report = analyze(head.crop((2000, 300, 2800, 760)))
    assert isinstance(default_reader(), TesseractReader)
    assert any("Tesseract" in warning for warning in report.warnings)
    assert [mark.family for mark in report.stamps] == ["cia-no-objection"]


def test_recogniser_cut_down_to_alphabets_says_what_the_whole_one_says(monkeypatch: pytest.MonkeyPatch) -> None:
    crop = np.full((48, 640), 255, np.uint8)
    cv2.putText(crop, "Approved for Release 2019/03/14", (8, 34), cv2.FONT_HERSHEY_SIMPLEX, 1.0, 0, 2)
    (cut,) = NeuralReader().read([crop])
    monkeypatch.setattr(reading, "_narrow", lambda model, kept, *, of: model)
    monkeypatch.setattr(reading, "_EAST_ASIAN", re.compile("(?!)"))
    (whole,) = NeuralReader().read([crop])
    assert cut.text == whole.text == "Approved for Release 2019/03/14"
    assert len(cut.probabilities) == len(cut.text)
    np.testing.assert_allclose(cut.lattice, whole.lattice, atol=0.01)


class Counting:
    """A reader that reads nothing and counts what it is asked for."""

    def __init__(self) -> None:
        self.asked = 0

    def find_lines(self, grey: np.ndarray) -> list[np.ndarray]:
        return []

    def read(self, crops: Sequence[np.ndarray], *, careful: bool = False) -> list[Reading]:
        self.asked += len(crops)
        return [Reading("", 0.0)] * len(crops)


def test_what_is_read_of_a_line_does_not_depend_on_the_lines_read_with_it() -> None:
    crops = []
    for text in ("CLASSIFIED BY", "NLJ 94-238", "a much longer line of type that is read with them"):
        crop = np.full((48, 24 * len(text)), 255, np.uint8)
        cv2.putText(crop, text, (6, 36), cv2.FONT_HERSHEY_SIMPLEX, 1.0, 0, 2)
        crops.append(crop)
    reader = NeuralReader()
    for careful in (False, True):
        together = reader.read(crops, careful=careful)
        for crop, among in zip(crops, together, strict=True):
            (alone,) = reader.read([crop], careful=careful)
            assert alone.text == among.text
            np.testing.assert_allclose(alone.lattice, among.lattice, atol=1e-4)


@pytest.mark.parametrize(("figure", "again"), [(0.99, 0), (0.6, 1)])
def test_release_line_is_read_again_only_where_a_figure_is_doubtful(figure: float, again: int) -> None:
    said = "Approved for Release 2019/03/14"
    odds = [0.99] * (len(said) - 1) + [figure]
    corners = np.array([[50, 50], [900, 50], [900, 90], [50, 90]], np.float32)
    line = text_line(corners, Reading(said, float(np.mean(odds)), None, (), tuple(odds)))
    reader = Counting()
    reread(Scan(np.full((1100, 1000), 255, np.uint8), 150.0), [line], reader)
    assert reader.asked == again
