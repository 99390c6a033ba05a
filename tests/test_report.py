"""Reports turn into plain data and back, follow the published schema, and refuse what is no report."""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonschema
import numpy as np
import pytest

from redactlib import plain
from redactlib import report as rp
from redactlib.edits import marked_up
from redactlib.errors import ReportError
from redactlib.marks import Bracket, Code, Event, Handwriting, Redaction, Stamp

HOSTILE = "<script>alert(1)</script> & 'quoted' \"twice\" \u2028"


def full_report() -> rp.PageReport:
    """A page with every kind of mark, numbers as numpy gives them, and text that must not be trusted."""
    return rp.PageReport(
        source=rp.Source(path="in/page.pdf", page=3, pages=12, sha256="0" * 64),
        image=rp.ImageInfo(width=2544, height=3342, dpi=300.0, skew_deg=0.4),
        declassification=rp.Declassification(
            status="no_objection",
            authority=rp.Authority(agency="CIA", name="Central Intelligence Agency", reviewer="JM"),
            date="1999-02-22",
            confidence=0.91,
            events=("e1",),
        ),
        events=(
            Event(
                id="e1",
                decision="no_objection",
                agency="CIA",
                date="1999-02-22",
                date_text="2/22/99",
                date_handwritten=True,
                confidence=0.91,
                mark="m4",
                box=(70, 2548, 762, 2857),
            ),
            Event(id="e2", decision="declassified", agency="FBI", struck=True, confidence=0.5, box=(1, 2, 3, 4)),
        ),
        marks=(
            Stamp(
                id="m4",
                box=(70, 2548, 762, 2857),
                confidence=0.97,
                text=HOSTILE,
                family="cia-no-objection",
                evidence={
                    "legend": [("CIA HAS NO OBJECTION", "CIA HAS N0 OBJECTI0N", np.float32(0.4))],
                    "fields": {"reviewer": "JM", "case": None},
                    "date": {"text": "2/22/99", "candidates": [["1999-02-22", 0.9], ["1999-02-27", 0.1]]},
                },
            ),
            Code(
                id="m5",
                box=(2290, 420, 2410, 460),
                confidence=0.99,
                text="3.5 (c)",
                code="3.5(c)",
                canonical="3.5(c)",
                regime="E.O. 13526",
                redaction="m6",
            ),
            Redaction(
                id="m6", box=(322, 416, 1402, 482), confidence=0.98, style="outlined", estimated_chars=58, codes=("m5",)
            ),
            Redaction(id="m7", box=(322, 500, 1402, 560), confidence=0.9, style="solid"),
            Handwriting(id="m8", box=(1880, 520, 2200, 700), confidence=np.float64(0.9), role="marginal"),
            Handwriting(
                id="m9", box=(600, 700, 800, 760), confidence=0.8, role="insertion", text="will", anchor=(650, 790)
            ),
            Handwriting(id="m10", box=(600, 770, 800, 810), confidence=0.7, role="strike", struck_text="shall"),
            Bracket(
                id="m11",
                box=tuple(np.array([600, 900, 618, 960])),  # type: ignore[arg-type]
                confidence=0.8,
                side="open",
                form="drawn",
                pair="m12",
                text="the missiles",
            ),
            Bracket(id="m12", box=(900, 900, 918, 960), confidence=0.8, side="close", form="drawn", pair="m11"),
        ),
        warnings=("dpi missing in the file: 300 estimated from the line pitch",),
    )


@pytest.fixture
def data() -> dict[str, Any]:
    return full_report().to_dict()


def check(instance: Any) -> None:
    jsonschema.Draft202012Validator(rp.schema()).validate(instance)


def test_schema_is_itself_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(rp.schema())


def test_full_and_empty_reports_follow_the_schema(data: dict[str, Any]) -> None:
    check(data)
    check(rp.PageReport(source=rp.Source(path=None), image=rp.ImageInfo(width=9, height=9, dpi=72)).to_dict())


