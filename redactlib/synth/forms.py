# ruff: noqa: E501 - a legend stands in one string, so that it can be found by searching for it
"""The stamps, labels and release lines that a drawn page can carry: one row a wording, and the one function that sets them.

A line of a form is plain text with fields: ``{date}`` is printed, ``{date_}`` filled in by hand on a blank, ``{date#}``
set with a band dater, ``[ ]`` and ``[x]`` are tick boxes. Wordings follow the archives' own catalogue of markings.
"""

from __future__ import annotations

import datetime
import re
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np

from .canvas import Canvas
from .fonts import Fonts
from .pen import Hand
from .wording import MONTHS, initials, person


@dataclass(frozen=True, kw_only=True)
class Form:
    """One wording of a stamp.

    Attributes:
        date: how its date is written (``Y`` year, ``y`` two figures, ``m d`` figures, ``0m 0d`` padded, ``MON`` ``Mon``
            ``Month`` names); empty where it has none.
        years: when this wording was in use; the date falls in it.
        case: shape of the case number, ``#`` a figure and ``@`` a capital letter.
        place: ``head``, ``foot``, ``band`` (head and foot), ``corner``, ``side`` (margin, turned), ``body``.
        look: ``rubber`` (uneven ink), ``digital`` (laid over the scan), ``slip`` (white paper on the page).
        frame: chance of a border.
        typed: set by typewriter in place of a stamp.
    """

    family: str
    decision: str
    agency: str | None
    lines: tuple[str, ...]
    date: str = ""
    years: tuple[int, int] = (1975, 2005)
    case: str = ""
    legal: str | None = None
    place: str = "body"
    look: str = "rubber"
    size_pt: tuple[float, float] = (9.0, 12.0)
    bold: bool = True
    frame: float = 0.0
    centred: bool = False
    typed: bool = False


def _rows(family: str, decision: str, agency: str | None, *wordings: str, **keys: Any) -> tuple[Form, ...]:
    return tuple(
        Form(family=family, decision=decision, agency=agency, lines=tuple(w.split(" / ")), **keys) for w in wordings
    )


_CREST = "CIA-RDP##@#####R000#000#00##-#"
_BANNER: dict[str, Any] = {"place": "band", "look": "digital", "size_pt": (9.0, 11.0), "bold": False}
_STATE: dict[str, Any] = {"frame": 0.8, "size_pt": (8.0, 9.5), "bold": False}

