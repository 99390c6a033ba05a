"""The symbol of a Presidential library (NLJ, NLK), read from character probabilities where no best guess spells it.

Under a library's stamp a pen writes the number of the review. Only the symbols that the catalogue knows, before a year,
are searched in what a recogniser finds probable (:mod:`redactlib.decoding`), as dates are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from redactlib.catalogue.authorities import library_symbols
from redactlib.decoding import Automaton, build_automaton, decode, softened
from redactlib.reading import ALPHABET, Reading


@dataclass(frozen=True)
class SymbolSettings:
    """How a symbol is weighed, set on drawn stamps of six wordings in five hands each."""

    softening: float = 0.9  # power on the lattice, as for dates
    outside: float = 0.5  # weight of a character before or after the symbol and the year
    nothing: float = 0.5  # weight of no symbol at all
    blank_min: float = 0.97  # a step so surely blank says nothing: runs of them count as one
    beam: int = 24
    floor: float = 8e-3  # characters less probable are not tried
    share_min: float = 0.3  # of one line in all its views, summed over lines, for a library to be answered,
    lead_min: float = 3.0  # and so many times any other's in the geometric mean of views: a wrong one is the worst
    doubt: float = 0.02  # added to every share, so that no view says never


def read_library(
    readings: Sequence[Reading],
    lines: Sequence[int],
    *,
    spelt: str | None = None,
    settings: SymbolSettings = SymbolSettings(),
) -> str | None:
    """The library whose symbol readings of the lines of one stamp agree on; ``None`` where none clearly leads.

    Args:
        readings: of upright crops; only their lattices count.
        lines: number of the line that each is a view of.
        spelt: library whose symbol some best guess spells. It stands unless another is probable as well: a pen's NLJ
            may be spelt NLT.
    """
    views: dict[int, list[dict[str, float]]] = {}
    for reading, line in zip(readings, lines, strict=True):
        if reading.lattice is not None:
            views.setdefault(line, []).append(_shares(reading.lattice, settings))
    sums: dict[str, float] = {}
    for opinions in views.values():
        for library, share in (item for opinion in opinions for item in opinion.items()):
            sums[library] = sums.get(library, 0.0) + share / len(opinions)
    every = [opinion for opinions in views.values() for opinion in opinions]
    likeliest = max(sums, key=lambda library: sums[library], default=None)
    candidates = [spelt, likeliest if likeliest and sums[likeliest] >= settings.share_min else None]
    leading = (c for c in candidates if c and all(_leads(c, other, every, settings) for other in sums if other != c))
    return next(leading, None)


def _leads(best: str, other: str, opinions: Sequence[dict[str, float]], settings: SymbolSettings) -> bool:
    """Whether one library is far likelier than another in the views that show either: their geometric mean."""
    shares = [(opinion.get(best, 0.0), opinion.get(other, 0.0)) for opinion in opinions]
    odds = [np.log((a + settings.doubt) / (b + settings.doubt)) for a, b in shares if a + b > settings.doubt]
    return not odds or float(np.mean(odds)) >= np.log(settings.lead_min)


def _shares(lattice: np.ndarray, settings: SymbolSettings) -> dict[str, float]:
    """Each library's share of the probability of all symbols and of none in one lattice."""
    soft, _ = softened(lattice, power=settings.softening, blank_min=settings.blank_min)
    found = decode(soft, _grammar(settings), beam=settings.beam, floor=settings.floor)
    masses = [float(np.exp(one.log_probability - found[0].log_probability)) for one in found]
    shares: dict[str, float] = {}
    for one, mass in zip(found, masses, strict=True):
        library = next((short for symbol, short in _by_length() if one.text.startswith(symbol)), None)
        if library:
            shares[library] = shares.get(library, 0.0) + mass / sum(masses)
    return shares


@cache
def _by_length() -> tuple[tuple[str, str], ...]:
    """Symbols and their libraries, the longer first: NLRR is no NLR."""
    return tuple(sorted(((symbol, row[0]) for symbol, row in library_symbols().items()), key=lambda s: -len(s[0])))


@cache
def _grammar(settings: SymbolSettings) -> Automaton:
    """A symbol, what stands between it and the year of the case, and two figures of that."""
    figure = dict.fromkeys("0123456789", 1.0)
    gap = {" ": 1.0, "-": 1.0, "": 0.7, " -": 0.5, "--": 0.3}
    chains = [
        [{symbol: 1.0}, gap, _between(request), figure, figure] for symbol, (_, request) in library_symbols().items()
    ]
    return build_automaton(
        [*chains, [{"": settings.nothing}]],
        confusions=_PEN,
        noise={" ": 0.3, ".": 0.3, ",": 0.3},
        filler=dict.fromkeys(ALPHABET, settings.outside),
    )


def _between(request: Sequence[str]) -> dict[str, float]:
    """What stands before the case's year: the kind of request, where the library writes one; else perhaps a word."""
    if request:
        return dict.fromkeys(request, 1.0)
    return {"": 1.0, "MR": 0.5, "MR ": 1.0, "MR-": 0.3, "CASE MR ": 1.0, "CASE MR": 0.5}


_PEN = {
    "N": {"n": 1.0, "M": 0.05, "A": 0.1, "H": 0.05},
    "L": {"l": 1.0, "I": 0.3, "1": 0.3, "/": 0.1, "C": 0.1, "U": 0.1, "E": 0.05, "": 0.03},
    "J": {"j": 1.0, "1": 0.3, "I": 0.3, "3": 0.2, "5": 0.2, "7": 0.1, "S": 0.1, "T": 0.1, "/": 0.1},
    "K": {"k": 1.0, "M": 0.05, "<": 0.2, "R": 0.1, "X": 0.1},
    "F": {"f": 1.0, "M": 0.05, "E": 0.3, "P": 0.05},
    "E": {"e": 1.0, "F": 0.1, "&": 0.1},
    "R": {"r": 1.0, "M": 0.05, "K": 0.1},
    "C": {"c": 1.0, "(": 0.2, "&": 0.1, "E": 0.05},
    "T": {"t": 1.0, "7": 0.1},
    "S": {"s": 1.0, "5": 0.2},
    "B": {"b": 1.0, "8": 0.2},
    "G": {"6": 0.2, "C": 0.1},
    "W": {"w": 1.0},
}
"""What a recogniser may see in a pen's letter, with the weight of taking it so."""
