"""Stamped words that were not found as text: proposed by their shape, and asked what they say.

A text detector trained on clean print passes over a stamp that came off in dots, or that a pen runs through. The
lettering model (:mod:`redactlib.detect.spotting`) sees where one may stand and which level it looks like; the
recogniser is then asked how probable a level is. The surer the one, the less is asked of the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz import fuzz

from redactlib.catalogue.banners import STAMPED_CONTROLS, STAMPED_LEVELS, banner_words
from redactlib.catalogue.markings import fold
from redactlib.detect.banner import field_values, is_field
from redactlib.detect.outline import framed, padded, tight, uncovered
from redactlib.detect.spotting import Spot
from redactlib.detect.strike import is_struck
from redactlib.marks import DECISIVE, Box, Stamp, area, intersection, iou, union
from redactlib.reading import Reader, Reading, TextLine, crop_line, likeliest_of, text_line
from redactlib.scan import Scan

LEVELS = (*STAMPED_LEVELS, "UNCLASSIFIED")
"""Levels that large lettering is asked for; it must nearly spell one, so DECLASSIFIED is not taken for the last."""


@dataclass(frozen=True)
class LetteringSettings:
    """How sure a stamped word must be. Floors were set on the half of the documents that the model did not see."""

    margins: tuple[float, ...] = (0.0, 0.15)  # of the height, around the word; it is read with and without
    maybe_max: float = 3.4  # nats a letter by which a level may be less probable than the quick reader's guess
    said_max: float = 0.5  # than the careful reader's, however the word looks,
    said_by_heat: float = 2.0  # and more by how much it looks like one
    alike_min: float = 0.5  # letters that the guess must share with a level
    hot: float = 0.5  # that it does not look like: below this heat
    looks_min: float = 0.45  # heat of a word that is not read,
    looks_by_odds: float = 0.04  # and more by how much less probable it is than what was: that says something else
    looks_alone: float = 0.7  # heat of one where the reader gives no probabilities
    twice_min: float = 0.7  # heat of a level stamped twice, one impression over the other,
    twice_max: float = 0.6  # and the share that they have in common
    covered_min: float = 0.35  # of a word under a release line, which is what would be read: `hot` suffices there
    repeated_min: float = 0.3  # or this, where the other end of the page says the same level,
    edge: float = 0.1  # of the page's height, where levels are repeated
    apart_max: float = 0.3  # of a word less hot than `hot`, that lies on another banner: letters of it were read
    sure: float = 0.9  # confidence of a banner whose box is left as it is,
    plain: float = 0.85  # unless a word in it is so hot
    loose_min: float = 1.4  # and the banner's box so much larger: it is drawn anew
    line_heat_min: float = 0.3  # of dates and serial numbers that are read
    date_heat_min: float = 0.65  # of those that need not be read: surer ones were all true
    serial_heat_min: float = 0.6
    group_heat_min: float = 0.4  # of a GROUP box with its frame,
    group_sure: float = 0.7  # and of one whose frame is broken
    read_min: float = 0.9  # confidence of lines that were read well
    read_share: float = 0.4  # of a word, covered by such a line
    stamp_share: float = 0.8  # of a word as hot as `hot`, that must lie in a stamp to be one of its own
    longer_min: float = 1.25  # a line so much longer than a word says more than that,
    within_min: float = 0.6  # and holds it if so much of the word lies in there


def with_worn_levels(
    scan: Scan,
    spots: Sequence[Spot],
    pieces: Sequence[TextLine],
    stamps: Sequence[Stamp],
    banners: Sequence[Stamp],
    reader: Reader,
    *,
    settings: LetteringSettings = LetteringSettings(),
) -> list[Stamp]:
    """Banners, and the classification levels in lettering that was not found as text.

    Args:
        scan: the page, upright.
        spots: stamped words proposed.
        pieces: the page's lines; a word of a longer one that was read well is prose, or the field of a form.
        stamps, banners: what was found; a caption close under a worn level becomes part of it.
        reader: says how probable a level is.
    """
    covers = [s.box for s in stamps if s.decision in DECISIVE and s.box[2] - s.box[0] > 4 * (s.box[3] - s.box[1])]
    solid = [s.box for s in stamps if s.box not in covers]
    typed = [
        p.box
        for p in pieces
        if p.confidence >= settings.read_min
        and (is_field(p) or not banner_words(p.text))
        and not any(_overlap(p.box, cover) for cover in covers)
    ]
    fields = field_values(scan, pieces)
    fresh = [
        spot
        for spot in spots
        if spot.kind != "group"
        and not any(_is_word_of(spot.box, line, settings) for line in typed)
        and not any(_overlap(spot.box, pieces[i].box) for i in fields)
        and not any(_is_of(spot, box, settings) for box in solid)
        and not any(
            _is_on(spot, b, settings)
            and not (
                _is_loose(b, spot, settings) or _completes(spot, b, settings) or _is_second(spot, b, spots, settings)
            )
            for b in banners
        )
    ]
    rest = list(banners)
    repeated = [_said_across(scan, spot, banners, settings) for spot in fresh]
    for spot, (odds, level) in zip(fresh, _levels(scan, fresh, covers, repeated, reader, settings), strict=True):
        loose = [b for b in rest if _overlap(spot.box, b.box) and not _is_second(spot, b, spots, settings)]
        if not level or any(b.evidence["words"] != [level] and not _completes(spot, b, settings) for b in loose):
            continue
        captions = [b for b in rest if not set(LEVELS) & set(b.evidence["words"]) and _close(spot.box, b.box)]
        box = uncovered(scan, tight(scan, spot.box), covers)
        rest = [b for b in rest if b not in (*captions, *loose)]
        rest.append(_stamp(scan, odds, level, spot, box, captions))
    return rest


def _is_word_of(word: Box, line: Box, settings: LetteringSettings) -> bool:
    longer = line[2] - line[0] > settings.longer_min * (word[2] - word[0])
    return longer and intersection(word, line) > settings.within_min * area(word)


def _is_on(spot: Spot, banner: Stamp, settings: LetteringSettings) -> bool:
    """Whether a word lies on a banner; one that looks little like a word need not do so with most of it."""
    share = 0.5 if spot.heat >= settings.hot else settings.apart_max
    return intersection(spot.box, banner.box) > share * min(area(spot.box), area(banner.box))


def _is_of(spot: Spot, stamp: Box, settings: LetteringSettings) -> bool:
    """Whether a word is one of a stamp's own; a plain one that reaches out of it was stamped over it."""
    inside = intersection(spot.box, stamp)
    if spot.heat >= settings.hot and inside < settings.stamp_share * area(spot.box):
        return inside > 0.5 * area(stamp)
    return _overlap(spot.box, stamp)


