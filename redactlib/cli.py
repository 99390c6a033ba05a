"""The command line: read scans, judge reports, time the stages.

Exit codes: 0 all was read, 1 some files were not (each is named on stderr with the remedy), 2 wrong use, 130 stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from tqdm import tqdm

from redactlib.batch import BatchResult, Failure, analyze_files
from redactlib.errors import RedactlibError, ReportError
from redactlib.report import PageReport, read_reports, schema
from redactlib.scan import ScanSettings

FAILED_PAGES_SHOWN = 5  # of one file

EPILOG = """\
exit codes: 0 all was read · 1 some files were not, each is named with the remedy · 2 wrong use

examples:
  redactlib analyze letter.pdf                      a table of its pages
  redactlib analyze releases/ --out reports.jsonl   a folder; stopped, the same command goes on
  redactlib analyze releases/ --html report --csv marks.csv --jobs 4
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal without Unicode is no reason to fail
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except KeyboardInterrupt:
        print("redactlib: stopped; the same command goes on from here if it has --out", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of a pipe has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"redactlib: {plain(f'{error.filename}: {error.strerror}')}; check path and permissions", file=sys.stderr)
        return 2
    except RedactlibError as error:
        print(f"redactlib: {plain(error)}", file=sys.stderr)
        return 2 if isinstance(error, ReportError) else 1


