"""Classification banners and handling captions: lines that consist of their words, at head and foot or anywhere."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from rapidfuzz import fuzz

from redactlib.catalogue.banners import (
    STAMPED_CONTROLS,
    STAMPED_LEVELS,
    banner_words,
    says_caption,
    spelled_level,
    words_of_banners,
    worn_level,
)
from redactlib.catalogue.markings import Line, fold, says_every_word
from redactlib.detect.outline import (
    OutlineSettings,
    as_line,
    cut_line,
    framed,
    inked,
    joined,
    letters_within,
    padded,
    row_of_letters,
    uncovered,
)
from redactlib.detect.strike import is_struck
from redactlib.marks import DECISIVE, Box, Stamp, union
from redactlib.reading import Reading, TextLine, likeliest_of, stretch, text_line
from redactlib.scan import Scan
from redactlib.ticks import TickPlace, read_ticks


@dataclass(frozen=True)
class CutLevelSettings:
    """What is left of a level that a release line was printed over; lengths in those of the level at the foot."""

    head: float = 0.1  # of the page's height, where such a line stands
    column: tuple[float, float] = (0.2, 0.8)  # of its width, in which levels stand
    overlap: float = 0.25  # of the line's height, by which letters show in its strip
    next_line: float = 0.85  # of it: what begins lower is a line of its own, not one that is cut
    letter_height: tuple[float, float] = (0.1, 1.1)
    letter_length_max: float = 0.5
    row_mm: float = 0.35  # letters that are cut begin on one row
    letters_min: int = 5
    length: tuple[float, float] = (0.6, 1.5)  # of letters cut from above; what lies around runs into them
    length_whole: tuple[float, float] = (0.7, 1.3)  # of letters that stand above the line
    column_ink_min: float = 0.08  # of the height, that counts as a letter's
    gap: float = 0.5  # of the height, between two words
    filled_min: float = 0.6  # of their length
    above_min: float = 0.2  # of their height, that stands out over the line
    px_per_mm: float = 4.0  # at which head and foot are compared
    alike_min: float = 0.65  # correlation: labelled levels under a line reach 0.65 to 0.9, other heads 0.58
    rule_min: float = 1.8  # of the foot's length, of a piece of ink that is a rule and no letters
    seen_min: float = 0.3  # of the foot's contrast, that must lie where the line leaves it to be seen


@dataclass(frozen=True)
class BannerSettings:
    """How lines of classification words are told from other lines; lengths in heights of the line, if not said."""

    apart_gap: float = 2.5  # captions are set wide
    large_min: float = 1.35  # of the typing's height: a stamp
    slant_min: float = 0.04  # sine of the angle to the page's lines: one as well
    edge: float = 0.12  # of the page's height: head and foot, where levels stand
    said_max: float = 0.9  # nats a letter that a level may be less probable than the recogniser's best guess: on the
    # labelled pages 15 of 16 lines within it are that level, the next true one follows among five that are not
    column_gap: float = 3.0  # pitches of its letters between two captions side by side; those spaced widely are so
    same_head: tuple[int, float] = (6, 0.8)  # first letters of such captions, and the share of them that must agree
    field_edge: float = 0.15  # of the page's height, where the value of a field is the page's level all the same
    value_gap: float = 3.0  # from the name of a field to its value,
    value_shift: float = 0.8  # and up or down from it
    caption_chars: tuple[int, int] = (7, 33)  # letters of the word of a caption, and of all its line
    name_min: float = 80.0  # in a hundred, of the name of its field, CLASSIFICATION
    filled_min: float = 62.0  # in a hundred, of a form's WHEN FILLED IN in small print
    turned_max_deg: float = 12.0  # between lines of one banner; what stands at another angle is another stamp
    under_gap: float = 0.45  # between lines of one banner
    under_share: float = 0.5  # of the shorter, that stands under the longer
    letter_room: float = 1.0  # pitches of its letters that the first and the last reach beyond their own middle


def find_banners(
    scan: Scan, pieces: Sequence[TextLine], taken: set[int], *, settings: BannerSettings = BannerSettings()
) -> list[Stamp]:
    """Classification banners: lines that consist of classification words, with the captions set close under them."""
    fields = field_values(scan, pieces)
    free = [i for i, piece in enumerate(pieces) if i not in taken and i not in fields and not is_field(piece)]
    pieces, free = _in_columns(*_as_ticked(scan, pieces, free), settings)
    apart = OutlineSettings(join_gap=settings.apart_gap)
    lines = [*(as_line(pieces[i], i) for i in free), *joined([pieces[i] for i in free], free, settings=apart)]
    typical = float(np.median([p.height for p in pieces if len(p.text) > 20] or [scan.mm(4)]))
    spoken: list[tuple[Line, tuple[str, ...]]] = []
    said = [(line, banner_words(line.text) or _worn_level(line, pieces, typical, scan, settings)) for line in lines]
    alone = {line.parts[0]: sum(map(len, words)) for line, words in said if len(line.parts) == 1}
    said = [  # pieces are put together only where that says more: TOP and SECRET, not two banners in a row
        (line, words)
        for line, words in said
        if len(line.parts) == 1 or sum(map(len, words)) > sum(alone.get(part, 0) for part in line.parts)
    ]
    for line, words in sorted(said, key=lambda one: (-sum(map(len, one[1])), len(one[0].text))):
        if words and not any(_collides(line, other) for other, _ in spoken):
            spoken.append((line, words))
    rest = [line for line in lines if len(line.parts) == 1 and not any(_collides(line, other) for other, _ in spoken)]
    return [_banner(scan, group, words, pieces, settings) for group, words in _grouped(spoken, rest, pieces, settings)]


def _in_columns(
    pieces: Sequence[TextLine], free: Sequence[int], settings: BannerSettings
) -> tuple[list[TextLine], list[int]]:
    """The pieces and which are free, after lines that run over two captions side by side were parted between them."""
    columns = {i: _columns(pieces[i], settings) for i in free}
    parted = {i: parts for i, parts in columns.items() if _are_two(parts, settings)}
    fresh = [part for parts in parted.values() for part in parts]
    rest = [i for i in free if i not in parted]
    return [*pieces, *fresh], [*rest, *range(len(pieces), len(pieces) + len(fresh))]


def _are_two(parts: Sequence[TextLine], settings: BannerSettings) -> bool:
    """Whether two captions that begin with the same word stand side by side: HANDLE VIA one channel and another."""
    letters, share = settings.same_head
    heads = [fold(part.text)[0][:letters] for part in parts if banner_words(part.text)]
    return any(fuzz.ratio(a, b) >= 100 * share for a, b in itertools.combinations(heads, 2))


def _columns(piece: TextLine, settings: BannerSettings) -> list[TextLine]:
    """A line parted where its letters stand far apart."""
    centres = np.array(piece.reading.centres)
    if len(centres) != len(piece.text) or len(centres) < 2:
        return [piece]
    gaps = np.diff(centres)
    cuts = [0, *(np.flatnonzero(gaps > settings.column_gap * np.median(gaps)) + 1).tolist(), len(centres)]
    return [
        text_line(cut_line(piece, start, end), Reading(piece.text[start:end].strip(), piece.confidence))
        for start, end in itertools.pairwise(cuts)
    ]


@dataclass(frozen=True)
class ChoiceSettings:
    """How the printed row of levels is told of which one is ticked: UNCLASSIFIED [] CONFIDENTIAL [] SECRET []."""

    score_min: float = 70.0  # in a hundred, of a level's letters that its label must have: the forms are worn
    levels_share_min: float = 0.7  # of a line's letters that are those of levels
    row: float = 0.9  # of a label's height, up or down from one to the next
    boxes_min: int = 2  # that stand beside labels of a row


CHOICES = ("UNCLASSIFIED", "CONFIDENTIAL", "TOP SECRET", "SECRET")
"""Levels that forms print to be ticked."""


def level_choices(
    scan: Scan, pieces: Sequence[TextLine], *, settings: ChoiceSettings = ChoiceSettings()
) -> dict[int, list[TextLine]]:
    """Lines of a form that offer levels to be ticked, by number, with the levels that are ticked, each cut out of it.

    Two levels stand on one row and a tick box beside two of its labels at least; of a row without them nothing is said.

    Args:
        scan: the page, upright.
        pieces: its lines as read.

    >>> level_choices(Scan(np.full((200, 200), 255, np.uint8), 100.0), [])
    {}
    """
    offers = [offer for i, piece in enumerate(pieces) for offer in _offers(i, piece, settings)]
    rows = _rows_of(offers, pieces, settings)
    whole = [row for row in rows if len({offer.level for offer in row}) > 1]
    ticks = [_ticks_of(scan, row, pieces) for row in whole]
    whole = [row for row, boxes in zip(whole, ticks, strict=True) if len(boxes) >= settings.boxes_min]
    found: dict[int, list[TextLine]] = {}
    for row in rows if whole else []:  # such a form has a row at head and foot: one of them may be worn
        boxes = _ticks_of(scan, row, pieces)
        for k, offer in enumerate(row):
            if row in whole or k in boxes:
                own, piece = found.setdefault(offer.number, []), pieces[offer.number]
                if boxes.get(k):
                    corners = stretch(piece.corners, offer.start, offer.end)
                    own.append(text_line(corners, Reading(offer.level, piece.confidence)))
    return found


@dataclass(frozen=True)
class _Offer:
    """A level that may be the label of a tick box: the line that says it, and from where to where, in shares of it."""

    number: int
    level: str
    start: float
    end: float


def _offers(number: int, piece: TextLine, settings: ChoiceSettings) -> list[_Offer]:
    """The levels that a line consists of, each with its place in it."""
    text, places = fold(piece.text)
    rest, spans = text, []
    for level in CHOICES:
        folded = fold(level)[0]
        place = fuzz.partial_ratio_alignment(folded, rest) if len(rest) >= 0.7 * len(folded) else None
        if place is not None and place.score >= settings.score_min:
            spans.append((level, place.dest_start, place.dest_end))
            rest = rest[: place.dest_start] + " " * (place.dest_end - place.dest_start) + rest[place.dest_end :]
    if not text or sum(end - start for _, start, end in spans) < settings.levels_share_min * len(text):
        return []
    size = len(piece.text)
    known = len(piece.reading.centres) == size
    centres = piece.reading.centres if known else [(i + 0.5) / size for i in range(size)]
    half = 0.6 / size
    return [
        _Offer(number, level, max(0.0, centres[places[start]] - half), min(1.0, centres[places[end - 1]] + half))
        for level, start, end in spans
    ]


def _ticks_of(scan: Scan, row: Sequence[_Offer], pieces: Sequence[TextLine]) -> dict[int, bool]:
    """By their place in the row, of the levels beside which a box was found, whether it is ticked."""
    places = [TickPlace(str(k), pieces[offer.number], offer.start, offer.end) for k, offer in enumerate(row)]
    return {int(label): ticked for label, _, ticked in read_ticks(scan, places)}


def _rows_of(offers: Sequence[_Offer], pieces: Sequence[TextLine], settings: ChoiceSettings) -> list[list[_Offer]]:
    """Levels that stand on one row, from left to right."""
    rows: list[list[_Offer]] = []
    for offer in sorted(offers, key=lambda offer: float(pieces[offer.number].corners[:, 0].mean())):
        piece = pieces[offer.number]
        middle, reach = float(piece.corners[:, 1].mean()), settings.row * piece.height
        row = next((r for r in rows if abs(float(pieces[r[-1].number].corners[:, 1].mean()) - middle) < reach), None)
        if row is None:
            rows.append([offer])
        else:
            row.append(offer)
    return rows


def _as_ticked(scan: Scan, pieces: Sequence[TextLine], free: Sequence[int]) -> tuple[list[TextLine], list[int]]:
    """The pieces and which are free, after rows of levels were replaced by those of them that are ticked."""
    choices = level_choices(scan, pieces)
    ticked = [level for i in free if i in choices for level in choices[i]]
    rest = [i for i in free if i not in choices]
    return [*pieces, *ticked], [*rest, *range(len(pieces), len(pieces) + len(ticked))]


def is_field(piece: TextLine) -> bool:
    """Whether a line is the field of a form (CLASSIFICATION : UNCLASSIFIED), or stands on its side."""
    return _FIELD.match(piece.text) is not None or abs(piece.corners[1] - piece.corners[0]).argmax() == 1


def field_values(scan: Scan, pieces: Sequence[TextLine], *, settings: BannerSettings = BannerSettings()) -> set[int]:
    """Pieces that are the value of a field whose name was read apart; at head and foot they are the page's level.

    So are levels that a form offers to be ticked, if none of theirs is, wherever they stand.
    """
    labels = [piece for piece in pieces if _FIELD.match(piece.text)]
    edge = settings.field_edge * scan.height
    unticked = {i for i, ticked in level_choices(scan, pieces).items() if not ticked}
    return unticked | {
        i
        for i, piece in enumerate(pieces)
        for label in labels
        if edge < piece.box[1] < scan.height - edge
        and -label.height < piece.box[0] - label.box[2] < settings.value_gap * label.height
        and abs(piece.box[1] + piece.box[3] - label.box[1] - label.box[3]) < 2 * settings.value_shift * label.height
    }


_FIELD = re.compile(r"\W*(?:CLASSIFICATION|RESTRICTIONS?)\s*:", re.IGNORECASE)


def with_cut_level(
    scan: Scan,
    stamps: Sequence[Stamp],
    banners: Sequence[Stamp],
    *,
    settings: CutLevelSettings = CutLevelSettings(),
) -> list[Stamp]:
    """Banners, and the one at the head that a release line was printed over: what is left of its letters, cut level.

    Only where the foot repeats a level that the head does not show: a page carries its level at both.
    """
    middle = scan.height / 2
    levels = set(words_of_banners()["levels"])
    at_foot = [b for b in banners if b.box[1] > middle and levels & set(b.evidence["words"])]
    at_head = [b for b in banners if b.box[3] < middle and levels & set(b.evidence["words"])]
    over = [s for s in stamps if s.box[3] < settings.head * scan.height and s.decision in DECISIVE]
    if not at_foot or at_head or not over:
        return list(banners)
    model, cover = at_foot[-1], over[0]
    height = cover.box[3] - cover.box[1]
    below = [b for b in banners if cover.box[3] - height / 4 < b.box[1] < cover.box[3] + 2 * height]
    end = min([cover.box[3] + 2 * (model.box[3] - model.box[1]), *(b.box[1] + height // 8 for b in below)])
    rest = _letters_above(scan, cover.box, model.box, settings)
    rest = rest or _cut_letters(scan, cover.box, model.box, end, settings)
    rest = rest or _same_as_foot(scan, [s.box for s in over], model.box, settings)
    if rest is None:
        return list(banners)
    rest = uncovered(scan, rest, [s.box for s in over])
    words = [*model.evidence["words"], *(w for b in below for w in b.evidence["words"])]
    level = Stamp(
        box=padded(scan, union(rest, *(b.box for b in below)), rest[3] - rest[1]),
        confidence=round(0.6 * model.confidence, 3),
        text=" / ".join([f"[{model.text}]", *(b.text for b in below)]),
        family="classification",
        struck=is_struck(scan, rest),
        evidence={"words": words, "because": "letters cut by the release line; the level is repeated at the foot"},
    )
    return [level, *(b for b in banners if b not in below)]


def _cut_letters(scan: Scan, cover: Box, model: Box, end: int, settings: CutLevelSettings) -> Box | None:
    """What is left of letters under a line printed over them, down to row `end`: pieces that begin on one row."""
    height, length = model[3] - model[1], model[2] - model[0]
    x0, x1 = (round(share * scan.width) for share in settings.column)
    y0 = cover[3] - round(settings.overlap * (cover[3] - cover[1]))
    if end <= y0:
        return None
    strip = scan.ink[y0:end, x0:x1].astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(strip)
    low, high = (share * height for share in settings.letter_height)
    pieces = [s for s in stats[1:] if low <= s[3] <= high and 3 <= s[2] <= settings.length[1] * length]
    if not pieces:
        return None
    tolerance = max(2, round(scan.mm(settings.row_mm)))
    row = max({int(s[1]) for s in pieces}, key=lambda top: sum(abs(s[1] - top) <= tolerance for s in pieces))
    if row > settings.next_line * (cover[3] - cover[1]):
        return None
    cut = sorted((s for s in pieces if abs(s[1] - row) <= tolerance), key=lambda s: int(s[0]))
    ends = np.maximum.accumulate([s[0] + s[2] for s in cut])
    wide = np.flatnonzero(np.array([s[0] for s in cut[1:]]) - ends[:-1] > settings.gap * height) + 1
    cut = max((cut[a:b] for a, b in itertools.pairwise([0, *wide.tolist(), len(cut)])), key=len)
    box = (
        x0 + int(min(s[0] for s in cut)),
        y0 + int(min(s[1] for s in cut)),
        x0 + int(max(s[0] + s[2] for s in cut)),
        y0 + int(max(s[1] + s[3] for s in cut)),
    )
    reach = box[2] - box[0]
    letters = [s for s in cut if s[2] <= settings.letter_length_max * length]
    fused = len(cut) > 1 and sum(int(s[2]) for s in cut) >= settings.filled_min * reach  # by a stroke through them
    told = fused if len(letters) < len(cut) else len(letters) >= settings.letters_min
    return box if told and settings.length[0] <= reach / length <= settings.length[1] else None


def _letters_above(scan: Scan, cover: Box, model: Box, settings: CutLevelSettings) -> Box | None:
    """A level that a line was printed over at its lower half: what stands above that line, as long as at the foot."""
    height, length = model[3] - model[1], model[2] - model[0]
    x0, x1 = (round(share * scan.width) for share in settings.column)
    y0 = max(0, cover[1] - height)
    strip = scan.ink[y0 : cover[1] + int(settings.overlap * (cover[3] - cover[1])), x0:x1]
    strip = _without_rules(strip, settings.rule_min * length)
    columns = np.flatnonzero(strip.sum(0) > settings.column_ink_min * height)
    runs = np.split(columns, np.flatnonzero(np.diff(columns) > settings.gap * height) + 1) if columns.size else []
    run = max(runs, key=len, default=columns)
    if not run.size:
        return None
    low, high = settings.length_whole
    reach = int(run[-1] - run[0])
    if not low <= reach / length <= high or len(run) < settings.filled_min * reach:
        return None
    top = y0 + int(np.flatnonzero(strip[:, run[0] : run[-1]].any(1))[0])
    stands_out = top < cover[1] - settings.above_min * height
    return (x0 + int(run[0]), top, x0 + int(run[-1]) + 1, top + height) if stands_out else None


def _same_as_foot(scan: Scan, covers: Sequence[Box], model: Box, settings: CutLevelSettings) -> Box | None:
    """Where the head looks like the level at the foot, as far as the lines over it leave it to be seen.

    Normalised correlation over what is not covered (Lewis 1995, with a mask), of both softened by a quarter millimetre.
    """
    scale = settings.px_per_mm / scan.mm(1.0)
    dark = (255 - scan.grey[: int(settings.head * scan.height)].astype(np.float32)) / 255
    open_to_view = np.ones_like(dark)
    for x0, y0, x1, y1 in covers:
        open_to_view[y0:y1, x0:x1] = 0

    def soft(plane: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(cv2.resize(plane, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), (0, 0), 1.0)

    foot = (255 - scan.grey[model[1] : model[3], model[0] : model[2]].astype(np.float32)) / 255
    head, seen, foot = soft(dark * open_to_view), soft(open_to_view), soft(foot)
    if foot.shape[0] > head.shape[0] or foot.shape[1] > head.shape[1]:
        return None

    def summed(plane: np.ndarray, window: np.ndarray) -> np.ndarray:
        return cv2.matchTemplate(plane, window, cv2.TM_CCORR)

    count = np.maximum(1.0, summed(seen, np.ones_like(foot)))
    of_head, of_foot = summed(head * seen, np.ones_like(foot)), summed(seen, foot)
    varied_head = summed(head * head * seen, np.ones_like(foot)) - of_head**2 / count
    varied_foot = summed(seen, foot * foot) - of_foot**2 / count
    alike = summed(head * seen, foot) - of_head * of_foot / count
    alike = alike / np.sqrt(np.maximum(1e-3, varied_head * varied_foot))
    enough = settings.seen_min * float(foot.var()) * foot.size
    alike[(varied_foot < enough) | (varied_head < enough / 3)] = -1.0
    y, x = np.unravel_index(int(alike.argmax()), alike.shape)
    if alike[y, x] < settings.alike_min:
        return None
    left, top = round(int(x) / scale), round(int(y) / scale)
    ink = scan.ink[top : top + model[3] - model[1], left : left + model[2] - model[0]].copy()
    for x0, y0, x1, y1 in covers:
        ink[max(0, y0 - top) : max(0, y1 - top), max(0, x0 - left) : max(0, x1 - left)] = False
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    return (left + int(columns[0]), top + int(rows[0]), left + int(columns[-1]) + 1, top + int(rows[-1]) + 1)


def _without_rules(ink: np.ndarray, length: float) -> np.ndarray:
    """Ink without pieces so much longer than a level: the rule at a page's edge."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    return ink & (stats[:, 2] <= length)[labels]