def _completes(spot: Spot, banner: Stamp, settings: LetteringSettings) -> bool:
    """Whether a word looks like a level of which a banner says the end: TOP SECRET of which SECRET was read."""
    words = banner.evidence["words"]
    shorter = len(words) == 1 and spot.kind != words[0] and spot.kind.endswith(words[0])
    return shorter and spot.heat >= settings.hot and area(spot.box) >= settings.loose_min * area(banner.box)


def _is_second(spot: Spot, banner: Stamp, spots: Sequence[Spot], settings: LetteringSettings) -> bool:
    """Whether a plain word on a banner is that level stamped once more: the banner is another word's."""
    alike = [other for other in spots if other is not spot and other.kind == spot.kind and other.heat >= settings.hot]
    closer = any(
        iou(other.box, banner.box) > max(0.5, iou(spot.box, banner.box))
        and intersection(other.box, spot.box) < settings.twice_max * min(area(other.box), area(spot.box))
        for other in alike
    )
    return closer and spot.heat >= settings.twice_min and [spot.kind] == banner.evidence["words"]


def _said_across(scan: Scan, spot: Spot, banners: Sequence[Stamp], settings: LetteringSettings) -> bool:
    """Whether a word at the head or foot of the page looks like the level that the other end says."""
    at_head, at_foot = spot.box[3] < settings.edge * scan.height, spot.box[1] > (1 - settings.edge) * scan.height
    middle = scan.height / 2
    across = [b for b in banners if (at_head and b.box[1] > middle) or (at_foot and b.box[3] < middle)]
    return any(spot.kind in b.evidence["words"] for b in across)


