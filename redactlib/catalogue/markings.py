"""Markings as rows, and the alignment of a page's lines with their legends.

A marking is found where one of its key phrases stands in a line of text, then grown over the neighbouring lines that
match the rest of its legend in the right order; what is left of those lines fills its blanks. Letters that readers
mistake for each other compare as equal, and a phrase may lose or gain letters (indel distance, rapidfuzz).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from rapidfuzz import fuzz, process
from rapidfuzz.distance import LCSseq

_CONFUSED = str.maketrans("0QD1LJ|!5$8269C", "OOOIIIIISSBZGGG")
_FIELD = re.compile(r"\{(\w+)\}")


@lru_cache(maxsize=65536)
def fold(text: str) -> tuple[str, list[int]]:
    """Text as it is compared: letters and digits only, those that readers confuse made one; and where each stood.

    >>> fold("Date: 10/5")
    ('OATEIOS', [0, 1, 2, 3, 6, 7, 9])
    """
    kept = [(c, i) for i, c in enumerate(text.upper()) if (c.isalnum() and c.isascii()) or c in "|!$"]
    return "".join(c for c, _ in kept).translate(_CONFUSED), [i for _, i in kept]


@dataclass(frozen=True)
class Literal:
    """Printed words of a legend: `row` is their line, `place` their order in it."""

    text: str
    row: int
    place: int
    optional: bool

    @cached_property
    def folded(self) -> str:
        return fold(self.text)[0]


@dataclass(frozen=True)
class Marking:
    """One row of ``markings.toml``; the file's head says what each field means."""

    id: str
    family: str
    agency: str | None = None
    decision: str = "none"
    office: str | None = None
    lines: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    pattern: str | None = None
    need_all_keys: bool = False
    line_only: bool = False
    next_line_date: bool = False
    worn: bool = False
    token: str | None = None
    loose: bool = False
    large: bool = False
    edge: bool = False
    span: bool = False
    apart: bool = False
    aslant: bool = False
    alone: bool = False
    tall: bool = False
    whole: str | None = None
    hand: bool = False
    dated: bool = False
    year_only: bool = False
    form: bool = False
    ticks: dict[str, str] = field(default_factory=dict, hash=False)
    ticks_text: dict[str, str] = field(default_factory=dict, hash=False)
    ticks_right: tuple[str, ...] = ()
    agencies: dict[str, str] = field(default_factory=dict, hash=False)
    agencies_pattern: str | None = None
    numeric: str = "MDY"
    valid_from: int | None = None
    valid_to: int | None = None
    usual: tuple[int, int] | None = None
    source: str = ""
    examples: tuple[str, ...] = ()
    rejects: tuple[str, ...] = ()

    @cached_property
    def literals(self) -> tuple[Literal, ...]:
        found = []
        for row, line in enumerate(self.lines):
            parts = [p.strip(" ,:;.") for p in _FIELD.sub("\n", line.lstrip("?")).split("\n")]
            found += [
                Literal(part, row, place, line.startswith("?"))
                for place, part in enumerate(parts)
                if len(fold(part)[0]) >= 2
            ]
        return tuple(found)

    @cached_property
    def fields(self) -> frozenset[str]:
        return frozenset(name for line in self.lines for name in _FIELD.findall(line))

    @property
    def holds_date(self) -> bool:
        """Whether a date that stands in or at it may be its own."""
        decides = self.decision not in ("none", "provenance")
        return self.hand or self.next_line_date or self.loose or "date" in self.fields or decides

    @cached_property
    def compiled_pattern(self) -> re.Pattern[str] | None:
        return re.compile(self.pattern) if self.pattern else None


@lru_cache(maxsize=1)
def markings() -> tuple[Marking, ...]:
    """Every row of the catalogue, in the order of the file."""
    rows = tomllib.loads((files("redactlib.catalogue") / "markings.toml").read_text(encoding="utf-8"))["marking"]
    plain: list[dict[str, Any]] = [{k: tuple(v) if isinstance(v, list) else v for k, v in row.items()} for row in rows]
    return tuple(Marking(**row) for row in plain)


