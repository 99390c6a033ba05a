"""The figures: known answers on made-up pages, and the same numbers as the project's yardstick on real ones."""

from __future__ import annotations

import importlib.util
import json
import random
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from redactlib import evaluate as ev
from redactlib.errors import ReportError
from redactlib.report import PageReport

DECISIVE_STAMP = {"decision": "released", "agency": "CIA", "date": "2019-03-14", "family": "cia-approved-for-release"}


def write_page(folder: Path, name: str, marks: list[dict[str, Any]]) -> None:
    image = np.full((400, 300), 255, np.uint8)
    image[::2] = 0
    cv2.imwrite(str(folder / f"{name}.png"), image)
    (folder / f"{name}.truth.json").write_text(json.dumps({"image": f"{name}.png", "size": [300, 400], "marks": marks}))


def report(name: str, marks: list[dict[str, Any]], **more: Any) -> PageReport:
    """A report from marks that look like labels, each filled up with what its kind must have."""
    defaults: dict[str, dict[str, Any]] = {
        "stamp": {"text": "", "family": "admin"},
        "code": {"text": "", "code": ""},
        "redaction": {"style": "solid"},
        "handwriting": {"role": "note"},
        "bracket": {"side": "open", "form": "drawn"},
    }
    filled = [{"id": f"m{i}", "confidence": 0.9} | defaults[mark["kind"]] | mark for i, mark in enumerate(marks)]
    page = {"schema": "redactlib.page/1", "source": {"path": f"in/{name}.png"}, "marks": filled}
    return PageReport.from_dict(page | {"image": {"width": 300, "height": 400, "dpi": 50}} | more)


def event(box: list[int], **more: Any) -> dict[str, Any]:
    base = {"id": "e1", "decision": "released", "agency": "CIA", "date": "2019-03-14", "confidence": 0.9, "mark": "m0"}
    return base | {"box": box} | more


def test_perfect_report_gets_full_marks(tmp_path: Path) -> None:
    stamp = {"kind": "stamp", "box": [10, 10, 110, 40]} | DECISIVE_STAMP
    others = [
        {"kind": "code", "box": [200, 10, 230, 20], "code": "(b)(1)"},
        {"kind": "redaction", "box": [20, 100, 200, 150], "style": "solid"},
        {"kind": "handwriting", "box": [20, 200, 200, 250], "role": "note"},
        {"kind": "bracket", "box": [20, 300, 26, 312], "side": "open", "form": "drawn"},
    ]
    write_page(tmp_path, "a", [stamp, *others])
    said = {"status": "released", "authority": {"agency": "CIA"}, "date": "2019-03-14", "confidence": 0.9}
    stamp_found = {"kind": "stamp", "box": stamp["box"], "family": stamp["family"]}
    found = report("a", [stamp_found, *others], events=[event([10, 10, 110, 40])], declassification=said)
    figures = ev.evaluate(tmp_path, [found])
    perfect = ("stamp", "event", "code", "redaction", "redaction_area", "handwriting_ink", "bracket")
    assert {name: figures[name]["F1"] for name in perfect} == dict.fromkeys(perfect, 1.0)
    assert figures["headline"] == {"both": 1, "agency": 1, "date": 1, "wrong": 0, "n": 1}
    assert figures["stamp_recall_release"] == {"R": 1, "n": 1}


def test_missing_report_counts_as_nothing_found(tmp_path: Path) -> None:
    write_page(tmp_path, "a", [{"kind": "stamp", "box": [10, 10, 110, 40]} | DECISIVE_STAMP])
    figures = ev.evaluate(tmp_path, [])
    assert figures["pages"] == {"total": 1, "missing": 1}
    assert figures["stamp"]["R"] == 0
    assert figures["headline"]["both"] == figures["headline"]["wrong"] == 0


def test_half_a_redaction_and_a_false_one_on_a_clean_page(tmp_path: Path) -> None:
    write_page(tmp_path, "a", [{"kind": "redaction", "box": [0, 0, 100, 100], "style": "solid"}])
    write_page(tmp_path, "b", [])
    half = report("a", [{"kind": "redaction", "box": [0, 0, 50, 100]}])
    false = report("b", [{"kind": "redaction", "box": [0, 0, 50, 50]}])
    figures = ev.evaluate(tmp_path, [half, false])
    assert figures["redaction"] == {"P": 0.5, "R": 1.0, "F1": 0.6667, "truth": 1, "found": 2}
    assert figures["redaction_area"]["R"] == 0.5
    assert figures["redaction_free_page"] == {"false_per_page": 1, "n": 1}


def test_what_lies_in_an_ignored_region_counts_neither_way(tmp_path: Path) -> None:
    write_page(tmp_path, "a", [{"kind": "ignore", "box": [0, 0, 100, 100]}])
    found = report(
        "a", [{"kind": "redaction", "box": [0, 0, 90, 90]}, {"kind": "redaction", "box": [60, 60, 300, 200]}]
    )
    assert ev.evaluate(tmp_path, [found])["redaction"]["found"] == 1


def test_pairing_is_the_largest_not_the_greedy_one() -> None:
    # the first truth would take the only mark that fits the second
    fits = {("a", 0), ("a", 1), ("b", 0)}
    assert len(ev.match(["a", "b"], [0, 1], lambda t, f: (t, f) in fits)) == 2


