"""The language of exemption codes: how they are printed, misread and written, by family.

A family has a loose shape, a regular expression over a reading that knows the common misreadings, which finds places
worth a look; and a grammar, the exact strings that it can be, under which such a place is decoded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from redactlib.decoding import Automaton, Part, build_automaton

# How much a form needs around it: 0 nothing; 1 its own line, a redaction or a like code; 2 its own line in a margin,
# beside a redaction, in a stack or on a page with codes of its law; 3 its own line in a stack (markings.md, section 14,
# rule 8).
NEEDS: Mapping[str, int] = {
    "marking": 0, "section 3": 0, "category": 0, "act": 0, "handwritten": 0,
    "bracketed": 1, "lettered": 1, "section 1": 1, "paired": 1, "statute": 1, "privacy": 1, "ground": 1,
    "record pair": 0, "field": 0, "exemption": 0, "margin word": 1,
    "bare": 2, "law": 2, "record": 2, "word": 2, "restriction": 2,
    "letter": 3,
}  # fmt: skip

_D, _O, _C = r"[1-9lI|!iSZGgBO?]", r"(?:[(\[{]\s?)", r"(?:\s?[)\]}])"
# prose names agencies too, but not these two by their initials, nor at the start of a line
_EQUITY = r"(?:(?:(?<![A-Za-z0-9])(?:[oO0][sS][DO]|JC?S)|^\W?(?:DOS|DOE|CIA|NSC|USAF|NSA))\s?[:,-]?\s?)?"
_LAW = (
    r"P\.?\s?L\.?\s?86\s?-\s?36"
    r"|(?:10|18|50)\s?U\.?S\.?C\.?\s?(?:403|424|798|3024|3605|3507)(?:\s?\(?[a-z]\)?)?(?![0-9])"
)
_SHAPES: Mapping[str, str] = {
    "act": rf"(?:J\s?F\s?K\s?Act\s?)?(?:Sec\.?\s?)?[5S]\s?{_O}g{_C}\s?{_O}[2Z]{_C}\s?(?:{_O}[DO0]{_C}?)?"
    rf"|J\s?F\s?K\s?Act\s?(?:Sec\.?\s?)?[6G]\s?{_O}[1-5lI]{_C}(?:\s?{_O}[ABC8]{_C}?)?",
    "marking": r"(?<![A-Z0-9])(?:[2Z][5S]|[5S][0O]|7[5S])[\s-]?[Xx][\s-]?[(]?[1-9lIiSZ|!?](?![0-9])[)]?"
    r"(?:\s?,\s?[1-9l]\b)*[A-DX]?(?:\s?-\s?(?:HU[MN](?:AN)?|WMD)|\b)",
    "section 3": rf"{_EQUITY}(?<![\d.])"
    rf"(?:3\s?[.,]\s?[34][.,]?\s?(?:{_O}[bBhH6]|[bh]){_C}?\s?{_O}?{_D}{_C}?(?:\s?{_O}[AB]{_C})?"
    rf"|3\s?[.,]\s?[5S]\s?{_O}[cCe]{_C}?|6[.,][12]\s?{_O}[acd]{_C})",
    "section 1": rf"(?<![\d.])[1lI]\s?[.,]\s?[34S56A]\s?{_O}?[a-hA-H8]{_C}?(?:\s?{_O}[1-9lI]0?{_C})?"
    rf"|(?<![\d.])[1lI]4(?:[a-h](?![a-z])|{_O}[a-hA-H8]{_C})|(?<![\d.])3[.,][5S]c\b",
    "category": r"(?<![A-Za-z0-9])[bB]\s?[1-9lI?]\s?[A-F]?\s?[-~]\s?\d{1,2}(?:\s?[,.]\s?\d{1,2})*(?![0-9])",
    "lettered": r"(?<![A-Za-z0-9])(?:[bB]\s?[7?]\s?[A-Fa-f0]|67[A-F])(?![A-Za-z0-9])",
    "bracketed": rf"(?<![0-9]){_O}[bBh6G](?:{_C}?\s?{_O}|{_C}?[XY]){_D}{_C}?(?:\s?{_O}?[A-Fa-f]{_C})?"
    rf"|(?<![A-Za-z0-9])[bB]{_O}{_D}{_C}",
    "paired": rf"{_O}b{_C}{_O}[1lI]{_C}1[.,]?4{_O}?[a-h8]{_C}?",
    "statute": rf"{_O}?[bBh6]?{_C}\s?{_O}?[3S8]{_C}?\s?[-:]?\s?(?:{_LAW})",
    "law": rf"(?:{_LAW})",
    "privacy": rf"{_O}?[jkJKG5i]{_C}\s?{_O}{_D}{_C}(?:\s?{_O}[a-fE6]{_C})*|{_O}d{_C}\s?{_O}[5S]{_C}"
    rf"|{_O}{_C}\s?{_O}[12]{_C}(?:\s?{_O}[a-f6]{_C})+",
    "ground": rf"(?:J\s?F\s?[KC]\s?)?(?:6\s?)?{_O}[1lI](?:{_C}?\s?{_O}|[XY])[A-Ca-c8]{_C}",
    "bare": r"(?<![A-Za-z0-9-])[bB]\s?[1-9lIsSG](?![A-Za-z0-9-])",
    "record": r"(?<![A-Za-z0-9-])P-?[1-6](?![A-Za-z0-9-])",
    "record pair": r"(?<![A-Z0-9-])[Pp]-?[1-6G]\s?/\s?(?:\(?b\)?\s?\(?[1-9G]\)?|6\([1-9G]\))(?![A-Za-z0-9-])",
    "margin word": r"(?<![A-Za-z])(?:STAT(?:\s?INTL|\s?OTHR|\s?SPEC)?|ILLEGIB|NGA/NIMA)(?![A-Za-z])",
    "word": r"(?<![A-Za-z])(?:N\.?R\.?|OGA|DUP)(?![A-Za-z])",
}
_APART = r"(?:(?<![A-Za-z(])|(?<=7[A-F]))"
_NEXT = r"(?=[bB][1-9liI]|[^A-Za-z0-9-]|$)"
_SHEET_SHAPES: Mapping[str, str] = {
    "bare": rf"{_APART}[bB]\s?[1-9liIsSG]{_NEXT}",
    "lettered": rf"{_APART}[bB]\s?[7?]\s?[A-Fa-f0]{_NEXT}",
}
_LETTER = re.compile(r"(?<![A-Za-z0-9)\]])[(\[](?:TS|[A-HSU])[)\]](?![A-Za-z0-9(\[])")
_SHAPE = {family: re.compile(shape) for family, shape in _SHAPES.items()}
_SHEET_SHAPE = _SHAPE | {family: re.compile(shape) for family, shape in _SHEET_SHAPES.items()}


def find_shapes(text: str, *, sheet: bool = False) -> list[tuple[tuple[str, ...], int, int]]:
    """Code-shaped places of a line: the families of that shape, start, end; the longest match wins.

    On a `sheet` about other pages codes stand in columns, which worn lines run together: ``Page 27b7C b1``.

    >>> find_shapes("(G)(1)(b) 25X1")
    [(('bracketed', 'privacy'), 0, 9), (('marking',), 10, 14)]
    """
    shapes = _SHEET_SHAPE if sheet else _SHAPE
    places: dict[tuple[int, int], list[str]] = {}
    for family, shape in shapes.items():
        for match in shape.finditer(text):
            places.setdefault(match.span(), []).append(family)
    taken: list[tuple[int, int]] = []
    for start, end in sorted(places, key=lambda place: (place[0] - place[1], place[0])):
        if all(end <= s or start >= e for s, e in taken):
            taken.append((start, end))
    return [(tuple(places[place]), *place) for place in sorted(taken)]


def find_letters(text: str) -> list[tuple[str, int, int]]:
    """Capital letters in brackets, where no code stands: a library's code, a paragraph's letter or a portion marking.

    >>> find_letters("(A) the first (b)(1)")
    [('letter', 0, 3)]
    """
    places = [match.span() for match in _LETTER.finditer(text)]
    shapes = find_shapes(text) if places else []
    return [("letter", a, b) for a, b in places if all(b <= start or a >= end for _, start, end in shapes)]


_CONFUSED: Mapping[str, Mapping[str, float]] = {
    "1": {"l": 0.5, "I": 0.5, "|": 0.5, "!": 0.2, "i": 0.2, "/": 0.1, "t": 0.05},
    "2": {"Z": 0.3, "z": 0.2},
    "3": {"S": 0.05, "8": 0.05},
    "4": {"A": 0.2},
    "5": {"S": 0.5, "s": 0.3},
    "6": {"G": 0.3, "b": 0.3},
    "7": {"?": 0.3, "T": 0.05},
    "8": {"B": 0.2},
    "9": {"g": 0.3, "q": 0.3},
    "0": {"O": 0.5, "o": 0.3},
    "(": {"[": 0.4, "{": 0.4, "C": 0.1, "X": 0.03, "Y": 0.03, "": 0.1},
    ")": {"]": 0.4, "}": 0.4, "X": 0.3, "Y": 0.1, "": 0.05},
    ".": {",": 0.3, "": 0.1},
    ",": {".": 0.3, "": 0.1},
    "-": {"~": 0.3, "": 0.05},
    "b": {"6": 0.1, "h": 0.04},
    "h": {"b": 0.04, "n": 0.1},
    "j": {"i": 0.1, "J": 0.3, "G": 0.1, "5": 0.1, "": 0.05},
    "k": {"K": 0.3},
    "a": {"8": 0.1, "e": 0.05},
    "c": {"e": 0.1},
    "X": {"x": 0.5, "K": 0.1, "Y": 0.05},
    "A": {"a": 0.3, "4": 0.05},
    "B": {"8": 0.1, "b": 0.1},
    "C": {"c": 0.5, "(": 0.1},
    "D": {"d": 0.3, "0": 0.1, "O": 0.1},
    "E": {"e": 0.3},
    "F": {"f": 0.3},
    "J": {"T": 0.1},
    "K": {"k": 0.3},
    "M": {"N": 0.2},
    "O": {"o": 0.3, "0": 0.3},
    "S": {"s": 0.3},
}
"""What readers make of the characters of codes: how often, by the table's confusions and the readings of real pages."""