FORMS: tuple[Form, ...] = (
    *_rows("cia-approved-for-release", "released", "CIA", "Approved for Release: {date} {case}", date="Y/0m/0d",
           years=(2010, 2021), case="C0#######", **_BANNER),
    *_rows("cia-approved-for-release", "released", "CIA", "Approved For Release {date} : {case}", date="Y/0m/0d",
           years=(1999, 2012), case=_CREST, **_BANNER),
    *_rows("cia-approved-for-release", "released", "CIA", "APPROVED FOR RELEASE: {date} {case}", date="0m/0d/Y",
           years=(2000, 2005), case="CIA-RDP86-00513R00092862001#-#", **_BANNER),
    *_rows("cia-approved-for-release", "released", "CIA", "APPROVED FOR RELEASE / DATE: {date_}", date="Mon Y",
           years=(1998, 2009)),
    *_rows("cia-historical-review", "released_in_part", "CIA",
           "APPROVED FOR RELEASE {year} / CIA HISTORICAL REVIEW PROGRAM / AS SANITIZED / {by_} {date_}",
           date="m/d/y", years=(1992, 1999), frame=0.3),
    *_rows("cia-historical-review", "sanitized", "CIA", "CIA HISTORICAL REVIEW PROGRAM / RELEASE AS SANITIZED / {date#}",
           date="m/d/y", years=(1992, 1999), frame=0.3),
    *_rows("cia-historical-review", "released", "CIA", "CIA HISTORICAL REVIEW PROGRAM / RELEASE IN FULL / {date}",
           date="Y", years=(1992, 2000), frame=0.9, centred=True),
    *_rows("cia-historical-review", "released", "CIA",
           "APPROVED FOR RELEASE / HISTORICAL COLLECTIONS DIVISION / HR70-14 / DATE: {date}", date="0m-0d-Y",
           years=(2009, 2014), frame=0.5),
    *_rows("cia-no-objection", "no_objection", "CIA",
           "CIA HAS NO OBJECTION TO / DECLASSIFICATION AND/OR / RELEASE OF CIA INFORMATION / IN THIS DOCUMENT. / {by_} {date_}",
           "CIA HAS NO OBJECTION TO / DECLASSIFICATION AND/OR, / RELEASE OF CIA INFORMATION / IN THIS DOCUMENT / AS SANITIZED {by_} {date_}",
           date="m/d/y", years=(1993, 1999), size_pt=(9.0, 11.0)),
    *_rows("cia-hr70-2-review", "reviewed", "CIA",
           "DOCUMENT NO. {num_} / NO CHANGE IN CLASS. [x] / [ ] DECLASSIFIED / CLASS. CHANGED TO:  TS  S  C / NEXT REVIEW DATE: {next_} / AUTH: HR 70-2 / DATE: {date_} REVIEWER: {num_}",
           date="d Mon y", years=(1976, 1983), frame=0.5, size_pt=(7.5, 9.0)),
    *_rows("cia-hr70-2-review", "declassified", "CIA",
           "DOCUMENT NO. {num_} / NO CHANGE IN CLASS. [ ] / [x] DECLASSIFIED / CLASS. CHANGED TO:  TS  S  C / NEXT REVIEW DATE: {next_} / AUTH: HR 70-2 / DATE: {date_} REVIEWER: {num_}",
           date="m/d/y", years=(1976, 1983), frame=0.5, size_pt=(7.5, 9.0)),
    *_rows("cia-sanitized-release", "released_in_part", "CIA", "Sanitized Copy Approved for Release {date} : {case}",
           "Declassified in Part - Sanitized Copy Approved for Release {date} : {case}", date="Y/0m/0d",
           years=(2005, 2014), case=_CREST, **_BANNER),
    *_rows("state-acdcmr", "declassified", "State",
           "DEPARTMENT OF STATE   A/CDC/MR / REVIEWED BY {by_} DATE {date_} / [x] RELEASE    [x] DECLASSIFY / [ ] EXCISE     [ ] DECLASSIFY in PART / [ ] DENY       [ ] Non-responsive info. / FOI, EO or PA exemptions {blank_} / TS authority to: / [ ] CLASSIFY as {blank_}, OADR / [ ] DOWNGRADE TS to [ ] S or [ ] C, OADR",
           date="m-d-y", years=(1984, 1990), **_STATE),
    *_rows("state-acdcmr", "released_in_part", "State",
           "DEPARTMENT OF STATE   A/CDC/MR / REVIEWED BY {by_} DATE {date_} / [ ] RELEASE    [ ] DECLASSIFY / [x] EXCISE     [x] DECLASSIFY in PART / [ ] DENY       [ ] Non-responsive info. / FOI, EO or PA exemptions {code_} / TS authority to: / [ ] CLASSIFY as {blank_}, OADR",
           date="m/d/y", years=(1984, 1990), **_STATE),
    *_rows("state-acdcmr", "declassified", "State",
           "DEPARTMENT OF STATE   A/CDC/MR / REVIEWED BY {by_} DATE {date_} / RDS [ ] or XDS [ ] EXT. DATE {blank_} / TS AUTH. {blank_} REASON(S) {blank_} / ENDORSE EXISTING MARKINGS [ ] / DECLASSIFIED [x] RELEASABLE [x] / RELEASE DENIED [ ] / PA or FOI EXEMPTIONS {blank_}",
           date="m/d/y", years=(1979, 1985), **_STATE),
    *_rows("state-fpc-cdr", "released_in_part", "State",
           "DEPARTMENT OF STATE   IS/FPC/CDR / {by_}  Date: {date_} / [ ] RELEASE    [ ] DECLASSIFY / [x] EXCISE    [x] DECLASSIFY in PART / [ ] DENY / [ ] DELETE Non-Responsive Info / FOIA Exemptions {code_} / PA Exemptions {blank_} / MR Cases Only: / EO Citations {blank_} / TS authority to: / [ ] CLASSIFY as [ ] S or [ ] C, OADR / [ ] DOWNGRADE TS to [ ] S or [ ] C, OADR",
           date="m/d/y", years=(1989, 1998), **_STATE),
    *_rows("state-fpc-cdr", "declassified", "State",
           "DEPARTMENT OF STATE   IS/FPC/CDR / {by_}  Date: {date_} / [x] RELEASE    [x] DECLASSIFY / [ ] EXCISE    [ ] DECLASSIFY in PART / [ ] DENY / FOIA Exemptions {blank_} / TS authority to: / [ ] CLASSIFY as [ ] S or [ ] C, OADR / [ ] DOWNGRADE TS to [ ] S or [ ] C, OADR",
           date="m-d-y", years=(1989, 1998), **_STATE),
    *_rows("state-fpc-cdr", "reviewed", "State",
           "DEPARTMENT OF / STATE / IS/FPC/CDR / Date: {date_} / TS authority to: / {blank_}",
           date="m/d/y", years=(1989, 1998), **{**_STATE, "bold": True, "frame": 1.0}),
    *_rows("state-fpc-hdr", "declassified", "State",
           "DEPARTMENT OF STATE / [ ] Retain class'n [ ] Change/classify to {blank_} / [x] With concurrence of {office_} / [x] Declassify [ ] In part and excise as shown / EO 12356, Sec. 1.3 (a)(   ) / FPC/HDR by {by_} {date_}",
           date="m/d/y", years=(1990, 1996), legal="EO 12356, Sec. 1.3", **_STATE),
    *_rows("state-fpc-hdr", "retained", "State",
           "DEPARTMENT OF STATE / [x] Retain class'n [ ] Change/classify to {blank_} / [ ] With concurrence of {blank_} / [ ] Declassify [ ] In part and excise as shown / EO 12356, Sec. 1.3 (a)( 5 ) / FPC/HDR by {by_} {date_}",
           date="m/d/y", years=(1990, 1996), legal="EO 12356, Sec. 1.3", **_STATE),
    *_rows("state-jfk-act", "no_objection", "State",
           "DEPARTMENT OF STATE / JFK ACT REVIEW / NO OBJECTION TO RELEASE / OF STATE INFORMATION / BY {by_} DATE {date_}",
           "DEPT. OF STATE HAS NO OBJECTION / TO RELEASE IN FULL UNDER / THE JFK ACT OF 1992 / {by_}  {date_}",
           date="m/d/y", years=(1993, 1998), legal="JFK Act", frame=0.5),
    *_rows("state-no-objection", "no_objection", "State",
           "DEPARTMENT OF STATE HAS NO OBJECTION / TO DECLASSIFICATION AND RELEASE / OF THIS DOCUMENT / {by_}  DATE {date_}",
           date="m/d/y", years=(1985, 2000), frame=0.3),
    *_rows("state-foia-release", "released_in_part", "State",
           "RELEASED IN PART  {code} / UNITED STATES DEPARTMENT OF STATE / REVIEW AUTHORITY: {NAME} / DATE/CASE ID: {date} {case}",
           date="0d MON Y", years=(2001, 2010), case="200######", place="head", look="digital", size_pt=(9, 11)),
    *_rows("state-foia-release", "released", "State",
           "UNCLASSIFIED   U.S. Department of State   Case No. {case}   Doc No. {doc}   Date: {date}",
           date="0m/0d/Y", years=(2014, 2020), case="F-2014-#####", **_BANNER),
    *_rows("state-systematic-review", "declassified", "State",
           "{Name} Declassified/Released US Department of State EO Systematic Review {date}", date="0d MON Y",
           years=(2005, 2014), **{**_BANNER, "size_pt": (8.0, 9.0)}),
    *_rows("fbi-all-information", "released_in_part", "FBI",
           "ALL INFORMATION CONTAINED / HEREIN IS UNCLASSIFIED EXCEPT / WHERE SHOWN OTHERWISE / DATE {date_} BY {agent_}",
           "ALL INFORMATION CONTAINED / HEREIN IS UNCLASSIFIED / EXCEPT WHERE SHOWN / OTHERWISE / DATE {date_} BY {agent_}",
           date="m/d/y", years=(1976, 1999), size_pt=(9, 11)),
    *_rows("fbi-all-information", "declassified", "FBI",
           "ALL INFORMATION CONTAINED / HEREIN IS UNCLASSIFIED / DATE {date_} BY {agent_}", date="m-d-y", years=(1976, 1999)),
    *_rows("fbi-all-information", "declassified", "FBI",
           "ALL INFORMATION CONTAINED / HEREIN IS UNCLASSIFIED / DATE {date} BY 60324 uc baw/sab/lsg", date="0m-0d-Y",
           years=(2002, 2015), look="digital", bold=False),
    *_rows("fbi-classified-by", "classified", "FBI", "{date_} / Classified by {agent_} / Declassify on: OADR",
           date="m/d/y", years=(1982, 1995)),
    *_rows("fbi-classified-by", "classified", "FBI", "CLASSIFIED BY {agent_} / REASON: {reason} / DECLASSIFY ON: X1 / {date_}",
           date="m/d/y", years=(1995, 2002)),
    *_rows("fbi-classified-by", "classified", "FBI",
           "Classified by {num_} / Exempt from GDS, Category 2, 3 / Date of Declassification Indefinite"),
    *_rows("fbi-declassified-by", "declassified", "FBI", "DECLASSIFIED BY {agent_} / ON {date_}", date="m/d/y",
           years=(1978, 1999)),
    *_rows("fbi-declass-guide", "declassified", "FBI",
           "DECLASSIFICATION AUTHORITY FROM: / FBI AUTOMATIC DECLASSIFICATION GUIDE / DATE {date} BY: F54M93K42 / FBI INFORMATION ONLY",
           "DECLASSIFICATION AUTHORITY DERIVED FROM: / FBI AUTOMATIC DECLASSIFICATION GUIDE / DATE {date} BY: J18J25T90",
           date="0m-0d-Y", years=(2008, 2023), look="digital", size_pt=(9, 10), bold=False,
           legal="FBI Automatic Declassification Guide"),
    *_rows("jfk-act-release-banner", "released", "NARA",
           "{date} RELEASE UNDER THE PRESIDENT JOHN F. KENNEDY ASSASSINATION RECORDS ACT OF 1992", date="Y", legal="JFK Act",
           **{**_BANNER, "years": (2017, 2023), "place": "head", "frame": 0.7}),
    *_rows("jfk-act-boxed", "released", "NARA",
           "Released under the John F. Kennedy / Assassination Records Collection Act of / 1992 (44 USC 2107 Note). Case#:{case} / Date: {date}",
           date="0m-0d-Y", years=(2017, 2023), case="NW #####", legal="JFK Act (44 USC 2107 Note)", frame=1.0,
           look="digital", size_pt=(8, 9), bold=False),
    *_rows("jfk-taskforce-review", "released", "FBI",
           "REVIEWED BY FBI/JFK TASK FORCE / ON {date_} {by_} / [x] RELEASE IN FULL / [ ] RELEASE IN PART / [ ] TOTAL DENIAL",
           date="m/d/y", years=(1994, 1999), frame=0.4),
    *_rows("jfk-taskforce-review", "released_in_part", "CIA",
           "REVIEWED BY / CIA JFK TASK FORCE / ON {date_} {by_} / [ ] RELEASE IN FULL / [x] RELEASE IN PART / [ ] TOTAL DENIAL",
           date="m/d/y", years=(1994, 1999), frame=0.4),
    *_rows("jfk-taskforce-review", "denied", "FBI",
           "REVIEWED BY FBI/JFK TASK FORCE / ON {date_} {by_} / [ ] RELEASE IN FULL / [ ] RELEASE IN PART / [x] TOTAL DENIAL",
           date="m/d/y", years=(1994, 1999), frame=0.4),
    *_rows("army-review", "declassified", "Army",
           "REGRADED UNCLASSIFIED ON {date} / BY CDR USAINSCOM FOI/PO / AUTH PARA 1-603 DOD 5200.1R",
           date="0d MON Y", years=(1980, 1999), legal="DOD 5200.1R"),
    *_rows("army-review", "no_objection", "Army",
           "DEPARTMENT OF THE ARMY HAS / NO OBJECTION TO RELEASE / OF ARMY INFORMATION / {by_}  {date_}", date="m/d/y",
           years=(1993, 1999)),
    *_rows("joint-staff-no-objection", "no_objection", "JointStaff",
           "THE JOINT STAFF HAS NO OBJECTION / TO DECLASSIFICATION AND/OR RELEASE / DATE {date_} BY {by_}", date="d Mon y", years=(1985, 2005),
           frame=0.3),
    *_rows("joint-staff-no-objection", "no_objection", "JointStaff",
           "THE JOINT STAFF HAS NO / OBJECTION TO RELEASE / OF THIS DOCUMENT / DATE {date#}", date="MON d Y",
           years=(1993, 2005)),
    *_rows("osd-note", "no_objection", "OSD", "OSD HAS NO OBJECTION TO / DECLASSIFICATION AND RELEASE / {by_} {date_}", date="m/d/y",
           years=(1993, 2005)),
    *_rows("whs-declassified", "declassified", "OSD",
           "DECLASSIFIED IN FULL / Authority: EO 13526 / Chief, Records & Declass Div, WHS / Date:  {date#}", date="MON d Y",
           years=(2010, 2017), legal="EO 13526", size_pt=(12, 16)),
    *_rows("whs-declassified", "released_in_part", "OSD",
           "DECLASSIFIED IN PART / Authority: EO 13526 / Chief, Records & Declass Div, WHS / Date:  {date}", date="0d MON Y",
           years=(2010, 2017), legal="EO 13526", size_pt=(12, 16)),
    *_rows("nsa-release", "released", "NSA",
           "Approved for Release by NSA on {date}, FOIA Case #{case}", date="0m-0d-Y", years=(2004, 2021), case="6####",
           place="foot", look="digital", bold=False, frame=0.5),
    *_rows("nsa-release", "declassified", "NSA",
           "Declassified and approved for release by NSA on {date} / pursuant to E.O. 13526, MDR Case # {case}",
           date="0m-0d-Y", years=(2010, 2021), case="5####", legal="E.O. 13526", place="foot", look="digital", bold=False),
    *_rows("doe-review", "declassified", "DOE",
           "CLASSIFICATION CANCELLED / BY AUTHORITY OF  OFFICE OF DECLASS / BY {by_}  DATE  {date_}", date="m/d/y",
           years=(1975, 1999)),
    *_rows("doe-review", "reviewed", "DOE",
           "DEPARTMENT OF ENERGY DECLASSIFICATION REVIEW / 1ST REVIEW DATE: {date_}   DETERMINATION / AUTHORITY: [ ]AOC [x]ADC [ ]ADD   1. CLASSIFICATION RETAINED / NAME: {Name_}   2. CLASSIFICATION CHANGED TO: / 2ND REVIEW DATE: {blank_}   3. CONTAINS NO DOE CLASSIFIED INFO",
           date="m/d/y", years=(1990, 2005), **{**_STATE, "frame": 1.0}),
    *_rows("iscap", "declassified", "ISCAP",
           "DECLASSIFIED UNDER AUTHORITY OF THE / INTERAGENCY SECURITY CLASSIFICATION APPEALS PANEL, / E.O. 13526, SECTION 5.3(b)(3) / ISCAP APPEAL NO. {case}, document no. {n} / DECLASSIFICATION DATE: {date}",
           date="Month d, Y", years=(2011, 2020), case="2009-0##", legal="E.O. 13526, SECTION 5.3(b)(3)", frame=1.0,
           look="digital", bold=False, size_pt=(8.5, 10)),
    *_rows("nara-label", "declassified", "NARA", "DECLASSIFIED / Authority {case_} / By {by_} NARA Date {date_}",
           "DECLASSIFIED / Authority: {case} / By {by_} NARA Date {date_}", date="m/d/y", years=(1986, 2014),
           case="NND ######", frame=0.9, look="slip", place="corner"),
    *_rows("nara-label", "declassified", "NARA", "DECLASSIFIED / Authority: / {case}", case="NND #####", frame=0.9, look="slip"),
    *_rows("nars-stamp", "declassified", "NARA",
           "DECLASSIFIED / E.O. 11652, Sec. 3(E) and 5(D) or (E) / Dept. of State letter, Aug. 10, 1972 / By {by_} NARS Date {date_}",
           "DECLASSIFIED / E.O. 11652, Sec. 3(E) and 5(D) / OSD letter, May 3, 1972 / By {by_} NARS Date {date_}",
           date="m-d-y", years=(1973, 1979), legal="E.O. 11652", frame=0.4),
    *_rows("library-stamp", "declassified", "LBJLibrary",
           "DECLASSIFIED / E.O. 12356, Sec. 3.4 / {case_} / By {by_}, NARA, Date {date_}", date="m-d-y", years=(1985, 1995),
           case="NLJ 9#-2##", legal="E.O. 12356, Sec. 3.4", place="corner"),
    *_rows("library-stamp", "sanitized", "JFKLibrary", "SANITIZED / E.O. 12958, Sec. 3.5 / {case_} / By {by_}, NARA, Date {date_}",
           date="m/d/y", years=(1996, 2006), case="NLK-9#-1##", legal="E.O. 12958, Sec. 3.5", place="corner"),
    *_rows("library-stamp", "declassified", "CarterLibrary",
           "DECLASSIFIED / Per, Rac Project / ESDN: {case} / BY {by_} NARA DATE {date_}", date="m/d/y", years=(2006, 2015),
           case="NLC-126-##-#-#-#", place="corner"),
    *_rows("library-stamp", "declassified", "ReaganLibrary", "DECLASSIFIED / {case_} / BY {by_} NARA DATE {date_}",
           date="m/d/y", years=(2003, 2018), case="NLRR F03-002/# ##", place="corner"),
    *_rows("library-note", "provenance", "JFKLibrary", "SEE SANITIZED / VERSION {case}", case="NLK-8#-1#", size_pt=(10, 14)),
    *_rows("library-note", "released_in_part", "JFKLibrary", "{case} + DOWNGRADED", case="NLK-8#-1#", size_pt=(10, 14)),
    *_rows("dow-legend", "declassified", "USCENTCOM",
           "Declassified by MG Richard A. Harrison / USCENTCOM Chief of Staff / Declassified on: {date}", date="d Month Y",
           years=(2024, 2026), look="digital", bold=False, size_pt=(9, 10), place="foot"),
    *_rows("ssci-or-committee", "provenance", "FBI",
           "This document is prepared in response to your request and is not for dissemi- / nation outside your Committee. Its use is limited to official proceedings by / your Committee and the content may not be disclosed to unauthorized person- / nel without the express approval of the FBI .",
           size_pt=(8, 9.5), bold=False, place="foot"),
    *_rows("ssci-or-committee", "declassified", "SSCI",
           "DECLASSIFIED BY THE / SENATE SELECT COMMITTEE ON INTELLIGENCE / BY {by_} DATE {date_}", date="m/d/y",
           years=(1976, 1998)),
    *_rows("other-release", "declassified", "AirForce", "THIS PAGE IS DECLASSIFIED IAW EO 12958", place="band",
           legal="EO 12958", size_pt=(9, 11)),
    *_rows("other-release", "released", "NRO", "NRO APPROVED FOR RELEASE {date}", date="d Month Y", years=(2008, 2016),
           place="band", look="digital"),
    *_rows("other-release", "schedule", None, "GROUP 1 / Excluded from automatic / downgrading and / declassification",
           "DOWNGRADED AT 3 YEAR INTERVALS; / DECLASSIFIED AFTER 12 YEARS. / DOD DIR 5200.10",
           "GROUP 4 / Downgraded at 3 year / intervals; declassified / after 12 years",
           "CLASSIFIED BY {num_} / SUBJECT TO GENERAL DECLASSIFICATION SCHEDULE OF / EXECUTIVE ORDER 11652 / AUTOMATICALLY DOWNGRADED AT TWO YEAR INTERVALS / DECLASSIFIED ON DECEMBER 31, 1984",
           "DECLASSIFY ON: OADR", size_pt=(7.5, 10), centred=True, frame=0.3),
    *_rows("nara-docid-footer", "provenance", "NARA", "{case} DocId:32{n5} Page {n}", case="NW #####", place="foot",
           look="digital", size_pt=(9, 10), typed=True),
    *_rows("record-number", "provenance", "NARA", "{case}", case="104-10###-10###", place="head", look="digital",
           size_pt=(8, 10), frame=0.7),
    *_rows("admin", "none", None, "RECEIVED / {old#}", "F B I / REC'D- {OFFICE} / {old#}", "MAILED 25 / {old#} / COMM-FBI",
           "NOT RECORDED / {n} {old#}", "REC- {n}", "EX-1{n}", "ENCLOSURE", "COPY", "NAT. INT. SEC.", "UNRECORDED COPY FILED IN",
           "SEARCHED ____ INDEXED ____ / SERIALIZED ____ FILED ____ / {old#} / FBI - SEATTLE", "ROUTE IN ENVELOPE",
           "RETURN TO CIA / Background Use Only / Do Not Reproduce", size_pt=(10, 15)),
    *_rows("classification", "none", None, "TOP SECRET", "SECRET", "CONFIDENTIAL", "NO FOREIGN DISSEM", "UNCLASSIFIED",
           "SECRET / NOFORN", size_pt=(15, 22), place="band"),
    *_rows("classification", "none", None, "S E C R E T", "C-O-N-F-I-D-E-N-T-I-A-L", "T O P   S E C R E T",
           size_pt=(11, 12), place="band", typed=True),
    *_rows("other-release", "reviewed", "State", "State Dept. review completed", size_pt=(9, 11), bold=False, look="digital"),
    *_rows("other-release", "reviewed", "OSD", "OSD review completed", size_pt=(9, 11), bold=False, look="digital"),
    *_rows("library-stamp", "provenance", "LBJLibrary", "COPY LBJ LIBRARY", place="foot", size_pt=(16, 22)),
    *_rows("library-stamp", "provenance", "FordLibrary", "Photocopy from Gerald R. Ford Library", place="foot", size_pt=(11, 13)),
    # Rarer wordings. The numbers of those above stay as they are: pages are drawn by them.
    *_rows("state-jfk-act", "released", "State",
           "DEPARTMENT OF STATE / JFK ASSASSINATION RECORDS ACT REVIEW / [x] RELEASE IN FULL / [ ] RELEASE IN PART / [ ] TOTAL DENIAL / REVIEWER {by_} DATE {date_}",
           date="m/d/y", years=(1993, 1998), legal="JFK Act", **_STATE),
    *_rows("state-foia-release", "declassified", "State",
           "DECLASSIFIED / A/ISS/IPS, Department of State / E.O. 12958, as amended / {date}", date="Month d, Y",
           years=(2005, 2009), legal="E.O. 12958", look="digital", place="head", size_pt=(9, 11)),
    *_rows("state-foia-release", "declassified", "State",
           "Declassified in Full / Release in Full / {Name} / US Department of State / {date}", date="m/d/Y",
           years=(2018, 2026), look="digital", bold=False),
    *_rows("osd-note", "declassified", "OSD",
           "Office of the Secretary of Defense   5 U.S.C. § 552 / Chief, RDD, ESD, WHS / Date: {date}     Authority: EO 13526 + 5 U.S.C. § 552 / Declassify: X    Deny in Full: ___ / Declassify in Part: ___ / Reason: / MDR: {case}",
           date="0d Mon Y", years=(2010, 2017), case="12-M-####", legal="EO 13526", look="digital", bold=False),
    *_rows("army-review", "reviewed", "Army",
           "DEPARTMENT OF THE ARMY / REVIEWED FOR DECLASSIFICATION / BY {by_} DATE {date_}", date="m/d/y", years=(1975, 1999)),
    *_rows("joint-staff-no-objection", "declassified", "JointStaff",
           "DECLASSIFIED BY: JCS DECLASSIFICATION BRANCH / DATE {date#}", date="0d Mon Y", years=(1980, 1995)),
    *_rows("nars-stamp", "declassified", "NARA", "DECLASSIFIED / DOD DIR. 5200.9, SEPT. 27, 1958 / NMW by {by_} date {date_}",
           "DECLASSIFIED / DOD DIR. 5200.10, JUNE 29, 1960 / NE by {by_} date {date_}", date="m-d-y", years=(1962, 1971),
           legal="DOD DIR. 5200"),
    *_rows("library-stamp", "declassified", "EisenhowerLibrary",
           "DECLASSIFIED / E.O. 12356, SEC. 3.4 (b) / Agency Case NSC F88-1056 / NLE Case {case} / By {by_} NLE Date {date_}",
           date="m/d/y", years=(1988, 1995), case="MR 88-2## ##", legal="E.O. 12356, SEC. 3.4", place="corner"),
    *_rows("library-stamp", "declassified", "FordLibrary",
           "DECLASSIFIED / E.O. 12958, Sec. 3.5 / NSC MEMO, 11/24/98, STATE DEPT. GUIDELINES / {case_} / By {by_}, NARA, Date {date_}",
           date="m/d/y", years=(1999, 2008), case="NLF MR 9#-4#", legal="E.O. 12958, Sec. 3.5", place="corner"),
    *_rows("library-stamp", "provenance", "LBJLibrary",
           "DETERMINED TO BE AN ADMINISTRATIVE MARKING / CANCELLED PER E.O. 12356, SEC. 1.3 AND / ARCHIVIST'S MEMO OF MAR. 16, 1983. / BY {by_} ON {date_}",
           date="m-d-y", years=(1984, 1995), legal="E.O. 12356, SEC. 1.3", place="corner"),
    *_rows("other-release", "no_objection", "NSC", "No Objection To Declassification in Part {date} : {case}", date="Y/0m/0d",
           years=(2008, 2013), case="LOC-HAK-4##-#-#-#", **_BANNER),
    *_rows("other-release", "declassified", "NATO",
           "DECLASSIFIED - PUBLICLY DISCLOSED - PDN(2012)0003 - DECLASSIFIE - MIS EN LECTURE PUBLIQUE", place="side",
           look="digital", bold=False, size_pt=(8, 9)),
)  # fmt: skip