@dataclass(frozen=True)
class Line:
    """A line of text as the alignment sees it: what it says and where it stands, in any unit of length.

    `along` and `down` span its own frame: unit vectors in the direction of reading and towards the next line. `parts`
    says which pieces of the page it is made of: of two markings that need one piece, only one stands. `apart` says that
    it is much larger than the page's typing or stands at an angle to it, as no prose does.
    """

    text: str
    centre: tuple[float, float]
    width: float
    height: float
    along: tuple[float, float] = (1.0, 0.0)
    parts: tuple[int, ...] = ()
    apart: bool = False

    @property
    def down(self) -> tuple[float, float]:
        return (-self.along[1], self.along[0])

    @cached_property
    def folded(self) -> tuple[str, list[int]]:
        return fold(self.text)


@dataclass(frozen=True)
class Hit:
    """A literal found in a line: the span of the line's text that says it, and how well (0..1)."""

    literal: Literal
    line: int
    start: int
    end: int
    score: float


@dataclass(frozen=True)
class Match:
    """A marking found among lines.

    Attributes:
        marking: the row.
        hits: its literals, in the order of the legend.
        weight: characters of the legend that were found, weighed by how well.
        share: that weight as a share of the legend's required characters.
    """

    marking: Marking
    hits: tuple[Hit, ...]
    weight: float
    share: float

    @property
    def lines(self) -> tuple[int, ...]:
        """Indices of the lines that carry the legend."""
        return tuple(sorted({hit.line for hit in self.hits}))

    def row_depths(self, lines: Sequence[Line], *, lone_pitch: float = 0.0) -> tuple[Callable[[int], float], float]:
        """How deep the middle of a row of the legend stands, by its number, read or not; and the pitch of the rows.

        Depths are taken down from the direction of the first row that was read. One row alone has `lone_pitch`.
        """
        rows = {hit.literal.row: lines[hit.line] for hit in self.hits}
        x, y = next(iter(rows.values())).down
        read = {row: line.centre[0] * x + line.centre[1] * y for row, line in rows.items()}
        low, high = min(read), max(read)
        pitch = (read[high] - read[low]) / (high - low) if high > low else lone_pitch

        def depth(row: int) -> float:
            near = min(read, key=lambda other: abs(other - row))
            return read[near] + (row - near) * pitch

        return depth, pitch

    def blanks(self, lines: Sequence[Line]) -> list[tuple[str, str, int]]:
        """What stands in the legend's blanks, as (field, text, line index), on lines that carry printed words too."""
        found = []
        for row, template in enumerate(self.marking.lines):
            hits = sorted((h for h in self.hits if h.literal.row == row), key=lambda h: h.literal.place)
            pieces = re.split(r"(\{\w+\})", template.lstrip("?"))
            place = 0  # of the literal before the blank
            for piece in pieces:
                name = _FIELD.fullmatch(piece)
                if not name:
                    continue
                before = [h for h in hits if h.literal.place <= place]
                after = [h for h in hits if h.literal.place > place]
                place += 1
                if not before and not after:
                    continue
                left = before[-1] if before else None
                right = after[0] if after else None
                if left and right and left.line != right.line:
                    right = None
                line = left.line if left else right.line if right else -1
                text = lines[line].text
                start, end = (left.end if left else 0), (right.start if right else len(text))
                found.append((name[1], text[start:end].strip(" ,:;"), line))
        return found