_HAND: Mapping[str, Mapping[str, float]] = {
    **_CONFUSED,
    "6": {"b": 0.5, "G": 0.3, "C": 0.1},
    "7": {"?": 0.3, "T": 0.2, "1": 0.3, "2": 0.2, ">": 0.1, "/": 0.05},
    "C": {"c": 0.5, "(": 0.2, "O": 0.1, "0": 0.2, "G": 0.1},
    "D": {"d": 0.3, "0": 0.3, "O": 0.3, "Q": 0.3, "A": 0.05},
    "b": {"6": 0.5, "h": 0.2, "L": 0.05, "l": 0.05},
    "(": {"[": 0.4, "{": 0.4, "C": 0.3, "c": 0.2, "6": 0.1, "<": 0.1, "G": 0.1, "/": 0.1, "": 0.1},
    ")": {"]": 0.4, "}": 0.4, "j": 0.1, "/": 0.1, ">": 0.1, "1": 0.1, "J": 0.1, ",": 0.05, "X": 0.3, "": 0.1},
    "1": {
        "l": 0.5,
        "I": 0.5,
        "|": 0.5,
        "!": 0.3,
        "i": 0.3,
        "/": 0.3,
        "t": 0.05,
        "j": 0.1,
        ",": 0.1,
        ".": 0.05,
        ")": 0.1,
    },
    ",": {".": 0.3, "": 0.3},
    "A": {"a": 0.3, "4": 0.2, "H": 0.1, "R": 0.1},
    "J": {"T": 0.3, "j": 0.3, "U": 0.2, "S": 0.1, "": 0.1},
    "F": {"E": 0.3, "f": 0.3, "P": 0.1},
    "K": {"k": 0.5, "C": 0.2, "L": 0.1, "R": 0.2, "H": 0.1},
    "B": {"8": 0.3, "b": 0.2, "6": 0.1, "R": 0.1, "D": 0.05, "3": 0.1},
}
"""The same for pens: an open loop, a leaning stroke, a one run into its bracket, a comma that is a touch."""