FAMILIES = tuple(dict.fromkeys(f.family for f in FORMS))


def write_date(day: datetime.date, pattern: str) -> str:
    """A date in the words of a stamp.

    >>> write_date(datetime.date(1988, 4, 6), "m-d-y"), write_date(datetime.date(2004, 6, 28), "0d MON Y")
    ('4-6-88', '28 JUN 2004')
    """
    words = {
        "Month": MONTHS[day.month - 1], "MON": MONTHS[day.month - 1][:3].upper(), "Mon": MONTHS[day.month - 1][:3],
        "0m": f"{day.month:02}", "0d": f"{day.day:02}", "Y": str(day.year), "y": f"{day.year % 100:02}",
        "m": str(day.month), "d": str(day.day),
    }  # fmt: skip
    return re.sub("Month|MON|Mon|0m|0d|Y|y|m|d", lambda m: words[m[0]], pattern)


def known_date(day: datetime.date, pattern: str) -> str:
    """What a date so written tells, in ISO form: the year, the month or the day.

    >>> known_date(datetime.date(1998, 5, 9), "Mon Y")
    '1998-05'
    """
    return day.isoformat()[: 10 if "d" in pattern else 7 if "M" in pattern or "m" in pattern else 4]


def fill_case(pattern: str, rng: np.random.Generator) -> str:
    """A number of a given shape: a figure for each ``#``, a capital for each ``@``."""
    return re.sub("[#@]", lambda m: str(rng.integers(10)) if m[0] == "#" else "BMRST"[rng.integers(5)], pattern)