def test_schema_and_dataclasses_name_the_same_fields() -> None:
    defs = rp.schema()["$defs"]
    for kind in (Stamp, Code, Redaction, Handwriting, Bracket):
        assert set(defs[kind.kind]["properties"]) == {"kind", *kind.__dataclass_fields__}
    assert set(defs["event"]["properties"]) == set(Event.__dataclass_fields__)
    assert set(rp.schema()["properties"]) == {"schema", *rp.PageReport.__dataclass_fields__} - {"picture"}


@pytest.mark.parametrize(
    "break_it",
    [
        lambda d: d["marks"][2].update(style="invisible"),
        lambda d: d["marks"][2].pop("codes"),
        lambda d: d["events"][0].update(date="22-2-1999"),
        lambda d: d["declassification"].update(status="lost"),
        lambda d: d.pop("image"),
    ],
)
def test_schema_refuses_what_from_dict_refuses(data: dict[str, Any], break_it: Any) -> None:
    break_it(data)
    with pytest.raises(jsonschema.ValidationError):
        check(data)


def test_numpy_numbers_become_plain_json(data: dict[str, Any]) -> None:
    assert json.loads(json.dumps(data)) == data
    assert data["marks"][7]["box"] == [600, 900, 618, 960]
    assert data["marks"][0]["evidence"]["legend"][0][2] == pytest.approx(0.4)


def test_to_dict_from_dict_and_json_agree(data: dict[str, Any]) -> None:
    assert rp.PageReport.from_dict(data).to_dict() == data
    assert rp.PageReport.from_json(full_report().to_json()).to_dict() == data
    document = rp.DocumentReport(path="in/page.pdf", pages=(full_report(),))
    assert rp.DocumentReport.from_json(document.to_json()).to_dict() == document.to_dict()
    check(document.to_dict()["pages"][0])


def test_unknown_is_null_and_no_codes_is_an_empty_list(data: dict[str, Any]) -> None:
    bare = data["marks"][3]
    assert bare["codes"] == []
    assert bare["estimated_chars"] is None
    assert bare["polygon"] == [[322, 500], [1402, 500], [1402, 560], [322, 560]]
    assert data["events"][0]["office"] is None


def test_fields_of_later_versions_are_left_out(data: dict[str, Any]) -> None:
    data["new"] = data["marks"][0]["new"] = 1
    assert "new" not in rp.PageReport.from_dict(data).to_dict()


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("marks", 2, "box"), [9, 9, 1], "marks[2].box: expected a list of 4"),
        (("marks", 2, "box"), [9, 9, 1, 1], "marks[2].box: expected [x0, y0, x1, y1] with x0 <= x1"),
        (("marks", 2, "box", 1), 4.5, "marks[2].box[1]: expected an integer"),
        (("marks", 2, "box", 1), True, "marks[2].box[1]: expected an integer"),
        (("marks", 2, "style"), "invisible", "marks[2].style: expected one of cutout,"),
        (("marks", 2, "codes"), "m5", "marks[2].codes: expected a list"),
        (("marks", 1, "kind"), "stain", "marks[1].kind: expected one of stamp,"),
        (("marks", 1, "kind"), ["stamp"], "marks[1].kind: expected one of stamp,"),
        (("marks", 1), None, "marks[1]: expected one of stamp,"),
        (("events", 0, "date"), "22-2-1999", "events[0].date: expected YYYY-MM-DD"),
        (("events", 0, "confidence"), float("nan"), "events[0].confidence: expected a number"),
        (("events", 0, "confidence"), 1.2, "events[0].confidence: expected a number from 0 to 1"),
        (("image", "width"), 10**400, "image.width: expected an integer below 2**53"),
        (("image", "dpi"), "300", "image.dpi: expected a number, got str ('300')"),
        (("declassification", "status"), "lost", "declassification.status: expected one of"),
        (("declassification", "authority"), "CIA", "declassification.authority: expected an object"),
        (("schema",), "redactlib.page/2", "schema: expected a report of schema 'redactlib.page/1'"),
        (("warnings",), {}, "warnings: expected a list"),
    ],
)
def test_errors_name_the_path_of_the_wrong_field(data: dict[str, Any], path: Any, value: Any, message: str) -> None:
    *way, last = path
    part: Any = data
    for key in way:
        part = part[key]
    part[last] = value
    with pytest.raises(ReportError) as caught:
        rp.PageReport.from_dict(data)
    assert str(caught.value).startswith(message)
    assert len(str(caught.value)) < 400


