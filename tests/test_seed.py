"""The example that the project grew from: a draft letter's own text, drawn as the page it came from, read back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rapidfuzz.fuzz import partial_ratio

from redactlib.edits import find_edits
from redactlib.pipeline import analyze
from redactlib.report import PageReport
from redactlib.scan import Scan
from redactlib.synth import Edit, PageSpec, Stamping, draw_page

pytestmark = pytest.mark.real


def spec(scans: Path) -> PageSpec:
    """The seed's text under the two reviewers' stamps that its transcript tells of, with bracketed and struck words."""
    (seed,) = (scans.parent / "seed").glob("*.txt")
    text = re.sub(r"\\\(.*?\\\)", "", seed.read_text("utf-8"))  # brackets that the transcript took for formulas
    paragraphs = [" ".join(p.lstrip(". ").split()) for p in text.split("\n\n") if len(p.split()) > 12]
    return PageSpec(
        layout="draft",
        heading=("Draft - October 27, 1962", "", "Dear Mr. Khrushchev:"),
        body=tuple(paragraphs),
        fill=0.8,
        stamps=(
            Stamping(family="state-acdcmr", wording=0, at=(5.6, 9.7), angle_deg=1.0, values={"date": "1988-04-06"}),
            Stamping(family="state-fpc-cdr", wording=2, at=(7.3, 0.7), angle_deg=0.0, blank=True, clip_left_in=0.045),
        ),
        edits=(
            Edit(kind="hand-code", text="B5"),
            Edit(kind="bracket", phrase="offensive weapons"),
            Edit(kind="bracket", phrase="Turkish missiles"),
            Edit(kind="substitution", phrase="Warsaw", text="Eastern"),
            Edit(kind="strike", phrase="responsible ally"),
        ),
        severity=1,
    )


def read(scans: Path, seed: int) -> PageReport:
    page = draw_page(spec(scans), seed=seed)
    return analyze(Scan(image=page.image, dpi=page.dpi))


@pytest.fixture(scope="module")
def report(real_scans: Path) -> PageReport:
    return read(real_scans, 7)


def test_the_state_department_reviewed_it_on_6_april_1988(report: PageReport, real_scans: Path) -> None:
    hands = [report, *(read(real_scans, seed) for seed in (9, 11))]
    dated = [e for r in hands for e in r.events if e.agency == "State" and e.date]
    assert [(e.date, e.date_handwritten) for e in dated] == [("1988-04-06", True)] * 3
    headlines = [(r.authority.agency, r.date) for r in hands if r.authority]
    assert len(headlines) >= 2  # a hand that is not read surely leaves the headline open
    assert set(headlines) == {("State", "1988-04-06")}


def test_the_blank_stamp_is_no_event(report: PageReport) -> None:
    assert len(report.events) == 1


def test_the_code_by_hand_is_read(report: PageReport) -> None:
    assert [(m.canonical, m.handwritten) for m in report.marks if m.kind == "code"] == [("(b)(5)", True)]


@pytest.mark.parametrize("words", ["Turkish missiles", "offensive weapons"])
def test_bracketed_words_come_out(report: PageReport, words: str) -> None:
    found = [m for m in report.marks if m.kind == "bracket" and m.pair]
    assert {m.side for m in found if partial_ratio(words, m.text or "") > 85} == {"open", "close"}


def test_a_struck_word_comes_out(report: PageReport) -> None:
    struck = [m.struck_text or "" for m in report.marks if m.kind == "handwriting" and m.role == "strike"]
    assert any(partial_ratio("warsaw", text.lower()) > 80 for text in struck)


def test_the_inserted_word_takes_the_place_of_the_struck_one(report: PageReport) -> None:
    edits = find_edits(report.marks, page=1, dpi=report.image.dpi)
    (substitution,) = (edit for edit in edits if edit.kind == "substitution")
    assert substitution.after == "Eastern"
    assert partial_ratio("warsaw", (substitution.before or "").lower()) > 80
