"""Figures and HTML show what a report says, on screen and in a folder, and nothing of the page can act in them."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import matplotlib as mpl
import numpy as np
import pytest

from redactlib.compare import Change, Comparison
from redactlib.detect.code import CodeProposal
from redactlib.detect.proposal import Proposal
from redactlib.errors import ReportError
from redactlib.evaluate import reliability
from redactlib.marks import Code, Event, Redaction, Stamp
from redactlib.reading import Reading, text_line
from redactlib.report import Authority, Declassification, DocumentReport, ImageInfo, PageReport, Source
from redactlib.scan import Scan

mpl.use("Agg")

from matplotlib import pyplot as plt

from redactlib import display, webpage

HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>&\x00\u202e$x$"


def page(number: int = 1, *, path: str | None = "in/page.pdf", colour: bool = False) -> PageReport:
    image = np.full((660, 510, 3) if colour else (660, 510), 255, np.uint8)
    image[100:130, 50:300] = 40
    evidence = {
        "legend": [[HOSTILE, HOSTILE, 0.5]],
        "fields": {HOSTILE: HOSTILE},
        "date": {"candidates": [["1999-02-22", 0.9], [HOSTILE, HOSTILE]], "characters": [[HOSTILE, 0.5]]},
    }
    box = (50, 400, 300, 500)
    event = Event(id="e1", decision="released", agency=HOSTILE, confidence=0.9, mark="m1", box=box, date="1999-02-22")
    return PageReport(
        source=Source(path=path, page=number, pages=3),
        image=ImageInfo(width=510, height=660, dpi=60),
        declassification=Declassification(
            status="released",
            authority=Authority(agency=HOSTILE, name=HOSTILE, office=HOSTILE),
            date="1999-02-22",
            confidence=0.9,
            events=("e1",),
        ),
        events=(event,),
        marks=(
            Stamp(id="m1", box=box, confidence=0.9, text=HOSTILE, family="other-release", evidence=evidence),
            Redaction(
                id=HOSTILE, box=(50, 100, 300, 130), confidence=0.8, style="solid", estimated_chars=30, codes=("m2",)
            ),
            Code(id="m2", box=(310, 100, 340, 110), confidence=0.7, text="(b) (1)", code="(b)(1)"),
        ),
        warnings=(HOSTILE,),
        picture=Scan(image, 60.0),
    )


class Elements(HTMLParser):
    """Every element of a page with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in ("img", "image", "meta", "br", "input", "rect"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def check_harmless(text: str) -> Elements:
    elements = Elements(text)
    assert not elements.open, "an element is left open"
    assert "\x00" not in text
    for tag, attributes in elements.found:
        assert tag not in ("script", "iframe", "object", "link")
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href"):
            value = attributes.get(name) or "#"
            assert re.match(r"#|data:image/(png|jpeg);base64,|images/|(document-\d+|index)\.html", value), value
    assert "url(" not in text
    assert "@import" not in text
    return elements


@pytest.fixture(autouse=True)
def close_figures() -> Any:
    yield
    plt.close("all")


def test_page_in_a_notebook_shows_picture_headline_events_and_marks() -> None:
    text = page()._repr_html_()
    elements = check_harmless(text)
    images = [a["href"] for tag, a in elements.found if tag == "image"]
    assert len(images) == 1
    assert str(images[0]).startswith("data:image/png;base64,")
    assert sum(tag == "polygon" for tag, _ in elements.found) == 3
    for word in (
        "released",
        "1999-02-22",
        "0.90",
        "Events",
        "Marks",
        "hides about 30 characters, under (b)(1)",
        "other-release",
    ):
        assert word in text


def test_document_and_explanation_in_a_notebook_are_harmless() -> None:
    document = DocumentReport(path=HOSTILE, pages=(page(), page(2, colour=True)))
    check_harmless(document._repr_html_())
    text = page().explain()._repr_html_()
    check_harmless(text)
    assert "legend" in text
    assert "data:image/png" in text


def test_page_without_an_image_at_hand_still_shows_its_marks() -> None:
    text = replace(page(), picture=None)._repr_html_()
    assert "no image at hand" in text
    assert text.count("<polygon") == 3


def test_image_is_read_again_from_its_file_unless_the_file_changed(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.full((66, 51), 200, np.uint8))
    report = replace(page(path=str(path)), picture=None)
    assert report.load_image() is not None
    assert replace(report, source=replace(report.source, sha256="0" * 64)).load_image() is None
    path.write_bytes(b"no image")
    assert report.load_image() is None


def test_a_scan_that_was_turned_upright_is_shown_as_stored() -> None:
    stored = np.arange(12, dtype=np.uint8).reshape(3, 4)
    report = replace(page(), picture=Scan(stored, 60.0).upright(1))
    assert np.array_equal(report.load_image(), stored)


def test_folder_holds_an_index_and_a_page_a_document_and_needs_nothing_else(tmp_path: Path) -> None:
    documents = [
        DocumentReport(path="in/a.pdf", pages=(page(1), page(2))),
        DocumentReport(path=HOSTILE, pages=(page(1, path=HOSTILE, colour=True),)),
    ]
    index = webpage.write_html(iter(documents), tmp_path / "report")
    folder = index.parent
    files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.*") if p.is_file())
    assert files == [
        "document-0001.html",
        "document-0002.html",
        "images/document-0001-0001-small.png",
        "images/document-0001-0001.png",
        "images/document-0001-0002-small.png",
        "images/document-0001-0002.png",
        "images/document-0002-0001-small.jpg",
        "images/document-0002-0001.jpg",
        "index.html",
    ]
    assert os.listdir(tmp_path) == ["report"], "nothing is left beside the folder"
    assert "3 pages of 2 documents" in index.read_text("utf-8")
    for file in folder.glob("*.html"):
        elements = check_harmless(file.read_text("utf-8"))
        ids = [a["id"] for _, a in elements.found if a.get("id")]
        assert len(ids) == len(set(ids))
        for _, attributes in elements.found:
            link = attributes.get("href") or attributes.get("src") or ""
            if link.startswith("#"):
                assert link[1:] in ids
            elif link and not link.startswith("data:"):
                assert (folder / link.split("#")[0]).is_file()


def test_folder_of_a_former_report_is_replaced_and_any_other_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "report"
    webpage.write_html([DocumentReport(path="a", pages=(page(1), page(2)))], folder)
    webpage.write_html([DocumentReport(path="a", pages=(page(1),))], folder)
    assert not (folder / "images" / "document-0001-0002.png").exists()
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(ReportError, match="holds other files"):
        webpage.write_html([], tmp_path)
    assert (tmp_path / "precious.txt").read_text() == "mine"


def test_former_report_stays_when_writing_fails(tmp_path: Path) -> None:
    folder = tmp_path / "report"
    webpage.write_html([DocumentReport(path="a", pages=(page(1),))], folder)

    def failing() -> Any:
        yield DocumentReport(path="b", pages=(page(1),))
        raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError):
        webpage.write_html(failing(), folder)
    assert (folder / "document-0001.html").is_file()
    assert os.listdir(tmp_path) == ["report"]