def draw_form(
    form: Form,
    *,
    dpi: int,
    rng: np.random.Generator,
    fonts: Fonts,
    hand: Hand,
    blank: bool = False,
    values: dict[str, str] | None = None,
) -> Canvas:
    """Sets one stamp on a canvas of its own size, filled in or blank, with its truth.

    Args:
        form: the wording.
        hand: who fills it in.
        blank: leaves the fields empty: then its decision is ``none`` and no date is known.
        values: fields to use in place of drawn ones; ``date`` in ISO form.
    """
    day = datetime.date(
        int(rng.integers(form.years[0], form.years[1] + 1)), int(rng.integers(1, 13)), int(rng.integers(1, 29))
    )
    day -= datetime.timedelta(days=max(0, day.weekday() - 4))  # reviewers work on weekdays
    if values and "date" in values:
        day = datetime.date.fromisoformat(values["date"])
    old = datetime.date(int(rng.integers(1950, 1976)), int(rng.integers(1, 13)), int(rng.integers(1, 29)))
    if re.search(r"\{date#\}", "".join(form.lines)):
        dated = "MON d Y"
    elif form.date in ("m/d/y", "m-d-y") and "{date_}" in "".join(form.lines):
        dated = (
            str(rng.choice(["m/d/y", "m-d-y", "m/d/y", "d Mon y"], p=[0.5, 0.3, 0.1, 0.1]))
            if values is None
            else form.date
        )
    else:
        dated = form.date
    case = fill_case(form.case, rng)
    fields = {
        "date": write_date(day, dated), "year": str(day.year), "case": case, "by": initials(rng), "blank": "",
        "agent": f"{rng.choice(['SP4', 'SP8', 'SP1', '5668', '9803'])} {initials(rng)}/{initials(rng)}",
        "num": str(rng.integers(1000, 9999)), "next": str(rng.integers(1989, 2012)), "code": str(rng.choice(["B1", "B5", "B6"])),
        "reason": "1.5 (c)",
        "office": str(rng.choice(["CIA", "NSC", "OSD"])), "Name": person(rng), "NAME": person(rng).upper(),
        "doc": f"C0{rng.integers(5000000, 6999999)}", "n": str(rng.integers(2, 90)), "n5": f"{rng.integers(100000, 400000)}",
        "old": write_date(old, "MON d Y"), "OFFICE": str(rng.choice(["READING ROOM", "DIRECTOR", "NAT. INT."])),
        **{k: v for k, v in (values or {}).items() if k != "date"},
    }  # fmt: skip
    setter = _Setter(form, dpi=dpi, rng=rng, fonts=fonts, hand=hand, fields=fields, blank=blank)
    keys: dict[str, Any] = {"family": form.family, "decision": "none" if blank and form.date else form.decision}
    text = " / ".join(setter.read(line) for line in form.lines)
    hand_date = "{date_}" in "".join(form.lines)
    keys |= {"agency": form.agency} if form.agency else {}
    keys |= {"date": known_date(day, dated)} if dated and not blank else {}
    keys |= {"datehand": "yes"} if dated and hand_date and not blank else {}
    keys |= {"legal": form.legal} if form.legal else {}
    keys |= {"case": case} if case and not (blank and "{case_}" in "".join(form.lines)) else {}
    canvas = setter.canvas
    with canvas.mark("stamp", **keys, text=text):
        setter.set()
    return canvas


