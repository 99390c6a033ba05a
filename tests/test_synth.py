"""Drawn pages know what stands on them, and the fixtures are such pages."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from redactlib.evaluate import load_truth
from redactlib.marks import DECISIONS, ROLES, STYLES
from redactlib.synth import Edit, Hiding, PageSpec, Stamping, draw_forms, draw_page, draw_pages, find_fonts
from redactlib.synth.decoys import DECOYS
from redactlib.synth.forms import FAMILIES, FORMS, draw_form
from redactlib.synth.pen import draw_hand
from redactlib.synth.sheet import Sheet

CONTRACT_FAMILIES = {
    "cia-approved-for-release", "cia-historical-review", "cia-no-objection", "cia-hr70-2-review",
    "cia-sanitized-release", "state-acdcmr", "state-fpc-cdr", "state-fpc-hdr", "state-jfk-act",
    "state-no-objection", "state-foia-release", "state-systematic-review", "fbi-all-information",
    "fbi-classified-by", "fbi-declassified-by", "fbi-declass-guide", "jfk-act-release-banner", "jfk-act-boxed",
    "jfk-taskforce-review", "army-review", "joint-staff-no-objection", "osd-note", "whs-declassified",
    "nsa-release", "doe-review", "iscap", "nara-label", "nars-stamp", "library-stamp", "library-note",
    "dow-legend", "ssci-or-committee", "other-release", "nara-docid-footer", "record-number", "classification",
    "admin",
}  # fmt: skip


def marks(page, kind):
    return [m for m in page.truth["marks"] if m["kind"] == kind]


def inside(image, box):
    x0, y0, x1, y1 = box
    return image[y0:y1, x0:x1]


def test_the_same_seed_draws_the_same_page():
    first, second, other = (draw_page(seed=s, dpi=75) for s in (7, 7, 8))
    assert np.array_equal(first.image, second.image)
    assert first.truth == second.truth
    assert not np.array_equal(first.image, other.image)


def test_every_family_of_stamp_can_be_drawn():
    assert set(FAMILIES) == CONTRACT_FAMILIES


@pytest.mark.parametrize("form", FORMS, ids=lambda f: f"{f.family}-{f.decision}")
def test_a_form_knows_its_date_and_a_blank_one_has_none(form):
    rng = np.random.default_rng(3)
    settings = {"dpi": 50, "rng": rng, "fonts": find_fonts(), "hand": draw_hand(rng)}
    filled = draw_form(form, values={"date": "1992-10-27"}, **settings).drawn[0].keys
    blank = draw_form(form, blank=True, **settings).drawn
    assert filled["decision"] == form.decision
    assert filled["decision"] in DECISIONS
    assert "{" not in filled["text"]
    if form.date:
        assert "1992-10-27".startswith(filled["date"])
        assert "date" not in blank[0].keys
        assert blank[0].keys["decision"] == "none"
    assert not [m for m in blank if m.keys["kind"] == "handwriting"]


def test_fields_filled_in_by_hand_lie_in_their_stamp():
    spec = PageSpec(stamps=(Stamping(family="state-acdcmr", wording=0, values={"date": "1988-04-06"}),), severity=3)
    page = draw_page(spec, seed=2, dpi=100)
    (stamp,) = marks(page, "stamp")
    assert (stamp["agency"], stamp["date"], stamp["datehand"]) == ("State", "1988-04-06", "yes")
    fills = {m.get("text"): m["box"] for m in marks(page, "handwriting") if m["role"] == "stampfill"}
    assert "4-6-88" in fills
    x0, y0, x1, y1 = fills["4-6-88"]
    assert stamp["box"][0] <= x0 < x1 <= stamp["box"][2]
    assert stamp["box"][1] <= y0 < y1 <= stamp["box"][3]


def test_boxes_follow_the_ink_when_the_page_lies_askew():
    spec = PageSpec(edits=tuple(Edit(kind="strike") for _ in range(6)), severity=3, body=("the quick brown fox " * 60,))
    page = draw_page(spec, seed=5, dpi=150)
    assert abs(page.skew[0, 1]) > 0.002
    ink = page.layers["handwriting"] > 60
    for mark in marks(page, "handwriting"):
        x0, y0, x1, y1 = mark["box"]
        ys, xs = np.nonzero(ink[y0:y1, x0:x1])
        slack = 0.03 * page.dpi
        assert max(xs.min(), ys.min(), x1 - x0 - xs.max(), y1 - y0 - ys.max()) <= slack
    covered = np.zeros_like(ink)
    for x0, y0, x1, y1 in (m["box"] for m in marks(page, "handwriting")):
        covered[y0:y1, x0:x1] = True
    assert not (ink & ~covered).any()


@pytest.mark.parametrize("style", STYLES)
def test_a_redaction_says_what_it_hides(style):
    spec = PageSpec(
        redactions=(Hiding(style=style, phrase="the survey ships"),),
        severity=0,
        body=("now the survey ships are " * 20,),
    )
    page = draw_page(spec, seed=11, dpi=150)
    (mark,) = marks(page, "redaction")
    assert mark["style"] == style
    assert mark["hidden"] == "the survey ships"
    assert mark["chars"] == len("the survey ships")
    dark = float((inside(page.image, mark["box"]) < 128).mean())
    low, high = {"solid": (0.99, 1), "whiteout": (0, 0), "outlined": (0.01, 0.2), "textual": (0.1, 0.6)}.get(
        style, (0.005, 0.95)
    )
    assert low <= dark <= high
    if style not in ("textual",) and not mark.get("legible"):
        assert not inside(page.layers["print"], mark["box"])[2:-2, 2:-2].any()
    assert inside(page.layers["fill"], mark["box"]).any() == (style in ("solid", "marker", "shaded", "hatched"))


def test_what_a_redaction_takes_away_leaves_no_mark():
    body = ("so far [agreed in full] and no more " * 12,)
    bare = draw_page(PageSpec(body=body, severity=0), seed=3, dpi=100)
    hidden = draw_page(
        PageSpec(body=body, severity=0, redactions=(Hiding(style="solid", phrase="[agreed in full]"),)), seed=3, dpi=100
    )
    assert len(marks(bare, "bracket")) - len(marks(hidden, "bracket")) == 2


def test_codes_find_clean_paper_inside_its_edges():
    gaps = (Hiding(style="solid", code="(b)(3)-P.L. 86-36"),) * 12
    page = draw_page(PageSpec(layout="memo", fill=0.3, severity=0, redactions=gaps), seed=3, dpi=150)
    boxes = [m["box"] for m in marks(page, "code")]
    assert len(boxes) > 6
    assert all(b[2] < page.image.shape[1] - 0.1 * page.dpi for b in boxes)
    assert all(
        a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1] for i, a in enumerate(boxes) for b in boxes[:i]
    )


def test_a_code_that_a_stamp_hides_is_not_asked_for():
    spec = PageSpec(layout="memo", severity=0, redactions=(Hiding(style="outlined", code="3.3(h)(2)"),) * 2)
    clear = marks(draw_page(spec, seed=3, dpi=150), "code")
    x0, y0, x1, y1 = clear[0]["box"]
    stamp = Stamping(family="admin", wording=0, at=((x0 + x1) / 300, (y0 + y1) / 300), angle_deg=0)
    page = draw_page(replace(spec, stamps=(stamp,)), seed=3, dpi=150)
    assert marks(page, "code") == clear[1:]
    assert [m["box"] for m in marks(page, "ignore")] == [clear[0]["box"]]


def test_edits_name_their_words():
    body = ("It will be open to all vessels at all times " * 6,)
    edits = (
        Edit(kind="bracket", phrase="open to all"),
        Edit(kind="substitution", phrase="vessels", text="ships"),
        Edit(kind="insertion", phrase="times", text="of day"),
    )
    page = draw_page(PageSpec(body=body, edits=edits, severity=1), seed=4, dpi=100)
    assert [(m["side"], m["words"]) for m in marks(page, "bracket")] == [
        ("open", "open to all"),
        ("close", "open to all"),
    ]
    said = {m["role"]: m.get("words") or m.get("text") for m in marks(page, "handwriting") if m["role"] != "mark"}
    assert said["strike"] == "vessels"
    assert said["insertion"] == "of day"
    with pytest.raises(ValueError, match="does not stand on one line"):
        draw_page(PageSpec(body=body, edits=(Edit(kind="strike", phrase="no such words"),)), seed=4, dpi=100)


@pytest.mark.parametrize("decoy", DECOYS)
def test_a_decoy_inks_the_page_but_marks_nothing_printed(decoy):
    spec = PageSpec(layout="report", fill=0.5, severity=0)
    plain = draw_page(spec, seed=9, dpi=75)
    page = draw_page(PageSpec(layout="report", fill=0.5, severity=0, decoys=(decoy,)), seed=9, dpi=75)
    assert not np.array_equal(plain.image, page.image)
    assert {m["kind"] for m in page.truth["marks"]} <= {"handwriting"}


def test_a_paper_is_older_than_the_stamps_on_it(monkeypatch):
    typed = []
    monkeypatch.setattr(Sheet, "type_line", lambda sheet, text, *place, **keys: typed.append(text))
    wordings = [form.years for form in FORMS if form.family == "nars-stamp"]
    stamp = Stamping(family="nars-stamp", wording=wordings.index((1962, 1971)))
    for seed in range(30):
        spec = PageSpec(layout="letter", fill=0.1, stamps=(stamp,))
        draw_page(spec, seed=seed, dpi=40)
    years = [int(year) for text in typed for year in re.findall(r"\b19\d\d$", text)]
    assert len(years) == 30
    assert max(years) < 1962


def test_wear_grows_with_its_severity():
    def specks(severity):
        image = draw_page(PageSpec(layout="rif", severity=severity), seed=6, dpi=100).image
        return cv2.connectedComponents((inside(image, (200, 700, 800, 1050)) < 128).astype(np.uint8))[0]

    counts = [specks(s) for s in (0, 1, 2, 3)]
    assert counts[0] == 1
    assert counts[1] < counts[2] < counts[3]


def test_each_wording_gets_a_page_of_its_own():
    for page, form in zip(draw_forms(seed=1, dpi=50), FORMS[:3], strict=False):
        assert {m["family"] for m in marks(page, "stamp")} == {form.family}


def test_pages_by_chance_carry_valid_truth(tmp_path: Path):
    kinds = set()
    for i, page in enumerate(draw_pages(4, seed=1, dpi=75)):
        path = page.save(tmp_path, f"page{i}")
        kinds |= {label.kind for label in load_truth(path.with_suffix(".truth.json")).labels}
        assert set(page.layers) == {"print", "handwriting", "stamp", "ruling", "fill"}
        assert all(layer.shape == page.image.shape for layer in page.layers.values())
    assert {"stamp", "redaction", "handwriting"} <= kinds


def test_the_fixtures_cover_what_reports_know(fixtures: Path):
    truths = [json.loads(p.read_text()) for p in sorted(fixtures.glob("*.truth.json"))]
    rows = [m for t in truths for m in t["marks"]]
    assert len(truths) >= 24
    assert {m["family"] for m in rows if m["kind"] == "stamp"} == CONTRACT_FAMILIES
    assert {m["style"] for m in rows if m["kind"] == "redaction"} == set(STYLES)
    assert {m["role"] for m in rows if m["kind"] == "handwriting"} == set(ROLES)
    assert {(m["side"], m["form"]) for m in rows if m["kind"] == "bracket"} == {
        (side, form) for side in ("open", "close") for form in ("drawn", "typed")
    }
    assert {m.get("hand", "no") for m in rows if m["kind"] == "code"} == {"yes", "no"}
    assert {t["page"]["quality"] for t in truths} == {"light", "middle", "heavy"}
    assert sum(not t["marks"] for t in truths) >= 3
    assert sum(p.stat().st_size for p in fixtures.rglob("*") if p.is_file()) < 3_000_000


def test_the_fixtures_truth_fits_their_images(fixtures: Path):
    for path in sorted(fixtures.glob("*.truth.json")):
        truth = load_truth(path)
        h, w = cv2.imread(str(truth.image), cv2.IMREAD_GRAYSCALE).shape
        for label in truth.labels:
            assert 0 <= label.box[0] < label.box[2] <= w
            assert 0 <= label.box[1] < label.box[3] <= h