@dataclass(frozen=True)
class MatchSettings:
    """How much of a legend must be seen.

    Scores are shares of letters that agree; the floors were set so that no line of prose of the catalogue's rejects
    passes, while one letter in five may be wrong.
    """

    key_score: float = 0.86
    weak_score: float = 0.58  # of each of several legend lines that are badly read but stand where they should
    weak_letters: int = 9  # a shorter line says nothing when badly read
    weak_lines: int = 2  # lines that must agree at least, and `weak_weight_chars` of their letters beyond chance
    weak_weight_chars: float = 12.0
    weak_share: float = 0.3  # of the legend's letters
    token_weight_chars: float = 4.0  # what a sign that no other marking has is worth
    weak_seeds: int = 8
    chance_score: float = 0.5  # letters of unlike lines agree to this share
    short_key_score: float = 0.92  # keys under `short_key_chars` letters occur in prose by chance
    short_key_chars: int = 8
    apart_score: float = 0.74  # of a key in a line that no prose can be
    literal_score: float = 0.72
    weight_chars: float = 15.0  # letters of the legend that must agree, or `weight_share` of a shorter legend
    weight_share: float = 0.78
    apart_weight_share: float = 0.5
    share_min: float = 0.2
    line_share_min: float = 0.45  # of a key's line that must be legend, fields or figures: prose has more
    line_only_share_min: float = 0.6
    lone_line_share_min: float = 0.7  # where only one line of the legend shows
    word_score: float = 0.7  # each word of a key must be there, short ones that say something to the letter
    short_word_chars: int = 4
    never_score: float = 0.9
    overlap_min: float = 0.1  # of the shorter of two legend lines: they stand under each other
    blank: float = 5.0  # line heights before words behind a blank, over which it and what its line begins with may run
    angle_max_deg: float = 15.0
    pitch_min: float = 0.5  # in line heights; nearer than this, two pieces stand on one line and confirm nothing
    pitch_max: float = 2.6  # distance between neighbouring lines of a stamp, in line heights
    ceded_weight: float = 0.8  # share that a marking keeps when it gives a line up to another, that has
    ceded_lines: int = 2  # so many besides


def match_markings(
    lines: Sequence[Line], *, rows: Sequence[Marking] | None = None, settings: MatchSettings = MatchSettings()
) -> tuple[Match, ...]:
    """Markings that stand among lines of text; of two that claim one line, the better.

    Args:
        lines: in any order.
        rows: the catalogue's rows, or all.

    >>> found = match_markings(stack("CIA HAS N0 OBJECTION TO", "DECIASSIFICATION AND/OR", "RELEASE OF CIA"))
    >>> found[0].marking.id
    'cia-no-objection'
    """
    rows = markings() if rows is None else rows
    candidates = [match for row in rows for match in _match_row(row, lines, settings)]
    candidates.sort(key=lambda m: (-m.weight, -m.share, sum(lines[i].width for i in m.lines)))
    chosen: list[Match] = []
    for match in candidates:
        rivals = [other for other in chosen if _compete(match, other, lines)]
        ceded = _ceding(rivals[0], match, lines, settings) if len(rivals) == 1 else None
        if ceded:
            chosen[chosen.index(rivals[0])] = ceded
        if ceded or not rivals:
            chosen.append(match)
    return tuple(chosen)


def _ceding(strong: Match, weak: Match, lines: Sequence[Line], settings: MatchSettings) -> Match | None:
    """A marking without the line that another needs more: a form that hardly loses by it took it from a stamp nearby.

    ``None`` where the weaker is little more than that line, or the stronger a good deal less without it.
    """
    contested = {i for i in strong.lines if any(_collide(lines[i], lines[j]) for j in weak.lines)}
    own = [j for j in weak.lines if not any(_collide(lines[i], lines[j]) for i in strong.lines)]
    hits = tuple(hit for hit in strong.hits if hit.line not in contested)
    if len(own) < settings.ceded_lines or _weight(hits) < settings.ceded_weight * strong.weight:
        return None
    return _match(strong.marking, hits)


def _compete(a: Match, b: Match, lines: Sequence[Line]) -> bool:
    """Whether two markings claim the same writing; one that takes only part of a line leaves the rest to others."""
    if any(x.marking.loose and not y.marking.holds_date and not _share_parts(x, y, lines) for x, y in ((a, b), (b, a))):
        return False
    if a.marking.span or b.marking.span:
        shared = set(a.lines) & set(b.lines)
        apart = all(h.end <= k.start or k.end <= h.start for h in a.hits for k in b.hits if h.line == k.line)
        if shared and apart:
            return False
    return any(_collide(lines[i], lines[j]) for i in a.lines for j in b.lines)


def _share_parts(a: Match, b: Match, lines: Sequence[Line]) -> bool:
    """Whether two markings are made of one piece of the page; of two pieces one may be stamped over the other."""
    first, second = ({part for i in match.lines for part in lines[i].parts} for match in (a, b))
    return bool(first & second)


def _collide(a: Line, b: Line) -> bool:
    """Whether two lines are made of one piece, or one lies on the other."""
    if a is b or set(a.parts) & set(b.parts):
        return True
    for home, other in ((a, b), (b, a)):
        dx, dy = other.centre[0] - home.centre[0], other.centre[1] - home.centre[1]
        across, down = dx * home.along[0] + dy * home.along[1], dx * home.down[0] + dy * home.down[1]
        if abs(across) < home.width / 2 and abs(down) < 0.4 * min(home.height, other.height):
            return True
    return False


