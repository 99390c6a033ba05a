"""Reading under a grammar."""

from __future__ import annotations

import numpy as np
import pytest

from redactlib.decoding import build_automaton, decode
from redactlib.reading import ALPHABET


def lattice_of(*steps: dict[str, float]) -> np.ndarray:
    """A lattice of the given character probabilities by step; what is left goes to the blank."""
    lattice = np.zeros((len(steps), 1 + len(ALPHABET)), np.float32)
    for t, step in enumerate(steps):
        for character, probability in step.items():
            lattice[t, 1 + ALPHABET.index(character)] = probability
        lattice[t, 0] = 1 - sum(step.values())
    return lattice


def test_only_strings_of_the_language_are_found_however_probable_others_are():
    codes = build_automaton([[{"b1": 1.0, "b7": 1.0}]])
    found = decode(lattice_of({"b": 0.9}, {"l": 0.9, "7": 0.04, "1": 0.06}), codes)
    assert [f.text for f in found] == ["b1", "b7"]


def test_probability_is_the_sum_over_all_alignments():
    found = decode(lattice_of({"b": 0.6}, {"b": 0.5}), build_automaton([[{"b": 1.0}]]))
    assert np.exp(found[0].log_probability) == pytest.approx(0.6 * 0.5 + 0.6 * 0.5 + 0.4 * 0.5)


def test_a_doubled_character_needs_a_blank_between():
    doubled = build_automaton([[{"11": 1.0}]])
    assert not decode(lattice_of({"1": 1.0}, {"1": 1.0}), doubled)
    assert decode(lattice_of({"1": 1.0}, {}, {"1": 1.0}), doubled)[0].text == "11"


def test_filler_passes_over_what_stands_around_the_string():
    strict = build_automaton([[{"42": 1.0}]])
    lenient = build_automaton([[{"42": 1.0}]], filler={"K": 0.5, ".": 0.5})
    steps = lattice_of({"K": 1.0}, {".": 1.0}, {"4": 1.0}, {"2": 1.0}, {"K": 1.0})
    assert decode(steps, strict)[0].log_probability < -20
    found = decode(steps, lenient)[0]
    assert (found.text, found.span) == ("42", (2, 4))


def test_confusions_read_a_stroke_both_ways():
    grammar = build_automaton(
        [[{"1": 1.0, "": 1.0}, {"/": 1.0}, {"8": 1.0}]], confusions={"/": {"1": 0.3}, "1": {"/": 0.3}}
    )
    found = {f.text: f.log_probability for f in decode(lattice_of({"1": 1.0}, {"8": 1.0}), grammar)}
    assert found == {"/8": pytest.approx(np.log(0.3))}
    assert decode(lattice_of({"/": 1.0}, {"1": 1.0}, {"8": 1.0}), grammar)[0].text == "1/8"


def test_a_character_without_trace_costs_its_weight():
    grammar = build_automaton([[{"4-6": 1.0}]], confusions={"-": {"": 0.1}})
    assert decode(lattice_of({"4": 1.0}, {"6": 1.0}), grammar)[0].log_probability == pytest.approx(
        np.log(0.1), abs=1e-2
    )


def test_noise_inside_the_string_costs_its_weight():
    grammar = build_automaton([[{"4-6": 1.0}]], noise={" ": 0.5})
    assert decode(lattice_of({"4": 1.0}, {" ": 1.0}, {"-": 1.0}, {"6": 1.0}), grammar)[0].log_probability == (
        pytest.approx(np.log(0.5), abs=1e-2)
    )


def test_parts_follow_each_other_and_may_be_left_out():
    grammar = build_automaton([[{"1": 1.0, "": 1.0}, {"2": 1.0, "": 1.0}, {"3": 1.0}]])
    for text in ("3", "13", "23", "123"):
        assert decode(lattice_of(*({c: 1.0} for c in text)), grammar)[0].text == text
    assert not decode(lattice_of({"2": 1.0}), grammar)


def test_the_empty_string_weighs_that_all_is_filler():
    grammar = build_automaton([[{"42": 1.0}], [{"": 0.1}]], filler=dict.fromkeys("0123456789", 0.2))
    assert [f.text for f in decode(lattice_of({"4": 1.0}, {"2": 1.0}), grammar)] == ["42", ""]
    assert next(f.text for f in decode(lattice_of({"4": 1.0}, {"7": 1.0}), grammar)) == ""


def test_a_last_character_without_a_trace_is_still_written():
    automaton = build_automaton([[{"(1)": 1.0}]], confusions={")": {"": 0.1}})
    lattice = np.full((2, 1 + len(ALPHABET)), 1e-6)
    lattice[0, 1 + ALPHABET.index("(")] = lattice[1, 1 + ALPHABET.index("1")] = 0.9
    assert [found.text for found in decode(lattice, automaton)] == ["(1)"]


def test_filler_that_clings_is_less_likely_where_it_touches_the_string():
    """A 1 before 1/1 is rather the 1 of 11 than another number's end; behind a space it is as likely as ever."""
    digits = dict.fromkeys("0123456789 ", 0.5)
    grammar = build_automaton([[{"11/1": 1.0, "1/1": 1.0}]], filler=digits, clinging=("0123456789", 0.1))
    touching = decode(lattice_of({"1": 0.9}, {}, {"1": 0.9}, {"/": 0.9}, {"1": 0.9}), grammar)
    assert [found.text for found in touching] == ["11/1", "1/1"]
    loose = decode(
        lattice_of({"1": 0.9}, {}, {"1": 0.9}, {"/": 0.9}, {"1": 0.9}),
        build_automaton([[{"11/1": 1.0, "1/1": 1.0}]], filler=digits),
    )
    leads = [found[0].log_probability - found[1].log_probability for found in (touching, loose)]
    assert leads[0] > leads[1] + 0.5
    plain = build_automaton([[{"1/1": 1.0}]], filler=digits)
    apart = lattice_of({"1": 0.9}, {" ": 0.9}, {"1": 0.9}, {"/": 0.9}, {"1": 0.9})
    strict = build_automaton([[{"1/1": 1.0}]], filler=digits, clinging=("0123456789", 0.1))
    there, as_ever = (decode(apart, one)[0].log_probability for one in (strict, plain))
    assert there == pytest.approx(as_ever, abs=0.2)
