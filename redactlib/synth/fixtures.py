"""The pages in ``fixtures/``: each named for the lesson that it teaches, and how to draw them all again."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .forms import FAMILIES
from .page import DrawnPage, Edit, Hiding, PageSpec, draw_page
from .stamping import Stamping

SEED_LIKE = PageSpec(
    layout="draft",
    heading=("Draft - March 3, 1961", "", "Dear Mr. Sorokin:"),
    body=(
        "We do not ask for a change in the regime of the strait, or wish others to ask for one, so long as the "
        "pilots are free to board all vessels; so long as the harbor dues remain at the rate agreed in the protocol; "
        "so long as your government honors the convention of the previous year.",
        "I am prepared to lift the embargo on tin when we have learned that the dredging of the inner channel has been "
        "stopped and that the survey ships have been withdrawn.",
        "The question of the island lighthouse is not open in the present context.  The keepers are there by decision "
        "of the commission.  The possibility of an agreement on fishing grounds might form part of the agenda for a "
        "later meeting of experts.",
        "Let me add a word.  If we use this moment and settle the matter of the pilots promptly, both of us can go on "
        "with our neighbors to the larger work that the conference has before it.",
    ),
    stamps=(
        Stamping(family="state-acdcmr", wording=0, at=(5.6, 9.6), angle_deg=1.5, values={"date": "1988-04-06"}),
        Stamping(family="state-fpc-cdr", wording=2, at=(7.3, 0.75), angle_deg=0.0, blank=True, clip_left_in=0.045),
    ),
    edits=(
        Edit(kind="hand-code", text="B5"),
        Edit(kind="bracket", phrase="so long as the"),
        Edit(kind="bracket", phrase="by decision"),
        Edit(kind="substitution", phrase="present", text="immediate"),
        Edit(kind="insertion", phrase="promptly,", text="and openly"),
        Edit(kind="strike", phrase="the larger"),
    ),
    severity=2,
)
"""A State Department draft of a letter: two reviewers' stamps, one filled in by hand, the other blank."""


def _stamped(*families: str, **keys: object) -> PageSpec:
    return PageSpec(stamps=tuple(Stamping(family=f) for f in families), **keys)  # type: ignore[arg-type]


def _words(style: str, code: str | None, count: int, **keys: object) -> tuple[Hiding, ...]:
    return tuple(Hiding(style=style, code=code, **keys) for _ in range(count))  # type: ignore[arg-type]