def stack(*texts: str, height: float = 1.0) -> tuple[Line, ...]:
    """Lines set one under the other, level, as a stamp's text alone gives them."""
    return tuple(
        Line(text, (len(text) * height / 4, 1.4 * height * i), len(text) * height / 2, height)
        for i, text in enumerate(texts)
    )


def _match_row(row: Marking, lines: Sequence[Line], settings: MatchSettings) -> list[Match]:
    if not lines:
        return []
    if not row.lines:
        return _pattern_matches(row, lines, settings)
    scores = _scores(row.key, lines)
    floors = np.array(
        [
            settings.short_key_score if len(_folded(k)) < settings.short_key_chars else settings.key_score
            for k in row.key
        ]
    )
    decides = row.decision != "none"  # and a mistake would be costly
    dates = [line for line in lines if _BAND_DATE.search(line.text)] if row.next_line_date else []
    eased = np.array([not decides and (line.apart or _stands_on(line, dates, settings)) for line in lines])
    longer = np.array([len(_folded(k)) >= settings.short_key_chars for k in row.key])
    low = np.where(longer[:, None] & eased[None], settings.apart_score, floors[:, None])
    seeds = [
        (k, i)
        for k, i in np.argwhere(scores >= low)
        if (eased[i] and longer[k]) or says_every_word(row.key[k], lines[i].folded[0], settings=settings)
    ]
    seeds = sorted(seeds, key=lambda kl: -scores[kl[0], kl[1]] * len(row.key[kl[0]]))
    found: list[Match] = []
    used: set[int] = set()
    for key, line in seeds:
        if line in used:
            continue
        match = _grow(row, row.key[key], line, lines, settings, settings.literal_score)
        if match and _holds(match, lines, settings):
            found.append(match)
            used |= set(match.lines)
    return found or (_weak_match(row, lines, scores, settings) if row.worn else [])


_BAND_DATE = re.compile(r"(?:J[AU][NL]|FEB|MA[RY]|A[PU][RG]|SEP|[O0]CT|N[O0]V|DE[C0]).{0,3}\d.{0,5}\d\d\W*$")


def _stands_on(line: Line, dates: Sequence[Line], settings: MatchSettings) -> bool:
    """Whether the next line is one of those of date stamps."""
    for other in dates:
        dx, dy = other.centre[0] - line.centre[0], other.centre[1] - line.centre[1]
        down, across = dx * line.down[0] + dy * line.down[1], dx * line.along[0] + dy * line.along[1]
        if 0.5 * line.height < down < settings.pitch_max * line.height and abs(across) < line.width:
            return True
    return False


def _pattern_matches(row: Marking, lines: Sequence[Line], settings: MatchSettings) -> list[Match]:
    """Lines in which the row's pattern stands: all of the line, or with ``span`` no more than what the pattern says."""
    found = []
    for i, line in enumerate(lines):
        place = row.compiled_pattern.search(line.text) if row.compiled_pattern else None
        if place and not _is_denied(row, i, lines, settings):
            start, end = place.span() if row.span else (0, len(line.text))
            text = line.text[start:end]
            weight = float(len(_folded(text)))
            found.append(Match(row, (Hit(Literal(text, 0, 0, False), i, start, end, 1.0),), weight, 1.0))
    return found


def _is_denied(row: Marking, number: int, lines: Sequence[Line], settings: MatchSettings) -> bool:
    """Whether words stand by that make a line something else: DATE over RECEIVED, the head of a column."""
    around = _touching((number,), lines) if row.never else []
    return any(_says(phrase, line, settings) for phrase in row.never for line in around)


def _weak_match(row: Marking, lines: Sequence[Line], scores: np.ndarray, settings: MatchSettings) -> list[Match]:
    """A marking of which no line reads well, but several lines agree with the legend in the right places."""
    long = np.array([len(fold(k)[0]) >= settings.weak_letters for k in row.key])
    seeds = np.argwhere((scores >= settings.weak_score) & long[:, None]).tolist()
    found: list[Match] = []
    for key, line in sorted(seeds, key=lambda kl: -scores[kl[0], kl[1]])[: settings.weak_seeds]:
        if any(line in match.lines for match in found):
            continue
        match = _grow(row, row.key[key], line, lines, settings, settings.weak_score)
        if match and _holds_weakly(match, lines, settings):
            found.append(match)
    return found