def test_missing_field_is_named(data: dict[str, Any]) -> None:
    del data["events"][1]["decision"]
    with pytest.raises(ReportError, match=r"events\[1\]\.decision: is missing"):
        rp.PageReport.from_dict(data)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "7", '"x"', "{", '{"schema": 1}', "[" * 200_000, '{"a":' * 100_000, "9" * 5000, b"\xff\xfe\x00"],
)
def test_hostile_json_is_a_clear_error(text: str | bytes) -> None:
    with pytest.raises(ReportError) as caught:
        rp.PageReport.from_json(text)
    assert len(str(caught.value)) < 400


def test_evidence_nested_without_end_is_refused(data: dict[str, Any]) -> None:
    deep: Any = []
    for _ in range(500):
        deep = [deep]
    data["marks"][0]["evidence"] = {"deep": deep}
    with pytest.raises(ReportError, match=r"marks\[0\]\.evidence: nested more than"):
        rp.PageReport.from_dict(data)


def test_overlong_json_is_refused_unread(monkeypatch: pytest.MonkeyPatch, data: dict[str, Any]) -> None:
    monkeypatch.setattr(plain, "MAX_JSON_CHARS", 100)
    with pytest.raises(ReportError, match="at most 100"):
        rp.PageReport.from_json(json.dumps(data))


def test_read_reports_names_the_line(tmp_path: Any, data: dict[str, Any]) -> None:
    path = tmp_path / "reports.jsonl"
    path.write_text(json.dumps(data) + "\n\n{}\n")
    pages = rp.read_reports(path)
    assert next(pages).to_dict() == data
    with pytest.raises(ReportError, match="line 3: schema: expected"):
        next(pages)


def test_records_have_one_row_a_mark_and_the_same_columns() -> None:
    rows = full_report().to_records()
    assert len(rows) == 9
    assert all(tuple(row) == rp.RECORD_FIELDS for row in rows)
    assert rows[2] | {"label": "outlined", "codes": "m5", "estimated_chars": 58, "agency": "CIA"} == rows[2]
    assert json.loads(json.dumps(rows)) == rows


def test_codes_table_counts_marks_pages_and_hidden_characters() -> None:
    first = full_report()
    second = rp.PageReport.from_dict(copy.deepcopy(first.to_dict()) | {"source": {"path": "in/page.pdf", "page": 4}})
    row = rp.DocumentReport(path="in/page.pdf", pages=(first, second)).codes_table()[0]
    assert (row["code"], row["count"], row["pages"], row["redactions"], row["chars_hidden"]) == (
        "3.5(c)", 2, [3, 4], 2, 116
    )  # fmt: skip
    assert first.codes_table()[0]["regime"] == "E.O. 13526"


def test_a_mark_that_names_two_codes_counts_for_both() -> None:
    pair = Code(
        id="m1", box=(0, 0, 9, 9), confidence=0.9, text="P6/b(6)", code="P6/b(6)", canonical="P6 + (b)(6)", regime="two"
    )
    gap = Redaction(id="m2", box=(9, 0, 99, 9), confidence=0.9, style="outlined", estimated_chars=7, codes=("m1",))
    rows = rp.PageReport(source=rp.Source(path=None), image=full_report().image, marks=(pair, gap)).codes_table()
    assert [(row["code"], row["count"], row["redactions"], row["chars_hidden"]) for row in rows] == [
        ("(b)(6)", 1, 1, 7), ("P6", 1, 1, 7)
    ]  # fmt: skip
    assert [row["regime"] for row in rows] == ["FOIA 5 USC 552(b)", "Presidential Records Act 44 USC 2204(a)"]