def _collides(a: Line, b: Line) -> bool:
    return bool(set(a.parts) & set(b.parts)) or (
        abs(a.centre[0] - b.centre[0]) < 0.5 * max(a.width, b.width)
        and abs(a.centre[1] - b.centre[1]) < 0.5 * min(a.height, b.height)
    )


_STAMPED = (*STAMPED_LEVELS, *STAMPED_CONTROLS)


def _worn_level(
    line: Line, pieces: Sequence[TextLine], typical: float, scan: Scan, settings: BannerSettings
) -> tuple[str, ...]:
    """A level that a line stands for although it is badly read: only where it is large, slanted, or at head or foot.

    Either enough of its letters were read, or the recogniser thought it nearly as probable as what it read.
    """
    spelled = spelled_level(line.text)
    if spelled:
        return spelled
    apart = line.height > settings.large_min * typical or abs(line.along[1]) > settings.slant_min
    edge = min(line.centre[1], scan.height - line.centre[1]) < settings.edge * scan.height
    if not (apart or edge):
        return ()
    lattice = pieces[line.parts[0]].reading.lattice if len(line.parts) == 1 else None
    if lattice is not None and len(lattice) and 2 <= len(line.folded[0]) <= 2 * max(map(len, _STAMPED)):
        odds, likeliest = likeliest_of(lattice, _STAMPED)
        if odds < settings.said_max:
            return (likeliest,)
    return worn_level(line.text, lenient=apart and edge)