def _holds_weakly(match: Match, lines: Sequence[Line], settings: MatchSettings) -> bool:
    """Whether several lines agree with the legend beyond chance, and hold little else."""
    said = [h for h in match.hits if _says_token(match.marking, lines[h.line].folded[0])]
    lines_min = 1 if said else settings.weak_lines
    telling = [h for h in match.hits if len(h.literal.folded) >= settings.weak_letters]
    if _rows_apart(telling, lines, settings) < lines_min:
        return False
    chance = settings.chance_score
    weight = sum(max(0.0, h.score - chance) / (1 - chance) * len(h.literal.folded) for h in match.hits)
    weight += settings.token_weight_chars if said else 0.0
    required = sum(len(lit.folded) for lit in match.marking.literals if not lit.optional)
    roomy = sum(len(lines[h.line].folded[0]) <= 1.6 * len(h.literal.folded) + 4 for h in match.hits)
    enough = weight >= max(settings.weak_weight_chars, settings.weak_share * required)
    return enough and roomy >= lines_min and not _contradicted(match, lines, settings, weak=True)


def _rows_apart(hits: Sequence[Hit], lines: Sequence[Line], settings: MatchSettings) -> int:
    """On how many lines of their own hits stand, one under the other."""
    if not hits:
        return 0
    home = lines[hits[0].line]
    depths = sorted(lines[h.line].centre[0] * home.down[0] + lines[h.line].centre[1] * home.down[1] for h in hits)
    steps = np.diff(depths) > settings.pitch_min * home.height
    return min(1 + int(steps.sum()), len({h.literal.row for h in hits}))


def _says_token(row: Marking, folded: str) -> bool:
    return row.token is not None and fold(row.token)[0] in folded


@lru_cache(maxsize=4096)
def _folded(text: str) -> str:
    return fold(text)[0]


def _scores(phrases: Sequence[str], lines: Sequence[Line]) -> np.ndarray:
    """How well each phrase stands in each line, 0..1; a shorter line scores by the phrase's letters that it has."""
    folded = [_folded(p) for p in phrases]
    texts = [line.folded[0] for line in lines]
    scores = process.cdist(folded, texts, scorer=fuzz.partial_ratio, dtype=np.float32) / 100
    shorter = np.array([len(t) for t in texts])[None] < np.array([len(f) for f in folded])[:, None]
    held = process.cdist(folded, texts, scorer=LCSseq.normalized_similarity, dtype=np.float32)
    return np.where(shorter, held, scores)


def says_every_word(phrase: str, text: str, *, settings: MatchSettings = MatchSettings()) -> bool:
    """Whether a folded text has each word of a phrase: a letter in four may differ, not how it begins (DE-, UN-).

    A word that changes nothing (APPROVED FOR RELEASE) may be read as any.

    >>> says_every_word("APPROVED FOR RELEASE", fold("APPROVED EOR RELEASE")[0])
    True
    >>> says_every_word("REVIEWED BY NSA", fold("REVIEWED BY NASA")[0])
    False
    """
    words = [w for w in (_folded(word) for word in phrase.split() if word.upper() not in _IDLE) if w]
    lost = sum(not _says_word(word, text, settings) for word in words)
    return lost <= (1 if len(words) >= 4 else 0)


def _says(phrase: str, line: Line, settings: MatchSettings) -> bool:
    return bool(_scores([phrase], [line])[0, 0] >= settings.never_score) and says_every_word(
        phrase, line.folded[0], settings=settings
    )


_IDLE = frozenset({"FOR"})
"""Words of keys that no other marking differs in: of BY, NO or an agency's name each letter tells."""


def _says_word(word: str, text: str, settings: MatchSettings) -> bool:
    if len(word) <= settings.short_word_chars:
        return word in text
    found = fuzz.partial_ratio_alignment(word, text) if len(text) >= settings.word_score * len(word) else None
    if found is None or found.score / 100 < settings.word_score:
        return False
    return fuzz.ratio(word[:3], text[found.dest_start : found.dest_start + 3]) > 50