PAGES: dict[str, PageSpec] = {
    "state_draft_letter_two_stamps": SEED_LIKE,
    "cia_banner_outlined_boxes": _stamped(
        "cia-approved-for-release",
        layout="bulletin",
        severity=1,
        redactions=(*_words("outlined", "3.3(h)(2)", 3), Hiding(style="outlined", lines=5, code="3.5(c)")),
    ),
    "cia_sanitized_copy_white_gaps": _stamped(
        "cia-sanitized-release",
        layout="memo",
        severity=1,
        redactions=(*_words("whiteout", "25X1", 3, words=(3, 6)), Hiding(style="whiteout", lines=3, code="STAT")),
    ),
    "cia_no_objection_handwritten_date": _stamped(
        "cia-no-objection", "nara-docid-footer", layout="memo", edits=tuple(Edit(kind="bracket") for _ in range(5))
    ),
    "cia_historical_review_over_marker": _stamped(
        "cia-historical-review", "nara-docid-footer", layout="cable", redactions=_words("marker", None, 6)
    ),
    "cia_reviewer_stamp_tick_decides": PageSpec(
        layout="report", stamps=(Stamping(family="cia-hr70-2-review", wording=1),), severity=1
    ),
    "state_retained_is_no_release": PageSpec(
        layout="letter", stamps=(Stamping(family="state-fpc-hdr", wording=1),), severity=1
    ),
    "state_declassified_with_concurrence": PageSpec(
        layout="memo",
        stamps=(Stamping(family="state-fpc-hdr", wording=0), Stamping(family="cia-approved-for-release", wording=0)),
    ),
    "state_blank_stamp_is_no_event": PageSpec(
        layout="letter", stamps=(Stamping(family="state-acdcmr", wording=0, blank=True),), severity=1
    ),
    "state_excised_codes_by_hand": PageSpec(
        layout="letter",
        stamps=(Stamping(family="state-fpc-cdr", wording=0),),
        redactions=(*_words("cutout", "B1", 2, by_hand=True), Hiding(style="cutout", lines=2, code="B5", by_hand=True)),
    ),
    "state_foia_banner_boxes_with_codes": PageSpec(
        layout="cable",
        severity=1,
        stamps=(Stamping(family="state-foia-release", wording=1),),
        redactions=_words("outlined", "B6", 4, place="inside", words=(2, 5)),
    ),
    "state_systematic_review_line_gds_is_a_schedule": PageSpec(
        layout="cable",
        severity=1,
        stamps=(Stamping(family="state-systematic-review"),),
        heading=(
            "FM AMEMBASSY HALDEN",
            "TO SECSTATE WASHDC PRIORITY",
            "E.O. 11652: GDS",
            "TAGS: EFIS, PBOR",
            "SUBJ: FISHING RIGHTS",
        ),
    ),
    "state_no_objection_and_jfk_act": _stamped("state-no-objection", "state-jfk-act", "record-number", layout="memo"),
    "fbi_stamps_struck_and_live": PageSpec(
        layout="memo",
        stamps=(
            Stamping(family="fbi-classified-by", wording=0, struck=True),
            Stamping(family="fbi-declassified-by"),
            Stamping(family="fbi-all-information", wording=0),
            Stamping(family="admin", wording=1),
            Stamping(family="admin", wording=4),
        ),
        decoys=("routing-slip",),
        edits=(Edit(kind="signature"), Edit(kind="note"), Edit(kind="note")),
    ),
    "fbi_guide_outlined_codes_in_margin": _stamped(
        "fbi-declass-guide",
        layout="report",
        severity=1,
        redactions=(
            *_words("outlined", "b7C", 2),
            *_words("outlined", "b6", 2),
            Hiding(style="outlined", lines=4, code="b7D"),
        ),
    ),
    "fbi_solid_bars_heavy_wear": _stamped(
        "fbi-all-information",
        "admin",
        layout="letter",
        severity=3,
        redactions=(*_words("solid", "b7C", 3), Hiding(style="solid", lines=1, code="b7D")),
    ),
    "fbi_deleted_page_sheet": PageSpec(layout="deleted-page", severity=1),
    "jfk_banner_record_number": _stamped(
        "jfk-act-release-banner", "record-number", layout="cable", severity=3, redactions=_words("hatched", None, 2)
    ),
    "jfk_boxed_on_identification_form": _stamped("jfk-act-boxed", "nara-docid-footer", layout="rif", severity=1),
    "jfk_task_force_tick": PageSpec(
        layout="hearing",
        stamps=(Stamping(family="jfk-taskforce-review", wording=0), Stamping(family="ssci-or-committee", wording=0)),
        redactions=(*_words("marker", "(1)(B)", 3, by_hand=True), Hiding(style="marker", lines=4)),
    ),
    "struck_release_does_not_count": PageSpec(
        layout="memo",
        stamps=(
            Stamping(family="cia-historical-review", wording=2, struck=True, angle_deg=2),
            Stamping(family="cia-no-objection", wording=0, angle_deg=-1),
        ),
        severity=1,
        decoys=("bleed-through",),
    ),
    "army_regraded_struck_secret": PageSpec(
        layout="memo",
        stamps=(Stamping(family="army-review", wording=0), Stamping(family="classification", wording=1, struck=True)),
    ),
    "joint_staff_and_osd_no_objection": _stamped("joint-staff-no-objection", "osd-note", layout="memo"),
    "whs_in_full_band_date": PageSpec(
        layout="report",
        stamps=(
            Stamping(family="whs-declassified", wording=0),
            Stamping(family="classification", wording=0, struck=True),
        ),
    ),
    "nsa_codes_stacked_shaded": PageSpec(
        layout="report",
        severity=1,
        stamps=(Stamping(family="nsa-release", wording=0),),
        redactions=(*_words("shaded", "(b)(1)", 2), *_words("shaded", "(b)(3)-P.L. 86-36", 2)),
    ),
    "doe_cancelled_and_review_form": PageSpec(
        layout="memo",
        stamps=(Stamping(family="doe-review", wording=0), Stamping(family="doe-review", wording=1)),
        redactions=_words("textual", None, 3, words=(3, 6)),
    ),
    "iscap_decides_over_earlier_release": PageSpec(
        layout="memo",
        stamps=(
            Stamping(family="iscap"),
            Stamping(family="library-stamp", wording=1),
            Stamping(family="library-note", wording=0),
        ),
        severity=1,
        redactions=_words("outlined", "3.3(b)(1)", 2),
    ),
    "nara_slip_by_hand": PageSpec(
        layout="letter", stamps=(Stamping(family="nara-label", wording=0), Stamping(family="classification", wording=2))
    ),
    "nars_letter_date_is_a_decoy": _stamped(
        "nars-stamp", layout="letter", edits=(Edit(kind="underline"), Edit(kind="marginal"))
    ),
    "library_stamp_case_by_hand": PageSpec(
        layout="memo",
        stamps=(Stamping(family="library-stamp", wording=0), Stamping(family="library-stamp", wording=4)),
        severity=1,
    ),
    "library_sanitized_p_codes": PageSpec(
        layout="letter",
        stamps=(Stamping(family="library-stamp", wording=1),),
        redactions=_words("shaded", "P6/b(6)", 2, words=(3, 6)),
    ),
    "uscentcom_legend_solid": PageSpec(
        layout="report",
        severity=1,
        stamps=(Stamping(family="dow-legend"), Stamping(family="classification", wording=1, struck=True)),
        redactions=_words("solid", "1.4a", 4),
    ),
    "airforce_strip_without_date": PageSpec(
        layout="report", severity=3, stamps=(Stamping(family="other-release", wording=0),)
    ),
    "group_4_is_a_schedule": PageSpec(
        layout="memo",
        severity=1,
        stamps=(Stamping(family="other-release", wording=4), Stamping(family="classification", wording=2)),
    ),
    "oadr_declassify_on_is_a_schedule": PageSpec(layout="cable", stamps=(Stamping(family="other-release", wording=6),)),
    "draft_edits_heavy_wear": PageSpec(
        layout="draft",
        severity=3,
        fill=0.9,
        edits=(
            *(
                Edit(kind=k)
                for k in (
                    "bracket",
                    "long-bracket",
                    "struck-bracket",
                    "typed-bracket",
                    "strike",
                    "strike",
                    "substitution",
                    "insertion",
                    "insertion",
                    "underline",
                    "marginal",
                    "signature",
                )
            ),
        ),
    ),
    "withdrawal_notice": PageSpec(layout="withdrawal", severity=2),
    "letterhead_bar_table_photograph": PageSpec(
        layout="bulletin", fill=0.5, severity=1, decoys=("letterhead-bar", "photograph", "frame")
    ),
    "table_punch_holes_dark_edges": PageSpec(
        layout="report", fill=0.6, severity=3, decoys=("table", "punch-holes", "crosses")
    ),
    "clean_letter": PageSpec(layout="letter", severity=1, decoys=("seal",)),
    "clean_print": PageSpec(layout="print", severity=2),
    "clean_memo_heavy_wear": PageSpec(layout="memo", severity=3),
}

