"""Reading under a grammar: the strings of a small language that a CTC lattice most probably says.

A recogniser's best guess need not be a date or an exemption code. Here only strings of a given language are searched,
by CTC prefix beam search (Graves and Jaitly 2014; Hannun et al. 2014) whose prefixes walk a weighted automaton. What
stands before and after the string is passed over by filler loops, and confusions of pens and recognisers (a stroke read
as ``1``, ``/`` or ``l``) are arcs of the automaton with their weight, so that both ways enter the same sum.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from redactlib.reading import ALPHABET

Part = Mapping[str, float]
"""Strings that may stand at one place of a chain, each with its weight (0..1]; ``""`` makes the place optional."""

_COLUMN = {character: i + 1 for i, character in enumerate(ALPHABET)}

_BEFORE, _END, _AFTER, _CLOSE_BEFORE, _CLOSE_AFTER = range(5)
"""States around the strings; a string may end where :data:`_END` is reached without reading anything."""


@dataclass(frozen=True, eq=False)
class Automaton:
    """A weighted language over :data:`redactlib.reading.ALPHABET`.

    Attributes:
        arcs: by state, then by lattice column: ``(written, weight, next state)``. State 0 is the start.
        finals: by state in which a string may end: what is still written there without a trace, and its weight.
    """

    arcs: tuple[Mapping[int, tuple[tuple[str, float, int], ...]], ...]
    finals: Mapping[int, tuple[tuple[str, float], ...]]


@dataclass(frozen=True)
class Decoded:
    """One string of the language: natural logarithm of its probability, and the lattice steps that it takes."""

    text: str
    log_probability: float
    span: tuple[int, int]


def build_automaton(
    chains: Sequence[Sequence[Part]],
    *,
    confusions: Mapping[str, Mapping[str, float]] | None = None,
    noise: Mapping[str, float] | None = None,
    filler: Mapping[str, float] | None = None,
    clinging: tuple[str, float] | None = None,
) -> Automaton:
    """The language of all chains: one string of each part in turn.

    Args:
        chains: alternatives; each a sequence of parts. Where one may be empty, so may the string: the decoder then also
            returns ``""`` with the probability that all is filler.
        confusions: for a written character, what may be read in its place and with what weight; ``""`` is a character
            that left no trace.
        noise: characters that may stand, unmeant, between two characters of the string, with their weight.
        filler: characters that may stand before and after the string, with their weight; by default none may.
        clinging: those of them that would rather belong to the string where they touch it, and their weight there, on
            top of their own.

    >>> automaton = build_automaton([[{"b": 1.0}, {"1": 1.0, "2": 1.0}]])
    >>> lattice = np.full((2, 1 + len(ALPHABET)), 1e-6)
    >>> lattice[0, 1 + ALPHABET.index("b")] = lattice[1, 1 + ALPHABET.index("l")] = 0.9
    >>> lattice[1, 1 + ALPHABET.index("1")] = 0.1
    >>> [found.text for found in decode(lattice, automaton)]
    ['b1']
    """
    links: list[list[tuple[str, str, float, int]]] = [[] for _ in range(5)]  # (read, written, weight, next)
    cling, weight_there = clinging or ("", 1.0)
    for c, w in (filler or {}).items():
        for state in (_BEFORE, _CLOSE_BEFORE):
            links[state].append((c, "", w, _CLOSE_BEFORE if c in cling else _BEFORE))
        links[_CLOSE_AFTER].append((c, "", w * (weight_there if c in cling else 1.0), _AFTER))
        links[_AFTER].append((c, "", w, _AFTER))
    for state in (_CLOSE_AFTER, _AFTER):
        links[state].append(("", "", 1.0, _END))
    for chain in chains:
        nothing = all("" in part for part in chain)
        ends = {_BEFORE: 1.0, _CLOSE_BEFORE: 1.0 if nothing else weight_there}
        for part in chain:
            ends = _append(links, ends, part, confusions or {})
        for state, weight in ends.items():
            links[state].append(("", "", weight, _CLOSE_AFTER))
    for state in range(5, len(links)):
        links[state] += [(c, "", w, state) for c, w in (noise or {}).items()]
    return _without_silent_arcs(links)


def softened(lattice: np.ndarray, *, power: float, blank_min: float) -> tuple[np.ndarray, np.ndarray]:
    """A lattice less sure of itself, each run of surely blank steps kept as one; also which steps were kept."""
    said = lattice[:, 0] < blank_min
    steps = np.flatnonzero(said | np.concatenate([[True], said[:-1]]))
    soft = np.power(np.maximum(lattice[steps], 1e-7), power)
    return soft / soft.sum(1, keepdims=True), steps


def decode(
    lattice: np.ndarray,
    automaton: Automaton,
    *,
    beam: int = 80,
    best: int = 20,
    floor: float = 1e-3,
    hopeless: float = 1e-5,
) -> tuple[Decoded, ...]:
    """The most probable strings of a language in a lattice, best first; none where no string fits.

    Args:
        lattice: ``(T, 1 + len(ALPHABET))``, CTC probabilities, column 0 the blank.
        automaton: the language.
        beam: hypotheses kept at each step.
        best: strings returned at most.
        floor: characters less probable than this at a step are not tried there.
        hopeless: hypotheses less probable than this, measured by the best one of the same step, are dropped.
    """
    beams: dict[_Key, list[float]] = {(0, "", 0): [1.0, 0.0, -1, -1]}  # in blank, in last, first and last step written
    scale = 0.0
    for step, row in enumerate(lattice):
        probable = [(int(c), float(row[c])) for c in np.flatnonzero(row >= floor) if c]
        blank = max(float(row[0]), floor)
        here = dict(probable)
        grown: dict[_Key, list[float]] = {}
        for key, (in_blank, in_last, first, end) in beams.items():
            state, written, last = key
            total = in_blank + in_last
            _add(grown, key, blank * total, here.get(last, 0.0) * in_last, first, end)
            arcs = automaton.arcs[state]
            for column, probability in probable:
                reached = probability * (in_blank if column == last else total)
                if not reached or column not in arcs:
                    continue
                for text, weight, target in arcs[column]:
                    began = step if text and first < 0 else first
                    _add(grown, (target, written + text, column), 0.0, reached * weight, began, step if text else end)
        kept = list(grown.items())
        if len(kept) > beam:
            kept = heapq.nlargest(beam, kept, key=lambda item: item[1][0] + item[1][1])
        top = max(mass[0] + mass[1] for _, mass in kept)
        scale += float(np.log(top))
        beams = {
            key: [mass[0] / top, mass[1] / top, mass[2], mass[3]]
            for key, mass in kept
            if mass[0] + mass[1] > hopeless * top
        }
    totals: dict[str, list[float]] = {}  # probability, that of the strongest hypothesis, its span
    for (state, written, _), (in_blank, in_last, first, end) in beams.items():
        for tail, weight in automaton.finals.get(state, ()):
            if (total := in_blank + in_last) > 0:
                entry = totals.setdefault(written + tail, [0.0, 0.0, first, end])
                if total > entry[1]:
                    entry[1:] = total, first, end
                entry[0] += total * weight
    order = sorted(totals.items(), key=lambda item: -item[1][0])[:best]
    return tuple(
        Decoded(text, scale + float(np.log(p)), (int(first), int(end) + 1)) for text, (p, _, first, end) in order
    )


_Key = tuple[int, str, int]  # state, written, last column


def _append(
    links: list[list[tuple[str, str, float, int]]],
    starts: Mapping[int, float],
    part: Part,
    confusions: Mapping[str, Mapping[str, float]],
) -> dict[int, float]:
    """Add one part behind the given states, as a tree whose strings end in one state; where it ends, with weights."""
    joint = len(links)
    links.append([])
    tree: dict[str, int] = {}
    for string, weight in part.items():
        for i, character in enumerate(string):
            last = i == len(string) - 1
            target = joint if last else tree.get(string[: i + 1])
            if target is None:
                tree[string[: i + 1]] = target = len(links)
                links.append([])
            elif not last:
                continue
            sources = starts if i == 0 else {tree[string[:i]]: 1.0}
            readings = {character: 1.0} | dict(confusions.get(character, {}))
            for source, before in sources.items():
                here = before * (weight if last else 1.0)
                links[source] += [(read, character, w * here, target) for read, w in readings.items()]
    passed = {state: before * part[""] for state, before in starts.items()} if "" in part else {}
    return {joint: 1.0} | passed


def _without_silent_arcs(links: list[list[tuple[str, str, float, int]]]) -> Automaton:
    """Fold arcs that read nothing into the arcs behind them."""
    arcs: list[dict[int, tuple[tuple[str, float, int], ...]]] = []
    finals: dict[int, dict[str, float]] = {}
    for state in range(len(links)):
        merged: dict[int, dict[tuple[str, int], float]] = {}
        pending = [("", 1.0, state)]
        while pending:
            prefix, weight, here = pending.pop()
            if here == _END:
                tails = finals.setdefault(state, {})
                tails[prefix] = max(tails.get(prefix, 0.0), weight)
            for read, written, cost, target in links[here]:
                total = weight * cost
                if total < 1e-5 or (here != state and here == _END and not read):
                    continue
                if read:
                    choices = merged.setdefault(_COLUMN[read], {})
                    end = (prefix + written, target)
                    choices[end] = max(choices.get(end, 0.0), total)
                else:
                    pending.append((prefix + written, total, target))
        arcs.append({c: tuple((w, p, t) for (w, t), p in choices.items()) for c, choices in merged.items()})
    return Automaton(tuple(arcs), {state: tuple(tails.items()) for state, tails in finals.items()})


def _add(beams: dict[_Key, list[float]], key: _Key, in_blank: float, in_last: float, first: float, end: float) -> None:
    held = beams.get(key)
    if held is None:
        beams[key] = [in_blank, in_last, first, end]
        return
    if in_blank + in_last > held[0] + held[1]:
        held[2], held[3] = first, end
    held[0] += in_blank
    held[1] += in_last
