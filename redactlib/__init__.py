"""redactlib reads page scans of declassified US government documents and says what was done to them.

>>> import redactlib
>>> report = redactlib.analyze("fixtures/cia_banner_outlined_boxes.png")
>>> report.declassification.headline
'released · CIA · 2004-02-17'

One way through the house, each stage a function that takes values and returns new ones::

    file -- scan.py ------> Scan          open_scans, as_scan: every format; pdf.py renders in a process of its own
            reading.py ---> PageText      all lines of the page, by PP-OCRv6 or Tesseract; which way up it lies
            layers.py ----> Layers        separate: print, handwriting, stamp, ruling, fill, brackets; one small network
            detect/ ------> marks         find_redactions, find_stamps, find_codes, find_handwriting, find_brackets
              redaction.py                proposal.py proposes, emptied.py gaps, standin.py words; extent.py measures
              stamp.py                    closer, margins, sideways, wording read again; banner.py: levels;
                                          spotting.py, lettering.py: worn ones, seen by a small network
                                          override.py: an agency's name struck, another's written over it
              handwriting.py              pen.py, judge.py part pen from type; interlinear.py, crossing.py, handread.py
              bracket.py                  beneath.py reads lines without them, passage.py finds words by their places
              forms.py                    a stamp read as a form: ticks.py, symbols.py, dates.py, datelines.py
              catalogue/                  markings, codes, agencies, orders as tables; matching them with text
            classify.py --> events        find_events, classify: who decided what, when; the page's authority and date
            pipeline.py --> PageReport    analyze, analyze_file
            document.py --> DocumentReport  the pages of one file vote on what repeats
            batch.py                      analyze_files: many files, resumable
    report.py, plain.py, edits.py, explain.py   results as values and as plain data
    display.py, webpage.py, export.py, compare.py, evaluate.py, benchmark.py, cli.py   what is made of results
    synth/                                pages drawn with their truth; fixtures/ comes from it
    training/, models/                    how the shipped models are made, and they themselves with their card

Boxes are ``(x0, y0, x1, y1)`` in pixels of the page image as stored, half-open, origin top left. Inside, lengths are
millimetres or line heights and are turned into pixels once (``Scan.mm``). An unknown is ``None``, an empty result an
empty tuple.

Where measurement changed the first design: the whole page is read once with the smallest text model (about 0.8 s),
since the lines it finds carry every other stage; only what may belong to a mark is read again with a larger one. A
stamp is found by matching those lines with the catalogue, a second look at a blurred small page finds the worn ones.
"""

from redactlib.batch import analyze_files
from redactlib.classify import classify, find_events
from redactlib.detect.bracket import find_brackets
from redactlib.detect.code import find_codes
from redactlib.detect.handwriting import find_handwriting
from redactlib.detect.redaction import find_redactions
from redactlib.detect.stamp import find_stamps
from redactlib.errors import ReaderError, RedactlibError, ReportError, ScanError
from redactlib.layers import separate
from redactlib.pipeline import analyze, analyze_file
from redactlib.reading import default_reader, read_page
from redactlib.report import DocumentReport, PageReport, read_reports
from redactlib.scan import Scan, open_scans
from redactlib.webpage import write_html

__version__ = "0.1.0"

__all__ = [
    "DocumentReport",
    "PageReport",
    "ReaderError",
    "RedactlibError",
    "ReportError",
    "Scan",
    "ScanError",
    "analyze",
    "analyze_file",
    "analyze_files",
    "classify",
    "default_reader",
    "find_brackets",
    "find_codes",
    "find_events",
    "find_handwriting",
    "find_redactions",
    "find_stamps",
    "open_scans",
    "read_page",
    "read_reports",
    "separate",
    "write_html",
]