def test_headline_prefers_decisive_then_latest_and_skips_struck(tmp_path: Path) -> None:
    box = {"kind": "stamp", "box": [0, 0, 9, 9]}
    marks = [
        box | {"decision": "reviewed", "agency": "Army", "date": "2020-01-01"},
        box | {"decision": "released", "agency": "CIA", "date": "1999-02"},
        box | {"decision": "declassified", "agency": "State", "date": "1999-02-22"},
        box | {"decision": "declassified", "agency": "FBI", "date": "2001", "struck": "yes"},
    ]
    write_page(tmp_path, "a", marks)
    # a month alone counts as its end: it is later than its 22nd day
    assert ev.true_headline(ev.load_truth(tmp_path / "a.truth.json")) == ({"CIA"}, "1999-02")
    write_page(tmp_path, "b", marks[:1])
    assert ev.true_headline(ev.load_truth(tmp_path / "b.truth.json")) == ({"Army"}, "2020-01-01")
    write_page(tmp_path, "c", [box | {"decision": "schedule", "agency": "CIA"}])
    assert ev.true_headline(ev.load_truth(tmp_path / "c.truth.json")) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "expected a truth file"),
        ('{"image": "gone.png", "marks": []}', "gone.png is not beside it"),
        ('{"image": "a.png", "marks": [{"kind": "stain", "box": [0, 0, 1, 1]}]}', r"marks\[0\]: expected"),
        ('{"image": "a.png", "marks": [{"kind": "code", "box": [0, 0, 1]}]}', r"marks\[0\]\.box: expected four"),
    ],
)
def test_wrong_truth_is_named(tmp_path: Path, text: str, message: str) -> None:
    write_page(tmp_path, "a", [])
    (tmp_path / "a.truth.json").write_text(text)
    with pytest.raises(ReportError, match=message):
        ev.evaluate(tmp_path, [])


def test_folder_without_truth_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"holds no NAME\.truth\.json"):
        ev.evaluate(tmp_path, [])


def test_judgements_pair_confidence_with_being_right(tmp_path: Path) -> None:
    write_page(tmp_path, "a", [{"kind": "redaction", "box": [0, 0, 100, 100], "style": "solid"}])
    right = {"kind": "redaction", "box": [0, 0, 100, 98], "confidence": 0.8}
    wrong = {"kind": "redaction", "box": [200, 0, 300, 98], "confidence": 0.3}
    said = {"status": "released", "authority": {"agency": "CIA"}, "date": "2019-03-14", "confidence": 0.6}
    found = report("a", [right, wrong], declassification=said)
    assert ev.judgements(tmp_path, [found], of="redaction").tolist() == [[0.8, 1], [0.3, 0]]
    assert ev.judgements(tmp_path, [found]).tolist() == [[0.6, 0]]
    assert ev.judgements(tmp_path, []).shape == (0, 2)
    assert ev.reliability(ev.judgements(tmp_path, [])).error == 0


def worn(truth: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """A report as a middling detector would give it: the labels shifted, lost, doubled and confused by chance."""
    marks, events = [], []
    for mark in truth["marks"] * 2:
        if mark["kind"] == "ignore" or chance.random() < 0.35:
            continue
        x0, y0, x1, y1 = mark["box"]
        slip = max(2, round(0.12 * (y1 - y0)))
        box = [x0 + chance.randint(-slip, 0), y0 + chance.randint(-slip, 0), x1 + chance.randint(0, slip), y1 + slip]
        role = mark.get("role", "note")
        found = {"kind": mark["kind"], "box": box, "confidence": chance.random()}
        found |= {name: mark[name] for name in ("family", "code", "style", "side", "form") if mark.get(name)}
        found |= {"role": role} if mark["kind"] == "handwriting" else {}
        found["family"] = chance.choice([found.get("family", "admin"), "admin"])
        marks.append({k: v for k, v in found.items() if k != "family" or mark["kind"] == "stamp"})
        if mark["kind"] == "stamp" and mark.get("decision") in ev.EVENT_DECISIONS:
            date = chance.choice([mark.get("date"), mark.get("date"), "1999", None])
            more = {"decision": chance.choice([mark["decision"], "released"]), "agency": mark.get("agency")}
            events.append(event(box, id=f"e{len(events)}", date=date, **more))
    deciding = chance.choice([*events, {}])
    said = {"status": "released", "date": deciding.get("date"), "confidence": 0.5}
    said["authority"] = {"agency": deciding.get("agency")} if deciding else None
    name = Path(truth["image"]).stem
    return report(name, marks, events=events, declassification=said).to_dict()


@pytest.mark.real
def test_figures_are_those_of_the_yardstick(real_scans: Path, tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("score", real_scans.parent / "tools" / "score.py")
    assert spec
    assert spec.loader
    yardstick = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(yardstick)
    chance = random.Random(7)
    predictions = {}
    for number, path in enumerate(sorted((real_scans / "labelled").glob("*.truth.json"))):
        truth = json.loads(path.read_text())
        # all labels, over small pictures: decoding 92 full pages would take most of a minute
        scale = 8
        for mark in truth["marks"]:
            mark["box"] = [v // scale for v in mark["box"]]
        w, h = (v // scale for v in truth["size"])
        truth["image"] = Path(truth["image"]).stem + ".png"
        cv2.imwrite(str(tmp_path / truth["image"]), np.random.default_rng(number).integers(0, 256, (h, w), np.uint8))
        (tmp_path / path.name).write_text(json.dumps(truth))
        if number % 9:
            predictions[truth["image"]] = worn(truth, chance)
    figures, _ = yardstick.score(str(tmp_path), predictions)
    figures["pages"].setdefault("missing", 0)
    ours = ev.evaluate(tmp_path, [PageReport.from_dict(p) for p in predictions.values()])
    assert ours == figures
    assert 0.2 < ours["stamp"]["F1"] < 0.9
    assert ours["headline"]["n"] > 30