def _locate(literal: Literal, line: int, lines: Sequence[Line]) -> Hit | None:
    text, places = lines[line].folded
    if not text:
        return None
    found = fuzz.partial_ratio_alignment(literal.folded, text)
    if found is None or found.dest_end <= found.dest_start:
        return None
    shorter = len(text) < len(literal.folded)
    score = LCSseq.normalized_similarity(literal.folded, text) if shorter else found.score / 100
    return Hit(literal, line, places[found.dest_start], places[found.dest_end - 1] + 1, score)


def _grow(
    row: Marking, key: str, seed: int, lines: Sequence[Line], settings: MatchSettings, floor: float
) -> Match | None:
    """Take in the lines around a seed that match the rest of the legend, each at its place under or over it."""
    home = lines[seed]
    folded_key = _folded(key)
    at = max(row.literals, key=lambda lit: _in_key(lit, folded_key, settings))
    literals = row.literals
    near: list[tuple[int, float]] = []
    reach = settings.pitch_max * home.height * (len(row.lines) + 1)
    for i, line in enumerate(lines):
        dx, dy = line.centre[0] - home.centre[0], line.centre[1] - home.centre[1]
        down = dx * home.down[0] + dy * home.down[1]
        across = dx * home.along[0] + dy * home.along[1]
        turn = abs(home.along[0] * line.along[1] - home.along[1] * line.along[0])
        same_way = home.along[0] * line.along[0] + home.along[1] * line.along[1] > 0
        level = same_way and turn <= np.sin(np.radians(settings.angle_max_deg))
        if level and abs(down) <= reach and abs(across) <= 0.5 * (home.width + line.width) + home.height:
            near.append((i, down / home.height))
    scores = _scores([lit.text for lit in literals], [lines[i] for i, _ in near])
    pairs = [
        (scores[a, b] * len(literals[a].folded), a, b)
        for a in range(len(literals))
        for b in range(len(near))
        if scores[a, b] >= (floor if len(literals[a].folded) >= 5 else settings.short_key_score)
    ]
    hits: list[Hit] = []
    whole = _locate(at, seed, lines)
    start = whole if whole and whole.score >= floor else _locate(Literal(key, at.row, at.place, False), seed, lines)
    placed: dict[int, float] = {at.row: 0.0}
    for _, a, b in sorted(pairs, key=lambda pair: (-pair[0], lines[near[pair[2]][0]].width)):
        literal, (i, down) = literals[a], near[b]
        if any(h.literal is literal for h in hits):
            continue
        fits = all(
            abs(down - d) <= 0.9
            if literal.row == r
            else (
                np.sign(down - d) == np.sign(literal.row - r)
                and 0.35 * _rows_between(row, r, literal.row)
                < abs(down - d)
                <= settings.pitch_max * abs(literal.row - r)
            )
            or abs(down - d) <= 0.3  # legend lines that were set or read as one
            for r, d in placed.items()
        )
        hit = _locate(literal, i, lines) if fits else None
        apart = hit and start and _overlap(hit, start, lines, settings) < settings.overlap_min
        if apart and abs(down) > settings.pitch_min:
            continue
        if hit is None or any(h.line == i and hit.start < h.end - 1 and h.start < hit.end - 1 for h in hits):
            continue
        if any(h.line == i and (h.literal.row - literal.row) * (h.start - hit.start) < 0 for h in hits):
            continue  # lines that were read as one follow each other in it
        hits.append(hit)
        placed[literal.row] = down
    if not hits:
        return None
    return _match(row, sorted(hits, key=lambda h: (h.literal.row, h.literal.place)))


def _match(row: Marking, hits: Sequence[Hit]) -> Match:
    weight, required = _weight(hits), sum(len(lit.folded) for lit in row.literals if not lit.optional)
    return Match(row, tuple(hits), weight, weight / max(1, required))


def _weight(hits: Sequence[Hit]) -> float:
    """Letters of the legend that were found: those of chance agree to 0.6."""
    return sum(max(0.0, h.score - 0.6) / 0.4 * len(h.literal.folded) for h in hits)


