"""Two releases of a page: what was lifted, narrowed, kept and added is told apart, whatever the scanner did."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from redactlib.compare import compare
from redactlib.errors import RedactlibError
from redactlib.marks import Box, Code, Redaction
from redactlib.reading import PageText, Reading, TextLine
from redactlib.report import ImageInfo, PageReport, Source
from redactlib.scan import Scan, open_scans

DPI = 150
LIFTED: Box = (200, 300, 700, 335)
KEPT: Box = (200, 500, 900, 535)
WIDE: Box = (200, 700, 1000, 735)
NARROW: Box = (200, 700, 500, 735)
ADDED: Box = (300, 1000, 800, 1035)


def typed_page(seed: int) -> np.ndarray:
    chance = random.Random(seed)
    page = np.full((1650, 1275), 255, np.uint8)
    for y in range(120, 1550, 40):
        words = ("".join(chance.choices("abcdefghiklmnoprstuvw", k=chance.randint(2, 9))) for _ in range(11))
        cv2.putText(page, " ".join(words)[:58], (120, y), cv2.FONT_HERSHEY_COMPLEX, 0.8, 0, 1, cv2.LINE_AA)
    return page


def release(page: np.ndarray, boxes: tuple[Box, ...], name: str) -> PageReport:
    page = page.copy()
    for x0, y0, x1, y1 in boxes:
        page[y0:y1, x0:x1] = 0
    marks = tuple(
        Redaction(id=f"m{i}", box=box, confidence=0.9, style="solid", codes=("c1",)) for i, box in enumerate(boxes)
    )
    code = Code(id="c1", box=(1100, 300, 1160, 330), confidence=0.9, text="(b)(1)", code="(b)(1)")
    image = ImageInfo(width=page.shape[1], height=page.shape[0], dpi=DPI)
    return PageReport(source=Source(path=name), image=image, marks=(*marks, code), picture=Scan(page, DPI))


def scanned_again(report: PageReport, scale: float, degrees: float) -> tuple[PageReport, np.ndarray]:
    """The same release from another scanner: other resolution, askew, noisy."""
    assert report.picture
    h, w = report.picture.grey.shape
    turn = cv2.getRotationMatrix2D((w / 2, h / 2), degrees, scale)
    turn[:, 2] += (scale - 1) * w / 2, (scale - 1) * h / 2
    size = (round(w * scale), round(h * scale))
    grey = cv2.warpAffine(report.picture.grey, turn, size, borderValue=255).astype(np.float64)
    grey += np.random.default_rng(3).normal(0, 25, grey.shape)
    scan = Scan(np.clip(grey, 0, 255).astype(np.uint8), DPI * scale)

    def moved(box: Box) -> Box:
        x, y = turn[:, :2] @ np.array([[box[0], box[2]], [box[1], box[3]]]) + turn[:, 2:]
        return (int(min(x)), int(min(y)), int(max(x)), int(max(y)))

    marks = tuple(replace(mark, box=moved(mark.box)) for mark in report.marks)
    image = ImageInfo(width=size[0], height=size[1], dpi=DPI * scale)
    return replace(report, marks=marks, image=image, picture=scan), turn


def test_each_redaction_gets_its_fate_in_another_scan() -> None:
    before = release(typed_page(1), (LIFTED, KEPT, WIDE), "then.png")
    after, turn = scanned_again(release(typed_page(1), (KEPT, NARROW, ADDED), "now.png"), 1.3, 0.4)
    found = compare(before, after)
    assert np.abs(found.transform - turn).max() < 1.5
    fates = [(row["change"], row["before"], row["after"]) for row in found.to_records()]
    assert fates == [("lifted", "m0", None), ("kept", "m1", "m0"), ("narrowed", "m2", "m1"), ("added", None, "m2")]
    assert found.to_records()[1]["codes_before"] == ["(b)(1)"]
    assert 0.5 < found.changes[2].share < 0.75


def test_text_that_was_opened_is_said() -> None:
    def line(box: Box, text: str) -> TextLine:
        x0, y0, x1, y1 = box
        corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)
        return TextLine(box=box, corners=corners, rotation_deg=0.0, reading=Reading(text, 0.9))

    before = release(typed_page(1), (LIFTED, KEPT), "then.png")
    after = release(typed_page(1), (KEPT,), "now.png")
    text = PageText(lines=(line(LIFTED, "our man in Havana"), line(ADDED, "of no interest")))
    found = compare(before, after, text=text)
    assert [change.text for change in found.changes] == ["our man in Havana", None]
    assert "now open: 'our man in Havana'" in str(found)


def test_pages_of_different_text_are_refused() -> None:
    with pytest.raises(RedactlibError, match="do not look like two releases of one page"):
        compare(release(typed_page(1), (), "a.png"), release(typed_page(2), (), "b.png"))


def test_blank_pages_are_refused() -> None:
    blank = release(np.full((1650, 1275), 255, np.uint8), (), "a.png")
    with pytest.raises(RedactlibError, match="do not look like"):
        compare(blank, blank)


def test_report_without_its_image_says_what_to_do() -> None:
    gone = replace(release(typed_page(1), (), "gone.png"), picture=None)
    with pytest.raises(RedactlibError, match=r"gone\.png: its image is not at hand; analyse"):
        compare(gone, gone)


@pytest.mark.real
def test_the_two_releases_among_the_real_scans_match_and_others_do_not(real_scans: Path) -> None:
    def page(name: str) -> PageReport:
        scan = next(open_scans(real_scans / "labelled" / f"{name}.png"))
        image = ImageInfo(width=scan.width, height=scan.height, dpi=scan.dpi)
        return PageReport(source=Source(path=name), image=image, picture=scan)

    released_2023 = page("jfk_releases__Release_2023_124-10180-10295_p2")
    released_2025 = page("jfk2025__124-10180-10295_p2")
    assert np.allclose(compare(released_2023, released_2025).transform, [[1, 0, 0], [0, 1, 0]], atol=1)
    with pytest.raises(RedactlibError):
        compare(page("jfk2025__124-10291-10319_p2"), released_2025)
