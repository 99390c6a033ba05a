"""What a hand made of a draft: insertions, strikes and bracketed passages, in reading order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from redactlib import marks as m


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One change that a hand made to the draft.

    Attributes:
        kind: ``insertion``, ``strike``, ``substitution`` (an insertion over a strike) or ``bracket``.
        before: what the draft said; `after`: what the hand made of it; ``None`` where it cannot be read.
        marks: ids of the marks on the page that it comes from.
        family: of a bracketed passage: what the brackets probably mean.
        between: of an insertion: the words of the draft before and behind its place, where they are known.
        until: page on which a bracketed passage closes that opens on this one; its last mark stands there.
    """

    page: int
    kind: str
    box: m.Box
    before: str | None
    after: str | None
    marks: tuple[str, ...]
    confidence: float
    family: str | None = None
    between: tuple[str | None, str | None] = (None, None)
    until: int | None = None


def marked_up(edits: Iterable[Edit]) -> str:
    """Edits as CriticMarkup, one a line: ``{++in++}``, ``{--out--}``, ``{~~out~>in~~}``, ``{==[bracketed]==}``.

    >>> one = dict(page=1, box=(0, 0, 9, 9), marks=("m1",), confidence=0.9)
    >>> print(marked_up([Edit(kind="substitution", before="shall", after="will", **one)]))
    p. 1: {~~shall~>will~~}
    >>> print(marked_up([Edit(kind="insertion", before=None, after="fully", between=("shall", "agree"), **one)]))
    p. 1: shall {++fully++} agree
    >>> print(marked_up([Edit(kind="bracket", before="the missiles", after="the missiles", until=2, **one)]))
    pp. 1-2: {==[the missiles]==}
    """
    forms = {"insertion": "{++%s++}", "strike": "{--%s--}", "substitution": "{~~%s~>%s~~}", "bracket": "{==[%s]==}"}
    rows = []
    for edit in edits:
        parts = {"insertion": (edit.after,), "substitution": (edit.before, edit.after)}.get(edit.kind, (edit.before,))
        change = forms[edit.kind] % tuple("…" if part is None else part for part in parts)
        where = f"pp. {edit.page}-{edit.until}" if edit.until else f"p. {edit.page}"
        rows.append(f"{where}: " + " ".join(filter(None, (edit.between[0], change, edit.between[1]))))
    return "\n".join(rows)


def over_pages(pages: Iterable[tuple[Sequence[m.Mark], Sequence[Edit]]]) -> list[Edit]:
    """The edits of a document; a passage that opens last on one page and closes first on the next is one edit.

    Args:
        pages: of each its marks and edits, as :func:`find_edits` gives them.
    """
    found: list[Edit] = []
    opened: Edit | None = None
    for marks, edits in pages:
        sides = {mark.id: mark.side for mark in marks if isinstance(mark, m.Bracket)}
        passages = [edit for edit in edits if edit.kind == "bracket"]
        closes = bool(passages) and [sides[i] for i in passages[0].marks] == ["close"]
        for edit in edits:
            if opened and closes and edit is passages[0] and edit.page == opened.page + 1:
                words = " ".join(filter(None, (opened.before, edit.before))) or None
                chance = min(opened.confidence, edit.confidence)
                whole = replace(opened, before=words, after=words, marks=opened.marks + edit.marks, until=edit.page)
                found[found.index(opened)] = replace(whole, confidence=chance)
            else:
                found.append(edit)
        opens = bool(passages) and [sides[i] for i in passages[-1].marks] == ["open"]
        opened = passages[-1] if opens else None
    return found


def find_edits(marks: Sequence[m.Mark], *, page: int, dpi: float) -> list[Edit]:
    """The edits of one page in reading order; an insertion whose anchor lies in a strike replaces what is struck.

    A bracket that opens on the page before or closes on the next one gives the words up to the edge of this page;
    :func:`over_pages` joins them.
    """
    strikes = [mark for mark in marks if isinstance(mark, m.Handwriting) and mark.role == "strike"]
    inserted = [mark for mark in marks if isinstance(mark, m.Handwriting) and mark.role == "insertion"]
    carets = {mark.anchor: mark for mark in inserted if mark.evidence.get("caret")}
    found = []
    for mark in inserted:
        if mark not in carets.values():
            over = next((s for s in strikes if mark.anchor and _inside(mark.anchor, s.box)), None)
            strikes = [s for s in strikes if s is not over]
            parts = tuple(part for part in (over, carets.get(mark.anchor), mark) if part)
            kind = "substitution" if over else "insertion"
            found.append((mark.anchor, _edit(page, kind, parts, over.struck_text if over else None, mark.text)))
    found += [(None, _edit(page, "strike", (strike,), strike.struck_text, None)) for strike in strikes]
    brackets = {mark.id: mark for mark in marks if isinstance(mark, m.Bracket) and not mark.struck}
    for bracket in brackets.values():
        partner = brackets.get(bracket.pair or "")
        if bracket.side == "open" or not partner:
            text = bracket.text if partner else bracket.evidence.get("to_the_edge")
            pair = (bracket, partner) if partner else (bracket,)
            found.append((None, _edit(page, "bracket", pair, text, text)))
    # lines of typescript stand 1/6 inch apart: places within half of that are on one line
    ordered = sorted(found, key=lambda pair: _place(pair[1].box, pair[0], dpi))
    return [edit for _, edit in ordered]


def _place(box: m.Box, anchor: m.Point | None, dpi: float) -> tuple[int, int]:
    """Where an edit stands in the order of reading: an insertion in the line under it."""
    x, y = anchor or (box[0], min((box[1] + box[3]) // 2, box[1] + round(dpi / 12)))
    return round(y / dpi * 6), x


def _edit(page: int, kind: str, parts: Sequence[m.Mark], before: str | None, after: str | None) -> Edit:
    last = parts[-1]
    between = (
        (last.evidence.get("before"), last.evidence.get("behind")) if kind in ("insertion", "substitution") else ()
    )
    return Edit(
        page=page,
        kind=kind,
        box=m.union(*(part.box for part in parts)),
        before=before,
        after=after,
        marks=tuple(part.id for part in parts),
        confidence=min(part.confidence for part in parts),
        family=parts[0].family if isinstance(parts[0], m.Bracket) else None,
        between=between or (None, None),
    )


def _inside(point: m.Point, box: m.Box) -> bool:
    return box[0] <= point[0] < box[2] and box[1] <= point[1] < box[3]