def _is_loose(banner: Stamp, spot: Spot, settings: LetteringSettings) -> bool:
    """Whether a banner was read with doubt and is boxed much larger than the level in it."""
    doubtful = banner.confidence < settings.sure or spot.heat >= settings.plain
    return doubtful and area(banner.box) >= settings.loose_min * area(spot.box)


def read_spots(
    scan: Scan,
    spots: Sequence[Spot],
    pieces: Sequence[TextLine],
    reader: Reader,
    *,
    settings: LetteringSettings = LetteringSettings(),
) -> list[TextLine]:
    """Dates and serial numbers among the words proposed that were not read, as lines; upside down where that says more.

    Args:
        pieces: the page's lines; what lies under one that was read well is left out.
    """
    known = [p.box for p in pieces if p.confidence >= settings.read_min]
    fresh = [
        spot.corners
        for spot in spots
        if spot.kind in ("date", "serial")
        and spot.heat >= settings.line_heat_min
        and sum(intersection(spot.box, box) for box in known) < settings.read_share * area(spot.box)
    ]
    ways = [c for corners in fresh for c in (corners, np.roll(corners, 2, axis=0))]
    readings = reader.read([crop_line(scan.grey, c, pad=settings.margins[-1]) for c in ways], careful=True)
    lines = [text_line(c, r) for c, r in zip(ways, readings, strict=True)]
    best = [max(pair, key=lambda line: line.confidence) for pair in zip(lines[::2], lines[1::2], strict=True)]
    return [line for line in best if line.text.strip()]


def unread_stamps(
    scan: Scan, spots: Sequence[Spot], stamps: Sequence[Stamp], *, settings: LetteringSettings = LetteringSettings()
) -> list[Stamp]:
    """Dates, serial numbers and GROUP boxes that surely look like one and of which nothing was read."""
    floors = {"date": settings.date_heat_min, "serial": settings.serial_heat_min, "group": settings.group_heat_min}
    return [
        Stamp(
            box=_frame(scan, spot.box) if spot.kind == "group" else padded(scan, tight(scan, spot.box), _height(spot)),
            confidence=round(0.9 * spot.heat, 3),
            text="GROUP 1" if spot.kind == "group" else "",
            family="other-release" if spot.kind == "group" else "admin",
            decision="schedule" if spot.kind == "group" else "none",
            evidence={"because": f"lettering: looks like a {spot.kind} at {spot.heat:.2f}"},
        )
        for spot in spots
        if spot.heat >= floors.get(spot.kind, float("inf"))
        and not any(_overlap(spot.box, s.box) for s in stamps)
        and (spot.kind != "group" or spot.heat >= settings.group_sure or _frame(scan, spot.box) != spot.box)
    ]


def _frame(scan: Scan, box: Box) -> Box:
    """The frame that stands about where a box does; the box where none does."""
    wide, high = (box[2] - box[0]) // 5, (box[3] - box[1]) // 5
    frame = framed(scan, (box[0] + wide, box[1] + high, box[2] - wide, box[3] - high))
    return frame if iou(frame, box) > 0.6 else box


def _height(spot: Spot) -> float:
    return float(np.linalg.norm(spot.corners[3] - spot.corners[0]))


