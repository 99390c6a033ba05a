"""Handwriting on drawn pages: found, grouped, given its role; clean type is left alone."""

from __future__ import annotations

import numpy as np
import pytest

from redactlib.detect.handwriting import find_handwriting
from redactlib.detect.pen import strokes
from redactlib.layers import Layers, separate
from redactlib.marks import Handwriting, area, intersection
from redactlib.reading import NeuralReader, PageText, read_page
from redactlib.scan import Scan
from redactlib.synth import DrawnPage, Edit, PageSpec, draw_page

Seen = tuple[DrawnPage, Scan, Layers, PageText]


def look(edits: tuple[Edit, ...], seed: int) -> Seen:
    page = draw_page(PageSpec(edits=edits, severity=1), seed=seed, dpi=150)
    scan = Scan(page.image, 150.0)
    return page, scan, separate(scan), read_page(scan.grey, NeuralReader())


@pytest.fixture(scope="module")
def draft() -> Seen:
    return look(
        (*[Edit(kind="strike")] * 3, Edit(kind="signature"), Edit(kind="note"), Edit(kind="insertion")), seed=11
    )


@pytest.fixture(scope="module")
def clean() -> Seen:
    return look((), seed=12)


def written_share(page: DrawnPage, found: tuple[Handwriting, ...]) -> tuple[float, float]:
    """Recall and precision by ink, as pages are scored."""
    ink = page.image < 128
    true, got = np.zeros_like(ink), np.zeros_like(ink)
    boxes = [m["box"] for m in page.truth["marks"] if m["kind"] == "handwriting"]
    for plane, some in ((true, boxes), (got, [m.box for m in found])):
        for x0, y0, x1, y1 in some:
            plane[y0:y1, x0:x1] = True
    both = (true & got & ink).sum()
    return float(both / (true & ink).sum()), float(both / max(1, (got & ink).sum()))


def test_most_of_the_pen_is_found_and_little_else(draft: Seen) -> None:
    page, scan, layers, text = draft
    recall, precision = written_share(page, find_handwriting(scan, layers, text))
    assert recall > 0.6
    assert precision > 0.6


def test_clean_type_is_not_handwriting(clean: Seen) -> None:
    page, scan, layers, text = clean
    ink = page.image < 128
    taken = sum(
        int(ink[y0:y1, x0:x1].sum()) for x0, y0, x1, y1 in (m.box for m in find_handwriting(scan, layers, text))
    )
    assert taken <= 0.005 * ink.sum()


def test_struck_words_are_read_under_the_strike(draft: Seen) -> None:
    page, scan, layers, text = draft
    struck = [m for m in page.truth["marks"] if m.get("role") == "strike"]
    found = [m for m in find_handwriting(scan, layers, text) if m.role == "strike"]
    hits = [f for f in found if any(intersection(f.box, tuple(s["box"])) > 0.3 * area(f.box) for s in struck)]
    assert hits
    assert any(f.struck_text for f in hits)


def test_without_the_model_rules_find_a_large_hand(draft: Seen) -> None:
    page, scan, _, text = draft
    recall, _ = written_share(page, find_handwriting(scan, None, text))
    assert recall > 0.2


def test_boxes_lie_on_the_page_and_come_in_reading_order(draft: Seen) -> None:
    _, scan, layers, text = draft
    boxes = [m.box for m in find_handwriting(scan, layers, text)]
    assert all(0 <= x0 < x1 <= scan.width and 0 <= y0 < y1 <= scan.height for x0, y0, x1, y1 in boxes)
    assert boxes == sorted(boxes, key=lambda b: (b[1], b[0]))


def test_a_blank_page_has_no_handwriting() -> None:
    scan = Scan(np.full((640, 480), 255, np.uint8), 150.0)
    assert find_handwriting(scan, separate(scan), PageText()) == ()
    assert find_handwriting(scan, None, PageText()) == ()


def test_strokes_that_nearly_touch_are_one() -> None:
    mask = np.zeros((60, 60), bool)
    mask[10:30, 10:12] = mask[10:30, 14:16] = mask[40:55, 40:42] = True
    assert sorted(strokes(mask)) == [(10, 10, 16, 30), (40, 40, 42, 55)]