def test_hidden_share_is_what_is_hidden_of_all_text() -> None:
    data = full_report().to_dict() | {"text_chars": 522}
    data["marks"] = [m for m in data["marks"] if m["kind"] != "redaction" or m["estimated_chars"]]
    page = rp.PageReport.from_dict(data)
    assert page.hidden_share == 0.1
    assert page.codes_table()[0]["share_hidden"] == 0.1
    assert rp.DocumentReport(path=None, pages=(page, page)).hidden_share == 0.1
    assert rp.PageReport.from_dict(data | {"text_chars": None}).hidden_share is None
    data["declassification"]["status"] = "withheld"
    assert rp.PageReport.from_dict(data).hidden_share == 1.0


def page_of_brackets(number: int, *sides: str) -> rp.PageReport:
    source = rp.Source(path=None, page=number, pages=9)
    marks = tuple(
        Bracket(
            id=f"m{i}", box=(100, 100 * i, 110, 100 * i + 20), confidence=0.9, side=side, form="typed",
            evidence={"to_the_edge": f"{side} {number}"},
        )
        for i, side in enumerate(sides, 1)
    )  # fmt: skip
    return rp.PageReport(source=source, image=full_report().image, marks=marks)


def test_a_passage_that_closes_on_the_next_page_is_one_edit() -> None:
    pages = (page_of_brackets(1, "close", "open"), page_of_brackets(2, "close", "open"), page_of_brackets(4, "close"))
    edits = rp.DocumentReport(path=None, pages=pages).edits()
    assert [(edit.page, edit.until, edit.before, edit.marks) for edit in edits] == [
        (1, None, "close 1", ("m1",)),
        (1, 2, "open 1 close 2", ("m2", "m1")),
        (2, None, "open 2", ("m2",)),  # the third page is not the next
        (4, None, "close 4", ("m1",)),
    ]
    assert marked_up(edits).splitlines()[1] == "pp. 1-2: {==[open 1 close 2]==}"


def test_edits_pair_an_insertion_with_the_strike_that_it_replaces() -> None:
    edits = rp.DocumentReport(path=None, pages=(full_report(),)).edits()
    assert marked_up(edits) == "p. 3: {~~shall~>will~~}\np. 3: {==[the missiles]==}"
    assert edits[0].marks == ("m10", "m9")
    elsewhere = full_report().to_dict()
    elsewhere["marks"][5]["anchor"] = [100, 780]
    edits = rp.DocumentReport(path=None, pages=(rp.PageReport.from_dict(elsewhere),)).edits()
    assert [edit.kind for edit in edits] == ["insertion", "strike", "bracket"]


def test_explanation_traces_headline_to_the_characters() -> None:
    text = str(full_report().explain())
    steps = [
        "no objection · CIA · 1999-02-22",
        "event e1",
        "stamp m4",
        "CIA HAS N0 OBJECTI0N",
        "reviewer",
        "1999-02-27",
    ]
    places = [text.find(step) for step in steps]
    assert -1 not in places
    assert places == sorted(places)
    assert "not decided by event e2: declassified, FBI, undated, struck out" in text


def test_explanation_survives_evidence_of_another_form(data: dict[str, Any]) -> None:
    data["marks"][0]["evidence"] = {
        "legend": 7,
        "fields": [[1]],
        "date": {"candidates": {"a": None}, "characters": "x"},
    }
    assert "event e1" in str(rp.PageReport.from_dict(data).explain())