def _parser() -> argparse.ArgumentParser:
    raw = partial(argparse.RawDescriptionHelpFormatter, max_help_position=18)
    parser = argparse.ArgumentParser(
        prog="redactlib",
        description="Read page scans of declassified US government documents: redactions, stamps, exemption codes,\n"
        "handwriting, brackets, and on whose authority and when each page was declassified.",
        epilog=EPILOG,
        formatter_class=raw,
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    analyze = commands.add_parser("analyze", help="read files and folders of scans", epilog=EPILOG, formatter_class=raw)
    analyze.add_argument("paths", nargs="+", metavar="FILE_OR_FOLDER", help="PDF, TIFF, PNG, JPEG ...; folders whole")
    analyze.add_argument(
        "--out", metavar="FILE", help="page reports as JSON Lines; pages that it holds are not read again"
    )
    analyze.add_argument("--csv", metavar="FILE", help="one row a mark, for spreadsheets")
    analyze.add_argument("--html", metavar="FOLDER", help="pages to look at, with their marks drawn")
    analyze.add_argument("--dpi", type=_dpi, metavar="N", help="pixels an inch, in place of what the files say")
    analyze.add_argument("--pages", type=_pages, metavar="1-3,7", help="pages wanted of each file (default: all)")
    analyze.add_argument("--jobs", type=_positive, default=1, metavar="N", help="worker processes (default: 1)")
    analyze.set_defaults(run=_analyze)

    evaluate = commands.add_parser("evaluate", help="compare reports with labelled pages")
    evaluate.add_argument("truth", metavar="TRUTH", help="folder of images with NAME.truth.json beside them")
    evaluate.add_argument("reports", metavar="REPORTS", help="JSON Lines file of page reports")
    evaluate.set_defaults(run=_evaluate)

    benchmark = commands.add_parser("benchmark", help="milliseconds a page by stage, beside Tesseract")
    benchmark.add_argument("paths", nargs="+", metavar="FILE_OR_FOLDER")
    benchmark.add_argument("--most", type=_positive, default=20, metavar="N", help="pages at most (default: 20)")
    benchmark.set_defaults(run=_benchmark)

    commands.add_parser("schema", help="print the JSON Schema of a page report").set_defaults(run=_schema)
    return parser


def _analyze(options: argparse.Namespace) -> int:
    _check_outputs(options.csv, options.html)
    with tqdm(unit="page", disable=None, leave=False) as bar:

        def progress(done: int, expected: int) -> None:
            bar.total = max(done, expected)
            bar.update(done - bar.n)

        result = analyze_files(
            options.paths, out=options.out, jobs=options.jobs, pages=options.pages, dpi=options.dpi, progress=progress
        )
    if options.csv:
        from redactlib.export import write_csv

        write_csv(result.documents(), options.csv)
    if options.html:
        from redactlib.webpage import write_html

        write_html(result.documents(), options.html)
    for line in table(page for document in result.documents() for page in document.pages):
        print(line)
    print(_summary(result))
    _name_failures(result.failures)
    return 1 if result.failures else 0


def _check_outputs(csv: str | None, html: str | None) -> None:
    """Better now than when all is read."""
    if csv and (Path(csv).is_dir() or not os.access(Path(csv).resolve().parent, os.W_OK)):
        raise ReportError(f"{csv}: cannot be written; give a file in a folder that can be")
    folder = Path(html) if html else None
    if (
        folder
        and folder.exists()
        and not (folder.is_dir() and (not any(folder.iterdir()) or (folder / "index.html").exists()))
    ):
        raise ReportError(f"{html}: is no folder, or holds other files; give a new or empty folder for the HTML report")


def _evaluate(options: argparse.Namespace) -> int:
    from redactlib.evaluate import evaluate, format_table

    print(format_table(evaluate(options.truth, read_reports(options.reports))))
    return 0


def _benchmark(options: argparse.Namespace) -> int:
    from redactlib.benchmark import benchmark

    with tqdm(unit="page", disable=None, leave=False) as bar:

        def progress(done: int, expected: int) -> None:
            bar.total = expected
            bar.update(done - bar.n)

        result = benchmark(options.paths, pages_max=options.most, progress=progress)
    print(result.table())
    _name_failures(result.failures)
    return 1 if result.failures else 0


def _schema(options: argparse.Namespace) -> int:
    print(json.dumps(schema(), indent=2))
    return 0


# --- what is printed --------------------------------------------------------------------------------------------------


def plain(text: object) -> str:
    """A text in one line, with a mark for each character that could steer a terminal.

    >>> plain("a\\x1b[2Jb\\nc")
    'a\ufffd[2Jb c'
    """
    return "".join(c if c.isprintable() else "\ufffd" for c in " ".join(str(text).split()))


def table(pages: Iterable[PageReport], *, width: int | None = None) -> Iterator[str]:
    """A line a page: file, page, status, authority, date, confidence, and how many marks of each kind.

    Args:
        pages: page reports.
        width: of the terminal, characters; the file's name gives way.
    """
    kinds = {"stamps": 6, "codes": 5, "redactions": 10, "handwriting": 11, "brackets": 8}
    heads = " ".join(f"{kind:>{size}}" for kind, size in kinds.items())
    ending = f"page  {'status':16} {'authority':12} {'date':10} sure {heads}"
    room = max(16, (width or shutil.get_terminal_size((120, 24)).columns) - len(ending) - 2)
    yield f"{'file':{room}} {ending}"
    for page in pages:
        sure = page.declassification.confidence
        agency = plain(page.authority.agency or page.authority.name or "-") if page.authority else "-"
        cells = (
            f"{page.source.page:4} ",
            f"{page.declassification.status:16}",
            f"{agency[:12]:12}",
            f"{plain(page.date or '-')[:10]:10}",
            "   -" if sure is None else f"{sure:4.2f}",
            *(f"{len(getattr(page, kind)):{size}}" for kind, size in kinds.items()),
        )
        yield f"{_shortened(page.source.path, room):{room}} {' '.join(cells)}"


def _shortened(path: str | None, room: int) -> str:
    name = plain(path or "image")
    return name if len(name) <= room else "…" + name[1 - room :]


def _summary(result: BatchResult) -> str:
    kept = f" ({result.kept} read before)" if result.kept else ""
    failed = len({failure.path for failure in result.failures})
    failures = f" · with failures: {failed}" if failed else ""
    return f"pages: {result.read + result.kept}{kept} · files: {len(result.files)}{failures}"


def _name_failures(failures: Iterable[Failure]) -> None:
    shown: dict[str, int] = {}
    for failure in failures:
        shown[failure.path] = shown.get(failure.path, 0) + 1
        if failure.page is None or shown[failure.path] <= FAILED_PAGES_SHOWN:
            print(f"redactlib: {plain(failure.reason)}", file=sys.stderr)
    for path, count in shown.items():
        if count > FAILED_PAGES_SHOWN:
            print(f"redactlib: {plain(path)}: {count} failures in all", file=sys.stderr)


# --- options ----------------------------------------------------------------------------------------------------------


def _positive(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got {text!r}")
    return number


def _dpi(text: str) -> float:
    try:
        dpi = float(text)
    except ValueError:
        dpi = 0.0
    if not ScanSettings.dpi_min <= dpi <= ScanSettings.dpi_max:
        low, high = ScanSettings.dpi_min, ScanSettings.dpi_max
        raise argparse.ArgumentTypeError(f"expected {low:.0f} to {high:.0f} pixels an inch, got {text!r}")
    return dpi


def _pages(text: str) -> frozenset[int]:
    pages: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        try:
            low = _positive(first)
            high = _positive(last) if dash else low
        except argparse.ArgumentTypeError:
            low, high = 1, 0
        if not low <= high <= ScanSettings.pages_max:
            raise argparse.ArgumentTypeError(f"expected page numbers such as 1-3,7, got {text!r}")
        pages.update(range(low, high + 1))
    return frozenset(pages)