GREY = "library_sanitized_p_codes"
SEVERAL = ("group_4_is_a_schedule", "cia_sanitized_copy_white_gaps", "state_draft_letter_two_stamps")
"""Pages that also stand in files of other formats: a grey JPEG, and a TIFF and a PDF of three pages."""


def draw_fixtures(out: Path, *, fonts: Path | None) -> list[str]:
    """Draws all fixture pages with their truth into a folder; returns their names.

    Raises:
        ValueError: a family of stamps stands on none of the pages.
    """
    missing = set(FAMILIES) - {s.family for spec in PAGES.values() for s in spec.stamps}
    if missing:
        raise ValueError(f"no fixture page carries {', '.join(sorted(missing))}: give PAGES one")
    (out / "formats").mkdir(parents=True, exist_ok=True)
    pages: dict[str, DrawnPage] = {}
    for number, (name, spec) in enumerate(PAGES.items()):
        pages[name] = draw_page(spec, seed=1962 + number, dpi=200 if spec.severity == 3 else 300, fonts=fonts)
        pages[name].save(out, name)
    grey = pages[GREY]
    Image.fromarray(grey.image).resize((grey.image.shape[1] // 2, grey.image.shape[0] // 2), Image.Resampling.BOX).save(
        out / "formats" / "grey.jpg", quality=35, dpi=(grey.dpi / 2, grey.dpi / 2)
    )
    first, *rest = [
        Image.fromarray(np.where(pages[n].image > 127, 255, 0).astype(np.uint8)).convert("1") for n in SEVERAL
    ]
    first.save(
        out / "formats" / "three_pages.tiff", save_all=True, append_images=rest, compression="group4", dpi=(300, 300)
    )
    dates: dict[str, Any] = {"creationDate": time.gmtime(0), "modDate": time.gmtime(0)}  # the same file each time
    first.save(out / "formats" / "three_pages.pdf", save_all=True, append_images=rest, resolution=300, **dates)
    return list(pages)