def test_plots_draw_on_the_axes_that_they_are_given() -> None:
    _, ax = plt.subplots()
    assert page().plot(ax=ax) is ax
    assert len(ax.patches) == 3
    table = [{"code": "$(b)(1)$", "regime": "FOIA", "count": 2}, {"code": "3.5(c)", "regime": None, "count": 1}]
    _, ax = plt.subplots()
    assert display.plot_codes(table, ax=ax) is ax
    _, ax = plt.subplots()
    assert display.plot_reliability(reliability(np.array([[0.9, 1.0], [0.95, 0.0]])), ax=ax) is ax
    for figure in map(plt.figure, plt.get_fignums()):
        figure.canvas.draw()


def test_redaction_figure_says_why_a_proposal_was_rejected() -> None:
    standing = Proposal(box=(0, 0, 50, 20), style="solid", score=0.9)
    rejected = Proposal(box=(0, 40, 50, 60), style="outlined", score=0.4, reason="a table cell")
    ax = display.plot_redactions(Scan(np.full((66, 51), 255, np.uint8), 60.0), [standing, rejected])
    assert {text.get_text() for text in ax.texts} == {"solid 0.90", "a table cell"}
    assert ax.get_title() == "1 redactions, 1 proposals rejected"


def test_code_figure_says_what_makes_a_code_and_why_a_string_is_none() -> None:
    corners = np.array([(0, 0), (90, 0), (90, 20), (0, 20)], np.float32)
    said = text_line(corners, Reading("3.5(c) (A)", 0.9, None, (0.5,)))
    standing = CodeProposal(
        box=(0, 0, 50, 20), text="3.5(c)", code="3.5(c)", family="section 3", confidence=0.9, runner_up=(None, 0.1),
        line=said, alone=True, because="form",
    )  # fmt: skip
    rejected = replace(standing, text="(A)", code="(A)", because=None, reason="a paragraph's letter")
    ax = display.plot_code_proposals(Scan(np.full((66, 51), 255, np.uint8), 60.0), [standing, rejected])
    assert {text.get_text() for text in ax.texts} == {"3.5(c) 0.90: form", "(A): a paragraph's letter"}
    assert ax.get_title() == "1 codes, 1 strings that only look like codes"


def test_comparison_figure_says_what_became_of_each_redaction() -> None:
    change = Change(kind="lifted", box=(0, 0, 50, 20), share=1.0)
    both = Comparison(before=page(), after=page(), transform=np.eye(2, 3), matches=900, changes=(change,))
    ax = display.plot_comparison(both)
    assert ax.get_title() == "1 lifted"


def test_explanation_figure_draws_crop_legend_and_candidates() -> None:
    figure = page().explain().plot()
    figure.canvas.draw()
    crop, legend, dates = figure.axes
    assert crop.images
    assert "read:" in legend.texts[0].get_text()
    assert [tick.get_text() for tick in dates.get_yticklabels()] == ["1999-02-22"]
    PageReport(source=Source(path=None), image=ImageInfo(width=9, height=9, dpi=72)).explain().plot().canvas.draw()