def _grouped(
    spoken: Sequence[tuple[Line, tuple[str, ...]]],
    rest: Sequence[Line],
    pieces: Sequence[TextLine],
    settings: BannerSettings,
) -> list[tuple[list[int], list[str]]]:
    """Banners with the captions that stand close under or over them: a level, and words that complete it."""
    levels = set(words_of_banners()["levels"])
    parts = [(line, _completing(line.text, settings)) for line in rest]
    letters_min, chars_max = settings.caption_chars
    groups = [([*line.parts], [*words]) for line, words in spoken]
    captions = [
        ([*line.parts], [*words])
        for line, words in parts
        if words and len(words[0]) >= letters_min and len(line.text) <= chars_max
    ]
    for caption in captions:
        home = next((g for g in groups if _touch(g[0], caption[0], pieces, settings)), None)
        if home and not _names_field(caption, home[0], pieces):
            home[0].extend(caption[0])
            home[1].extend(caption[1])
    merged = True
    while merged:
        merged = False
        for a in groups:
            for b in groups:
                if a is b or all(levels & set(g[1]) for g in (a, b)):
                    continue
                if _touch(a[0], b[0], pieces, settings):
                    a[0].extend(b[0])
                    a[1].extend(b[1])
                    groups.remove(b)
                    merged = True
                    break
            if merged:
                break
    return groups


