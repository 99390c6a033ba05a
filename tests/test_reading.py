"""The reader that serves where ONNX Runtime is missing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PIL import Image

from redactlib.detect import stamp
from redactlib.pipeline import analyze
from redactlib.reading import TesseractReader, default_reader


@pytest.fixture
def no_onnx_runtime(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    for made in (default_reader, stamp.date_reader):
        made.cache_clear()
    yield
    for made in (default_reader, stamp.date_reader):
        made.cache_clear()


@pytest.mark.usefixtures("no_onnx_runtime")
def test_without_onnx_runtime_tesseract_reads_the_page_and_a_warning_says_so(fixtures: Path) -> None:
    head = Image.open(fixtures / "cia_no_objection_handwritten_date.png").convert("L").rotate(90, expand=True)
    report = analyze(head.crop((2000, 300, 2800, 760)))
    assert isinstance(default_reader(), TesseractReader)
    assert any("Tesseract" in warning for warning in report.warnings)
    assert [mark.family for mark in report.stamps] == ["cia-no-objection"]