class _Setter:
    """Sets the lines of one form: measures them, then draws each piece where its measure says."""

    def __init__(
        self,
        form: Form,
        *,
        dpi: int,
        rng: np.random.Generator,
        fonts: Fonts,
        hand: Hand,
        fields: dict[str, str],
        blank: bool,
    ) -> None:
        self.form, self.rng, self.hand, self.fields, self.blank = form, rng, hand, fields, blank
        self.size = float(rng.uniform(*form.size_pt))
        if form.typed:
            faces: tuple[str, ...] = fonts.typewriter
        elif form.bold:
            faces = fonts.sans_bold if rng.random() < 0.8 else fonts.serif_bold
        else:
            faces = fonts.sans if form.look == "digital" or rng.random() < 0.7 else fonts.serif
        self.face = str(rng.choice(faces))
        self.squeeze = 1.0 if form.look == "digital" or form.typed else float(rng.uniform(0.72, 1.02))
        self.heavy = (
            0.0 if form.look == "digital" or form.typed else float(rng.uniform(0 if form.bold else 0.014, 0.03))
        )
        self.height = float(rng.uniform(0.13, 0.22))
        self.layers = ("stamp", "print") if form.typed else ("stamp",)
        self.leading = self.size / 72 * (1.12 if form.look == "digital" else float(rng.uniform(1.1, 1.4)))
        if any("_}" in line for line in form.lines):
            self.leading = max(self.leading, 0.16, 0.9 * self.height)
        self.draft = Canvas(0.05, 0.05, dpi=dpi, rng=rng)
        self.pad = 0.12
        self.widths = [sum(self.measure(p) for p in self.pieces(line)) for line in form.lines]
        wide = max(self.widths) + 2 * self.pad
        self.canvas = Canvas(
            wide + (0.3 if "_}" in "".join(form.lines) else 0.02),
            self.leading * len(form.lines) + 2 * self.pad + 0.2,
            dpi=dpi,
            rng=rng,
        )

    def pieces(self, line: str) -> list[str]:
        """The line cut into plain text, fields and tick boxes."""
        return [p for p in re.split(r"(\{\w+[_#]?\}|\[[ x]\])", line) if p]

    def read(self, line: str) -> str:
        """The line as a reader would transcribe it."""
        return re.sub(r" +", " ", "".join(self.say(p) for p in self.pieces(line))).strip()

    def say(self, piece: str) -> str:
        if piece.startswith("{"):
            value = self.fields[piece.strip("{}_#")]
            return "____" if piece.endswith("_}") and (self.blank or not value) else value
        return "[ ]" if self.blank and piece == "[x]" else piece

    def measure(self, piece: str) -> float:
        """Width of a piece in inches."""
        if piece in ("[ ]", "[x]"):
            return self.size / 72 * 1.1
        if piece.endswith("_}"):
            return max(0.5, 0.62 * self.height * len(self.fields[piece.strip("{}_")]) + 0.12)
        return self.draft.text(self.say(piece), 0, -1, face=self.face, size_pt=self.size, squeeze=self.squeeze)

    def set(self) -> None:
        """Draws the form."""
        canvas, wide = self.canvas, max(self.widths)
        bottom = 0.1 + self.pad + self.leading * len(self.widths)
        if self.form.frame and self.rng.random() < self.form.frame:
            inset = 0.02
            canvas.frame(inset, inset + 0.08, wide + 2 * self.pad - inset, bottom + 0.02, layers=("stamp", "ruling"))
        for i, line in enumerate(self.form.lines):
            x = self.pad + ((wide - self.widths[i]) / 2 if self.form.centred else 0.0)
            y = self.pad + 0.08 + self.leading * (i + 0.75)
            for piece in self.pieces(line):
                self.draw(piece, x, y)
                x += self.measure(piece)

    def draw(self, piece: str, x: float, y: float) -> None:
        canvas, em = self.canvas, self.size / 72
        if piece in ("[ ]", "[x]"):
            canvas.frame(x + 0.02, y - 0.75 * em, x + 0.02 + 0.75 * em, y, width_mm=0.2, layers=("stamp",))
            if piece == "[x]" and not self.blank:
                with canvas.mark("handwriting", role="mark"):
                    sign = str(self.rng.choice(["X", "x", "v"]))
                    canvas.write(sign, x + 0.02, y + 0.02, hand=self.hand, height=1.1 * em)
        elif piece.endswith("_}"):
            value, wide = self.fields[piece.strip("{}_")], self.measure(piece)
            canvas.rule(x, y + 0.02, x + wide - 0.03, y + 0.02, width_mm=0.2, layers=("stamp", "ruling"))
            if value and not self.blank:
                with ExitStack() as marks:
                    marks.enter_context(canvas.mark("handwriting", role="stampfill", text=value))
                    if piece == "{code_}":
                        marks.enter_context(canvas.mark("code", code=value, hand="yes"))
                    lift = float(self.rng.normal(0.0, 0.025))
                    canvas.write(value, x + 0.03, y + lift, hand=self.hand, height=self.height)
        elif piece.endswith("#}"):
            for i, char in enumerate(self.say(piece)):
                drop = float(self.rng.normal(0, 0.006))
                canvas.text(
                    char,
                    x + i * 0.62 * em,
                    y + drop,
                    face=self.face,
                    size_pt=self.size,
                    layers=self.layers,
                    squeeze=0.85,
                )
        else:
            with ExitStack() as marks:
                if piece in ("{code}", "{reason}"):
                    marks.enter_context(canvas.mark("code", code=self.say(piece).replace(" ", "")))
                canvas.text(
                    self.say(piece), x, y, face=self.face, size_pt=self.size, layers=self.layers, heavy=self.heavy,
                    squeeze=self.squeeze,
                )  # fmt: skip