def _completing(text: str, settings: BannerSettings) -> tuple[str, ...]:
    """The words in a line that complete a banner; in brackets, small print that is like WHEN FILLED IN says that."""
    folded = fold(text)[0]
    bracketed = text.strip().startswith("(") and text.strip().endswith(")")
    if bracketed and _says_filled(folded, settings):
        return (_FILLED,)
    return tuple(w for w in words_of_banners()["parts"] if says_every_word(w, folded))


_FILLED = "WHEN FILLED IN"
"""The caption of a form's level."""


def _says_filled(folded: str, settings: BannerSettings) -> bool:
    return fuzz.ratio(fold(_FILLED)[0], folded) >= settings.filled_min


def _is_small_print(piece: TextLine, settings: BannerSettings) -> bool:
    """Whether a form prints a line under its level, on the frame or in letters that touch: no pen strikes it."""
    folded = fold(piece.text)[0]
    return _says_filled(folded, settings) or fuzz.ratio(fold("CLASSIFICATION")[0], folded) >= settings.name_min


def _names_field(caption: tuple[list[int], list[str]], level: Sequence[int], pieces: Sequence[TextLine]) -> bool:
    """Whether a caption is the printed name of a level's field: CLASSIFICATION over it, SECURITY CLASSIFICATION.

    CLASSIFICATION under a level is a part of it.
    """
    parts, words = caption
    over = pieces[parts[0]].box[1] < min(pieces[i].box[1] for i in level)
    return words[0] == "CLASSIFICATION" and (over or "SECURITY" in pieces[parts[0]].text.upper())