def _in_key(literal: Literal, folded_key: str, settings: MatchSettings) -> tuple[bool, float]:
    """How well a literal stands for a key phrase: one that is in it before a longer one that has letters of it."""
    alike = fuzz.partial_ratio(folded_key, literal.folded) / 100
    return alike >= settings.key_score, alike * min(len(literal.folded), len(folded_key))


def _overlap(a: Hit, b: Hit, lines: Sequence[Line], settings: MatchSettings) -> float:
    """How far the printed words of two lines stand under each other, as a share of the shorter.

    Words behind a blank stand under what its line begins with: By, and NARA, Date behind the initials; that may be a
    piece of its own.
    """
    along = lines[b.line].along
    spans = []
    for hit in (a, b):
        line = lines[hit.line]
        left = line.centre[0] * along[0] + line.centre[1] * along[1] - line.width / 2
        letter = line.width / max(1, len(line.text))
        start = left + hit.start * letter
        if hit.literal.place:
            start = min(left, start - settings.blank * line.height)
        spans.append((start, left + hit.end * letter))
    shorter = min(end - start for start, end in spans)
    return (min(end for _, end in spans) - max(start for start, _ in spans)) / max(1e-6, shorter)


def _rows_between(row: Marking, a: int, b: int) -> int:
    """How many line steps lie at least between two lines of a legend, some lines of which may be absent."""
    low, high = sorted((a, b))
    return 1 + sum(not row.lines[i].startswith("?") for i in range(low + 1, high))


def _holds(match: Match, lines: Sequence[Line], settings: MatchSettings) -> bool:
    """Whether enough of the legend is there, nothing contradicts it, and its key line is not a sentence of the text."""
    row = match.marking
    required = sum(len(lit.folded) for lit in row.literals if not lit.optional)
    apart = row.decision == "none" and all(lines[i].apart for i in match.lines)
    share = settings.apart_weight_share if apart else settings.weight_share
    if match.weight < min(settings.weight_chars, share * required) or match.share < settings.share_min:
        return False
    if _contradicted(match, lines, settings):
        return False
    share_min = settings.line_only_share_min if row.line_only else settings.line_share_min
    if len(match.lines) == 1 and not row.line_only:
        share_min = settings.lone_line_share_min
    return max(_legend_share(match, i, lines) for i in match.lines) >= share_min


def _contradicted(match: Match, lines: Sequence[Line], settings: MatchSettings, *, weak: bool = False) -> bool:
    """Whether something that the marking needs is not there, or something stands by that makes it another."""
    row = match.marking
    own = [lines[i] for i in match.lines]
    around = _touching(match.lines, lines)
    if row.need_all_keys and not weak and any(_scores([k], own + around).max() < settings.key_score for k in row.key):
        return True
    if any(_scores([k], own + around).max() < settings.key_score for k in row.also):
        return True
    if any(_says(phrase, line, settings) for phrase in row.never for line in own + around):
        return True
    pattern = row.compiled_pattern
    return pattern is not None and not any(pattern.search(line.text) for line in own + around)


def _legend_share(match: Match, line: int, lines: Sequence[Line]) -> float:
    """Share of a line's letters that the legend explains, words with figures in them counted as filled-in blanks."""
    text = lines[line].text
    covered = np.zeros(len(text), bool)
    for hit in match.hits:
        if hit.line == line:
            covered[hit.start : hit.end] = True
    for word in re.finditer(r"\S*\d\S*", text):
        covered[word.start() : word.end()] = True
    letters = np.array([c.isalnum() for c in text], bool)
    return float(covered[letters].mean()) if letters.any() else 0.0


def _touching(numbers: Sequence[int], lines: Sequence[Line]) -> list[Line]:
    """Lines that touch those with these numbers: one line height above, below and beside them."""
    own = [lines[i] for i in numbers]
    found = []
    for i, line in enumerate(lines):
        if i in numbers:
            continue
        for home in own:
            dx, dy = line.centre[0] - home.centre[0], line.centre[1] - home.centre[1]
            down = abs(dx * home.down[0] + dy * home.down[1])
            across = abs(dx * home.along[0] + dy * home.along[1])
            if down <= 1.8 * home.height and across <= 0.5 * (home.width + line.width):
                found.append(line)
                break
    return found