def _levels(
    scan: Scan,
    spots: Sequence[Spot],
    covers: Sequence[Box],
    repeated: Sequence[bool],
    reader: Reader,
    settings: LetteringSettings,
) -> list[tuple[float, str]]:
    """For each word the level that it says, empty where it says none, and how much less likely that is, in nats."""
    quick = reader.read([crop_line(scan.grey, spot.corners, pad=settings.margins[-1]) for spot in spots])
    likely = [
        i
        for i, (spot, reading) in enumerate(zip(spots, quick, strict=True))
        if spot.heat >= (settings.repeated_min if repeated[i] else settings.hot)
        or _likeliest(reading, _WORDS)[0] < settings.maybe_max
    ]
    crops = [crop_line(scan.grey, spots[i].corners, pad=margin) for i in likely for margin in settings.margins]
    readings = reader.read(crops, careful=True)
    step = len(settings.margins)
    said = {}
    for k, i in enumerate(likely):
        covered = sum(intersection(spots[i].box, c) for c in covers) >= settings.covered_min * area(spots[i].box)
        floor = (settings.repeated_min if repeated[i] else settings.hot) if covered else None
        said[i] = _said(spots[i], readings[step * k : step * k + step], floor, settings)
    return [said.get(i, (float("inf"), "")) for i in range(len(spots))]


_WORDS = (*LEVELS, *STAMPED_CONTROLS)


def _said(
    spot: Spot, readings: Sequence[Reading], floor: float | None, settings: LetteringSettings
) -> tuple[float, str]:
    """The level that a word says, or that it surely looks like: from a heat of `floor`, if given, whatever was read."""
    odds, level = min(_likeliest(reading, _WORDS) for reading in readings)
    alike = max(fuzz.ratio(fold(level)[0], fold(reading.text)[0]) for reading in readings) / 100 if level else 0.0
    hot, odds_max = spot.heat >= settings.hot, settings.said_max + settings.said_by_heat * spot.heat
    if hot and spot.kind in LEVELS and odds <= odds_max:
        own = min(_likeliest(reading, (spot.kind,))[0] for reading in readings)
        odds, level = (own, spot.kind) if own <= odds_max else (odds, level)
    if odds <= odds_max and (hot or alike >= settings.alike_min):
        return odds, level
    if floor is None:
        known = np.isfinite(odds)
        floor = settings.looks_min + settings.looks_by_odds * odds if known else settings.looks_alone
    return odds, spot.kind if spot.kind in LEVELS and spot.heat >= floor else ""


def _likeliest(reading: Reading, words: Sequence[str]) -> tuple[float, str]:
    """The likeliest of some words, and by how many nats a letter it is less probable than the best guess."""
    if reading.lattice is None or not len(reading.lattice):
        return float("inf"), ""
    return likeliest_of(reading.lattice, words)


def _overlap(a: Box, b: Box) -> bool:
    return intersection(a, b) > 0.5 * min(area(a), area(b))


def _close(level: Box, caption: Box) -> bool:
    """Whether a caption stands close under or over a level."""
    tall = min(level[3] - level[1], caption[3] - caption[1])
    shared = min(level[2], caption[2]) - max(level[0], caption[0])
    apart = max(level[1], caption[1]) - min(level[3], caption[3])
    return apart < 0.6 * tall and shared > 0.5 * min(level[2] - level[0], caption[2] - caption[0])


def _stamp(scan: Scan, odds: float, level: str, spot: Spot, box: Box, captions: Sequence[Stamp]) -> Stamp:
    return Stamp(
        box=union(padded(scan, box, box[3] - box[1]), *(c.box for c in captions)),
        confidence=round(0.9 * max(spot.heat, float(np.exp(-max(0.0, odds)))), 3),
        text=" / ".join([level, *(c.text for c in captions)]),
        family="classification",
        struck=is_struck(scan, tight(scan, spot.box)) or any(c.struck for c in captions),
        evidence={
            "words": [level, *(w for c in captions for w in c.evidence["words"])],
            "because": f"worn lettering: looks so at {spot.heat:.2f}, {odds:.2f} nats a letter from the best guess",
        },
    )