def _any(options: Iterable[str], weight: float = 1.0) -> dict[str, float]:
    return dict.fromkeys(options, weight)


def _bracketed(options: Iterable[str]) -> dict[str, float]:
    return _any(f"({option})" for option in options)


@cache
def grammar(family: str) -> Automaton:
    """The strings that a family of codes can be."""
    digits, chapters = "123456789", "abcdefgh"
    letter_b, seventh = _any(["(b)", "(B)", "b", "B"]), _any(["(7)", "7"])
    numbers = [str(n) for n in range(1, 31)]
    laws = _any(["P.L. 86-36", "18 USC 798", "50 USC 3024(i)", "50 USC 403", "50 USC 3605", "10 USC 424"])
    more: Part = _any(["", *(f",{n}" for n in numbers)])
    bracketed: list[Part] = [_any(["(b)", "(B)"]), _bracketed(digits)]
    equity: Part = _any(
        ["", *(f"{agency} " for agency in ("OSD", "JCS", "JS", "DOS", "DOE", "CIA", "NSC", "USAF", "NSA"))]
    )
    section_1: list[Part] = [_any(["1.4", "1.5"]), _bracketed(chapters + chapters.upper()) | _any(chapters)]
    chains: Mapping[str, Sequence[Sequence[Part]]] = {
        "act": [
            [_any(["JFK Act ", ""]), _any(["5(g)(2)(D)"])],
            [_any(["JFK Act 6"]), _bracketed("2345") | _any(["(1)(A)", "(1)(B)", "(1)(C)"])],
        ],
        "marking": [
            [
                _any(["25", "50", "75"]),
                _any("X"),
                _any(digits, 0.3) | _bracketed(digits),
                _any(["", *"ABCD"], 0.2) | {"": 1.0},
            ]
            + [_any(["", *(f",{d}" for d in digits)])] * 3,
            [_any(["50X1-HUM", "50X2-WMD", "25X1-human"])],
        ],
        "section 3": [
            [equity, _any(["3.3", "3.4"]), _any(["(b)"]), _bracketed(digits)],
            [equity, _any(["3.3(h)"]), _bracketed("123"), _any(["", "(A)", "(B)"])],
            [equity, _any(["3.5(c)", "6.2(a)", "6.2(d)", "6.1(a)", "6.1(c)", "6.2(c)"])],
        ],
        "section 1": [
            section_1,
            [_any(["1.3"]), _any(["(a)", "(A)"]), _bracketed([*digits, "10"])],
            [_any(["1.6(d)"]), _bracketed("12345678")],
            [_any(["3.5c"])],
        ],
        "category": [
            [_any(["b", "B"]), _any("12356"), _any(["-"]), _any(numbers), *[more] * 7],
            [_any(["b7", "B7"]), _any("ABCDEF"), _any(["-"]), _any(numbers), *[more] * 7],
        ],
        "lettered": [[_any(["b7", "B7"]), _any("ABCDEF")]],
        "bracketed": [bracketed, [letter_b, seventh, _bracketed("ABCDEFabcdef")], [_any("bB"), _bracketed(digits)]],
        "paired": [[*bracketed, *section_1]],
        "statute": [[_any(["(b)(3)", "(b)(3)-", "(b)(3):"]), laws]],
        "law": [[laws]],
        "privacy": [
            [_any(["(j)"]), _bracketed("12"), _any(["", *(f"({c})" for c in "abcdef")]), _any(["", "(c)"])],
            [_any(["(k)"]), _bracketed("1234567")],
            [_any(["(d)(5)"])],
        ],
        "ground": [[_any(["", "JFK", "6"]), _any(["(1)"]), _bracketed("ABC")]],
        "bare": [[_any("bB"), _any(digits)]],
        "record": [[_any("P"), _any("123456")]],
        "record pair": [[_any("P"), _any("123456"), _any(["/b", "/(b)"]), _bracketed("123456")]],
        "margin word": [[_any(["STAT", "STATINTL", "STATOTHR", "STATSPEC", "ILLEGIB", "NGA/NIMA"])]],
        "word": [[_any(["NR", "OGA", "DUP"])]],
        "field": [
            [
                _any(["25X"]),
                {"1": 1.0, "6": 0.3} | _any("2345789", 0.03),
                *[{"": 1.0, ",6": 0.3} | _any([",2", ",3", ",4", ",5", ",7", ",8"], 0.05)] * 2,
            ],
            [_any(["25X"]), {"(1)": 1.0, "(6)": 0.3} | _any((f"({d})" for d in "2345789"), 0.03)],
        ],
        "exemption": [
            [_any("bB"), _any("1256") | {"3": 0.5, "4": 0.2, "9": 0.1}],
            [_any(["(b)", "(B)"]), _bracketed("12356") | _bracketed("49")],
            [_any(["b7", "B7"]), _any("ACDEF") | _bracketed("ACDEF")],
        ],
        "restriction": [[_any(["1A", "1B", "1C", "2", "3", "4", "5"])]],
    }
    by_pen = family in ("field", "exemption")
    noise = {" ": 1.0} if by_pen else {" ": 1.0, ".": 0.05}  # specks stand between printed characters
    confusions = _HAND if by_pen else _CONFUSED
    return build_automaton(chains[family], confusions=confusions, noise=noise, filler={" ": 1.0})


@cache
def hand_grammar() -> Automaton:
    chains: list[list[Part]] = [
        [_any("b"), _any("7"), _any("CDE")],
        [{"": 1.0, "JFK": 1.0, "6": 0.3}, _any(["(1)"]), _bracketed("ABC")],
        [_any(["(b)"], 0.5), _bracketed("12356")],
    ]
    specks = {" ": 1.0, ".": 0.2, "'": 0.2, "-": 0.2, ",": 0.2}
    return build_automaton(chains, confusions=_HAND, noise={" ": 1.0, ".": 0.1, "'": 0.1}, filler=specks)
