"""Codes on a page: what counts as one where, and how it is read."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from redactlib import pipeline
from redactlib.detect.code import find_codes, propose_codes
from redactlib.evaluate import load_truth
from redactlib.layers import Layers
from redactlib.marks import Code, Redaction
from redactlib.reading import ALPHABET, NeuralReader, PageText, Reading, TextLine, read_page, text_line
from redactlib.report import Declassification
from redactlib.scan import Scan, open_scans

HEIGHT, WIDTH, LINE = 1100, 850, 24


def reading(text: str, *, doubts: dict[int, dict[str, float]] | None = None) -> Reading:
    """A reading that is sure of its text but for `doubts`: other characters at a place, with their probability."""
    lattice = np.full((3 * len(text) + 1, 1 + len(ALPHABET)), 1e-6, np.float32)
    lattice[:, 0] = 1.0
    for i, character in enumerate(text):
        options = (doubts or {}).get(i, {character: 0.98})
        for option, probability in options.items():
            lattice[3 * i + 1, 1 + ALPHABET.index(option)] = probability
        lattice[3 * i + 1, 0] = 1e-3
    centres = tuple((3 * i + 1.5) / (3 * len(text)) for i in range(len(text)))
    return Reading(text, 0.98, lattice, centres)


def line(text: str, x: int, y: int, *, said: Reading | None = None) -> TextLine:
    box = (x, y, x + 13 * len(text), y + LINE)
    corners = np.array([box[:2], (box[2], box[1]), box[2:], (box[0], box[3])], np.float32)
    return TextLine(box, corners, 0.0, said or reading(text))


class Again:
    """A reader that gives the same reading to every crop."""

    def __init__(self, said: Reading | None = None) -> None:
        self.said, self.crops = said or reading("?"), 0

    def find_lines(self, grey: np.ndarray) -> list[np.ndarray]:
        return []

    def read(self, crops, *, careful: bool = False) -> list[Reading]:
        self.crops += len(crops)
        return [self.said for _ in crops]


def ink(**shares: float) -> Layers:
    """Maps of a page that is all ink of the given kinds."""
    kinds = ("print", "handwriting", "stamp", "ruling", "fill", "bracket_open", "bracket_close")
    maps = {kind: np.full((HEIGHT // 2, WIDTH // 2), int(255 * shares.get(kind, 0)), np.uint8) for kind in kinds}
    return Layers(scale=0.5, **maps, bracket_size=np.ones((HEIGHT // 2, WIDTH // 2, 2), np.float32))


def drawn(lines: tuple[TextLine, ...]) -> Scan:
    page = np.full((HEIGHT, WIDTH), 255, np.uint8)
    for one in lines:
        x0, y0, x1, y1 = one.box
        for x in range(x0 + 3, x1 - 8, 13):
            page[y0 + 5 : y1 - 5, x : x + 8] = 0
    return Scan(page, 100.0)


def codes(*lines: TextLine, redactions=(), reader: Again | None = None, layers: Layers | None = None):
    return find_codes(drawn(lines), layers, PageText(lines), reader or Again(), redactions)


def proposed(*lines: TextLine):
    return propose_codes(drawn(lines), None, PageText(lines), Again())


def names(found) -> list[str]:
    return [code.code for code in found]


def redaction(*box: int) -> Redaction:
    return Redaction(box=box, confidence=1.0, style="outlined")


@pytest.mark.parametrize(
    "text", ["3.5(c)", "3.3(h)(2)", "25X1", "b7E-1,2,3,6", "JFK Act 5(g)(2)(D)", "JFK Act 6 (1)(B)", "50X1-HUM"]
)
def test_a_code_of_a_form_of_its_own_is_one_anywhere(text):
    found = codes(line(f"the Minister has presented a {text}", 60, 500))
    assert names(found) == [text.replace(" ", "")]
    assert found[0].context == "text"
    assert found[0].canonical is not None


@pytest.mark.parametrize(
    "text",
    [
        "the B-5 bombers and B 6 of them",
        "(S) the third party (C) refused (U)",
        "see section 3.3(b)(1) of the order",
        "the Act of 1947 (50 USC 403) and P.L. 86-36",
        "1. (a) the first (b) the second",
        "DECLASSIFY ON: OADR",
        "STATE ARMY NAVY NR 5",
        "paragraph 1.4(a) of the treaty",
        "on 1/25/61 file 62-116395",
    ],
)
def test_what_only_looks_like_a_code_is_none(text):
    assert codes(line(text, 60, 500)) == ()


def test_a_bare_code_counts_in_a_stack_with_a_certain_one():
    alone = codes(line("b6", 400, 300))
    stacked = codes(line("b6", 400, 300), line("b7C", 400, 328))
    assert alone == ()
    assert names(stacked) == ["b6", "b7C"]
    assert {code.group for code in stacked} == {1}


def test_a_bare_code_counts_where_it_stands_for_itself_in_a_margin():
    (found,) = codes(line("b6", 760, 300))
    assert (found.code, found.context, found.evidence["because"]) == ("b6", "margin", "margin")
    assert codes(line("in room b6", 700, 300)) == ()
    turned = np.array([(760, 340), (760, 300), (784, 300), (784, 340)], np.float32)
    assert codes(text_line(turned, reading("BI"))) == ()  # of a stamp's F B I


def test_a_margins_code_counts_though_the_line_beside_it_runs_into_it():
    said = reading("failed in the three        b7C")
    centres = [c for i, c in enumerate(said.centres) if not 20 <= i < 27]  # one space is read for the whole gap
    said = Reading("failed in the three b7C", said.confidence, said.lattice, tuple(centres))
    said.lattice[61:82] = np.eye(1, said.lattice.shape[1])
    (found,) = codes(line("failed in the three        b7C", 440, 300, said=said))
    assert (found.code, found.evidence["because"]) == ("b7C", "line")


@pytest.mark.parametrize(
    ("printed", "canonical"), [("OSD 3.3(b)(1)", "OSD EO 13526 3.3(b)(1)"), ("P6/b(6)", "P6 + (b)(6)")]
)
def test_the_agency_before_a_section_and_the_second_half_of_a_pair_belong_to_the_code(printed, canonical):
    (found,) = codes(line(printed, 400, 300))
    assert (found.code, found.canonical) == (printed.replace(" ", ""), canonical)


def test_an_agency_that_the_sentence_names_is_no_part_of_the_code():
    (found,) = codes(line("this was known to the CIA 3.5(c)", 400, 300))
    assert found.code == "3.5(c)"


def test_a_code_that_stands_on_its_head_is_read_the_right_way_up():
    tall = np.array([(700, 500), (700, 420), (724, 420), (724, 500)], np.float32)
    on_its_head = text_line(tall, reading("(t)(q)"))
    (found,) = codes(on_its_head, reader=Again(reading("(b)(1)")))
    assert (found.code, found.rotation_deg) == ("(b)(1)", -90.0)


def test_a_worn_line_in_a_margin_is_read_again_where_it_has_lost_its_shape():
    said = reading("(0)(1)")
    worn = Reading(said.text, 0.8, said.lattice, said.centres)
    assert names(codes(line("(0)(1)", 740, 300, said=worn), reader=Again(reading("(b)(1)")))) == ["(b)(1)"]
    assert codes(line("(0)(1)", 400, 300, said=worn), reader=Again(reading("(b)(1)"))) == ()


def test_worn_lines_of_a_sheet_are_read_again_as_a_whole():
    title, worn = line("DELETED PAGE INFORMATION SHEET", 200, 100), line("Page 19~1.3!1", 200, 300)
    faint = Reading(worn.text, 0.6, worn.reading.lattice, worn.reading.centres)
    found = codes(title, line(worn.text, 200, 300, said=faint), reader=Again(reading("Page 19 ~ b3 b7C")))
    assert [(c.code, c.context) for c in found] == [("b3", "sheet"), ("b7C", "sheet")]


def test_columns_of_a_sheet_that_run_together_are_taken_apart():
    found = codes(
        line("DELETED PAGE INFORMATION SHEET", 200, 100),
        line("Page 27b7C -b1", 200, 300),
        line("Page 28-b7Eb3", 200, 340),
    )
    assert names(found) == ["b7C", "b1", "b7E", "b3"]
    assert codes(line("Page 27b7C -b1", 200, 300)) == ()


def test_the_likelier_of_two_families_of_one_shape_is_read():
    said = reading("(5)(1)(b)", doubts={1: {"5": 0.6, "j": 0.35}})
    (found,) = codes(line("(5)(1)(b)", 500, 300, said=said), reader=Again(said))
    assert (found.code, found.evidence["family"]) == ("(j)(1)(b)", "privacy")


def test_a_bare_code_counts_on_a_page_with_codes_of_its_law():
    assert names(codes(line("B6", 400, 300), line("(b)(1)", 760, 800))) == ["B6", "(b)(1)"]
    assert names(codes(line("B6", 400, 300), line("25X1", 760, 800))) == ["25X1"]


def test_what_is_no_code_says_why():
    lines = [
        line("(A) The embassy reports", 60, 200), line("(S)", 400, 300), line("B5", 400, 500),
        line("see section 3.3(b)(1) of the order", 60, 400), line("the talk of B 6 and (b)(5)", 60, 600),
    ]  # fmt: skip
    proposals = proposed(*lines)
    assert all(p.because is None for p in proposals)
    assert {p.text: p.reason for p in proposals} == {
        "(A)": "a paragraph's letter or a portion marking, as no code stands with it",
        "(S)": "a paragraph's letter or a portion marking, as no code stands with it",
        "3.3(b)(1)": "cited in a sentence",
        "B5": "alone, not in a margin, with no redaction or like code beside it",
        "B 6": "within a line of text, not in a margin, with no redaction or like code beside it",
        "(b)(5)": "within a line of text, with no redaction or like code beside it",
    }


def test_a_letter_counts_only_in_a_stack_with_a_code():
    (first, second) = proposed(line("(b)(1)", 400, 300), line("(A)", 400, 328))
    assert {first.text: first.because, second.text: second.because} == {"(b)(1)": "line", "(A)": "stack"}


def test_a_bare_code_counts_beside_a_redaction():
    assert names(codes(line("b6", 760, 300), redactions=[redaction(100, 290, 750, 330)])) == ["b6"]


def test_a_bare_code_counts_behind_the_words_of_a_release_header():
    found = codes(line("RELEASED IN PART B1, 1.4(D), B6", 300, 60))
    assert names(found) == ["B1", "1.4(D)", "B6"]
    assert {code.context for code in found} == {"header"}


def test_codes_that_stand_apart_are_different_groups_in_order():
    found = codes(line("3.5(c)", 740, 100), line("3.3(h)(2)", 700, 400), line("3.5(c)", 740, 900))
    assert [code.group for code in found] == [1, 2, 3]


def test_a_code_inside_a_redaction_box_is_in_a_box():
    (found,) = codes(line("1.4a", 300, 300), redactions=[redaction(280, 290, 420, 330)])
    assert found.context == "box"


def test_two_codes_without_a_gap_are_one_with_both_meanings():
    (found,) = codes(line("(b)(1)1.4a", 300, 300))
    assert found.code == "(b)(1)1.4a"
    assert found.canonical == "(b)(1) + EO 13526 1.4(a)"


def test_the_grammar_decides_and_not_the_best_guess():
    doubtful = reading("1,48", doubts={1: {",": 0.6, ".": 0.4}, 3: {"8": 0.5, "a": 0.45}})
    (found,) = codes(line("1,48", 300, 300, said=doubtful), reader=Again(doubtful))
    assert found.code == "1.4a"
    assert found.text == "1,48"


def test_the_runner_up_stays_in_the_evidence():
    doubtful = reading("3.3(h)(2)", doubts={7: {"2": 0.7, "3": 0.25}})
    (found,) = codes(line("3.3(h)(2)", 300, 300, said=doubtful), reader=Again(doubtful))
    assert found.code == "3.3(h)(2)"
    assert found.evidence["runner_up"]["code"] == "3.3(h)(3)"
    assert 0.15 < found.evidence["runner_up"]["probability"] < 0.4
    (sure,) = codes(line("3.3(h)(2)", 300, 300))
    assert sure.evidence["runner_up"] == {"code": None, "probability": pytest.approx(0.05 / 1.05, abs=1e-3)}


def test_a_sure_reading_is_not_made_again():
    reader = Again()
    codes(line("3.3(h)(2)", 300, 300), line("of the enemy, who were", 60, 340), reader=reader)
    assert reader.crops == 0


def test_a_statute_behind_its_exemption_is_part_of_the_code():
    (found,) = codes(line("(b)(3)-P.L. 86-36", 500, 300))
    assert (found.code, found.canonical) == ("(b)(3)-P.L.86-36", "(b)(3) P.L. 86-36")


@pytest.mark.parametrize(("said", "code"), [("14(c)", "1.4(c)"), ("OSD 3.3.(b)(1)", "OSD3.3(b)(1)")])
def test_a_point_lost_or_a_speck_too_many_makes_no_other_code(said, code):
    assert names(codes(line(said, 640, 300))) == [code]


def test_a_lost_last_bracket_is_written():
    (found,) = codes(line("JFK Act 5(g)(2)(D", 400, 100))
    assert found.code == "JFKAct5(g)(2)(D)"


def test_the_box_of_a_code_in_a_line_holds_its_glyphs_only():
    (found,) = codes(line("has presented a 3.3(h)(2)", 60, 500))
    assert found.box[0] == pytest.approx(60 + 16 * 13, abs=10)
    assert found.box[2] == pytest.approx(60 + 25 * 13, abs=10)
    assert (found.box[1], found.box[3]) == (505, 519)


def test_restriction_numbers_count_in_their_field_only():
    form = codes(line("RESTRICTIONS : 1A; 4", 100, 300))
    assert names(form) == ["1A", "4"]
    assert [code.canonical for code in form] == ["JFK Act 6(1)(A)", "JFK Act 6(4)"]
    assert {code.context for code in form} == {"sheet"}
    assert codes(line("CLASSIFICATION : 1A; 4", 100, 300)) == ()


def test_a_restriction_may_stand_on_the_line_to_the_right_of_its_label():
    assert names(codes(line("RESTRICTIONS :", 100, 300), line("1B", 300, 302))) == ["1B"]
    assert codes(line("RESTRICTIONS :", 100, 300), line("1B", 700, 302)) == ()


def test_codes_of_a_review_form_describe_other_pages():
    (found,) = codes(line("WITHDRAWAL SHEET", 300, 60), line("(b)(1)", 600, 300))
    assert found.context == "sheet"


def test_a_stamps_blank_line_is_read_with_what_a_hand_wrote_on_it():
    (found,) = codes(line("DECLASSIFY ON: 25X_", 100, 300), reader=Again(reading("25X 1,6")))
    assert found.box[1] == pytest.approx(300, abs=3)
    assert found.box[3] == pytest.approx(300 + LINE, abs=3)
    assert (found.code, found.handwritten, found.context) == ("25X1,6", True, "stamp")


def test_a_stamps_empty_line_has_no_code():
    assert codes(line("DECLASSIFY ON: 25X", 100, 300), reader=Again(reading("25X"))) == ()


def test_a_doubtful_written_code_counts_beside_a_redaction_only():
    scrawl = reading("670", doubts={0: {"6": 0.7, "b": 0.01}, 2: {"Q": 0.2, "C": 0.01}})
    unsure = Reading(scrawl.text, 0.6, scrawl.lattice, scrawl.centres)
    beside = codes(line("670", 60, 300, said=unsure), redactions=[redaction(130, 290, 500, 330)], reader=Again(scrawl))
    assert [(c.code, c.handwritten) for c in beside] == [("b7D", True)]
    assert codes(line("670", 60, 300, said=unsure), reader=Again(scrawl)) == ()


def test_a_clear_written_code_counts_anywhere():
    scrawl = reading("b7C", doubts={0: {"6": 0.5, "b": 0.45}})
    (found,) = codes(
        line("b7C", 400, 300, said=Reading("h2O", 0.6, scrawl.lattice, scrawl.centres)), reader=Again(scrawl)
    )
    assert (found.code, found.handwritten) == ("b7C", True)


def test_a_written_code_that_runs_into_a_typed_line_is_cut_off_by_its_ink():
    maps = ink(print=0.9)
    maps.print[:, 350:], maps.handwriting[140:170, 360:400] = 0, 230
    clear = reading("b7C", doubts={0: {"6": 0.5, "b": 0.45}})
    said = Reading("67C", 0.6, clear.lattice, clear.centres)
    typed = line("failed in the northern districts67", 350, 300)
    (found,) = codes(typed, redactions=[redaction(600, 240, 790, 280)], reader=Again(said), layers=maps)
    assert (found.code, found.handwritten) == ("b7C", True)
    assert found.box[0] >= 2 * 350 - 24
    assert codes(typed, redactions=[redaction(600, 240, 790, 280)], reader=Again(said)) == ()


class ByHeight(Again):
    """A reader that gives each crop the reading of the line of that height."""

    def __init__(self, said: dict[int, Reading]) -> None:
        super().__init__()
        self.heights = said

    def read(self, crops, *, careful: bool = False) -> list[Reading]:
        return [self.heights[min(self.heights, key=lambda h: abs(h - crop.shape[0]))] for crop in crops]


def test_who_writes_one_code_writes_more_down_the_page():
    clear = reading("b7C", doubts={0: {"6": 0.5, "b": 0.45}})
    vague = reading("670", doubts={0: {"6": 0.7, "b": 0.01}, 2: {"Q": 0.2, "C": 0.01}})
    high = np.array([(60, 600), (99, 600), (99, 640), (60, 640)], np.float32)
    first = line("b7C", 400, 300, said=Reading("h2O", 0.6, clear.lattice, clear.centres))
    second = text_line(high, Reading("670", 0.6, vague.lattice, vague.centres))
    said = ByHeight({LINE: clear, 40: vague})
    assert names(codes(second, reader=said)) == []
    assert sorted(names(codes(first, second, reader=said))) == ["b7C", "b7D"]


def test_the_ink_says_whether_a_code_was_written_by_hand_however_well_it_reads():
    (typed,) = codes(line("b7C", 400, 300), layers=ink(print=0.6, handwriting=0.2))
    (written,) = codes(line("b7C", 400, 300), layers=ink(print=0.6, handwriting=0.5))
    assert (typed.handwritten, written.handwritten) == (False, True)


def test_a_reader_without_probabilities_gives_the_codes_that_the_table_knows():
    plain = [Reading(text, 0.9, None, reading(text).centres) for text in ("3.3(h)(2)", "1.4(z)")]
    found = codes(line("3.3(h)(2)", 700, 300, said=plain[0]), line("1.4(z)", 700, 400, said=plain[1]))
    assert [(code.code, code.confidence) for code in found] == [("3.3(h)(2)", 0.9)]


@pytest.mark.parametrize("text", ["E.O. 13526, SECTION 5.3(b)(3)", "5 U.S.C. 552(b)(3) and", "in part B5 of the form"])
def test_a_number_before_the_bracket_makes_it_another_provision(text):
    assert codes(line(text, 60, 500)) == ()


def test_an_empty_page_has_no_codes():
    assert codes() == ()


def test_a_page_says_where_a_code_cannot_be_of_its_date(monkeypatch):
    released = Declassification(status="released", date="1974-03-01", confidence=0.9)
    monkeypatch.setattr(pipeline, "classify", lambda events, withheld: released)
    monkeypatch.setattr(
        pipeline, "find_codes", lambda *_: (Code(box=(5, 5, 9, 9), confidence=0.9, text="b7C", code="b7C"),)
    )
    report = pipeline.analyze(np.full((110, 85), 255, np.uint8))
    assert report.warnings[-1] == (
        "code b7C: (b)(7)(C) stands in FOIA 5 USC 552(b) from 1975-02-19 on, the page is of 1974-03-01"
    )


@pytest.mark.real
@pytest.mark.parametrize(
    "page", ["cib__cib_02733122_p6", "fbi_cooper__cooper_d_b_part021_p3", "jfk2025__124-90140-10004_p2"]
)
def test_real_pages_give_their_labelled_codes(real_scans, page):
    cv2.setNumThreads(1)
    truth = load_truth(real_scans / "labelled" / f"{page}.truth.json")
    scan, reader = next(iter(open_scans(real_scans / "labelled" / f"{page}.png"))), NeuralReader()
    found = find_codes(scan, None, read_page(scan.grey, reader), reader)
    assert sorted(names(found)) == sorted(label.code for label in truth.of("code"))