def _touch(a: Sequence[int], b: Sequence[int], pieces: Sequence[TextLine], settings: BannerSettings) -> bool:
    """Whether two lines stand one close under the other, their middles over each other."""
    first, second = union(*(pieces[i].box for i in a)), union(*(pieces[i].box for i in b))
    height = min(first[3] - first[1], second[3] - second[1])
    apart = max(first[1], second[1]) - min(first[3], second[3])
    wide = min(first[2], second[2]) - max(first[0], second[0])
    turned = abs(pieces[a[0]].rotation_deg - pieces[b[0]].rotation_deg)
    level = min(turned, 360 - turned) < settings.turned_max_deg
    shorter = min(first[2] - first[0], second[2] - second[0])
    return level and apart < settings.under_gap * height and wide > settings.under_share * shorter


def _words_of(piece: TextLine, words: Sequence[str], settings: BannerSettings) -> np.ndarray:
    """Corners of the part of a line that says the words of a banner: other writing runs into worn stamps."""
    text, places = fold(piece.text)
    found = [fuzz.partial_ratio_alignment(fold(word)[0], text) for word in words if says_caption(word, text)]
    spans = [(places[f.dest_start], places[f.dest_end - 1] + 1) for f in found if f and f.dest_end > f.dest_start]
    if not spans:
        return piece.corners
    if sorted(text) == sorted("".join(fold(word)[0] for word in words)):
        return _lettered(piece, settings)
    start, end = min(s for s, _ in spans), max(e for _, e in spans)
    stray = max(start, len(piece.text) - end)
    return cut_line(piece, start, end) if stray > 1 else piece.corners


def _lettered(piece: TextLine, settings: BannerSettings) -> np.ndarray:
    """Corners of a line of which every letter was read, without what else lies in it before and behind them."""
    centres = piece.reading.centres
    if len(centres) != len(piece.text) or len(centres) < 2:
        return piece.corners
    room = settings.letter_room * float(np.median(np.diff(centres)))
    low, high = centres[0] - room, centres[-1] + room
    return stretch(piece.corners, low if low > room / 2 else 0.0, high if 1 - high > room / 2 else 1.0)


def _banner(
    scan: Scan, group: Sequence[int], words: Sequence[str], pieces: Sequence[TextLine], settings: BannerSettings
) -> Stamp:
    members = sorted(group, key=lambda i: (pieces[i].box[1], pieces[i].box[0]))
    inside = [inked(scan, _words_of(pieces[i], words, settings)) for i in members]
    if len(members) > 1:
        inside = [row_of_letters(scan, pieces[i], box) or box for i, box in zip(members, inside, strict=True)]
    height = pieces[members[0]].height
    loose = padded(scan, union(*inside), height)
    box = framed(scan, loose)
    only = pieces[members[0]] if len(members) == 1 and box == loose else None
    alone = only and (
        row_of_letters(scan, only, inside[0]) or letters_within(scan, inside[0], sum(map(str.isalnum, only.text)))
    )
    if alone:
        inside, box = [alone], framed(scan, padded(scan, alone, alone[3] - alone[1]))
    return Stamp(
        box=box,
        confidence=round(float(np.mean([pieces[i].confidence for i in members])), 3),
        text=" / ".join(pieces[i].text for i in members),
        family="classification",
        rotation_deg=round(float(np.median([pieces[i].rotation_deg for i in members])), 1),
        struck=any(
            is_struck(scan, line)
            for line, i in zip(inside, members, strict=True)
            if not _is_small_print(pieces[i], settings)
        ),
        evidence={"words": list(words)},
    )
