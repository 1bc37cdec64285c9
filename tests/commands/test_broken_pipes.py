"""Standard output that is narrow, closed, full, or cannot write the words."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pi0bench.cli import COMMANDS, main
from pi0bench.commands.broken_pipes import Outlet
from pi0bench.records.run_folder import RunFolder
from pi0bench.report.terminal_screen import Screen

RUN = (
    "run --policy zero --task reach_cube --episodes 2 --renderer tiny --executor inline --no-video"
)


def shell(line: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    command = line.replace("pi0bench", f"{sys.executable} -m pi0bench", 1)
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **variables},
    )


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("pi0bench list | head -1", 0, ""),
        ("pi0bench --help | true", 0, ""),
        ("pi0bench plan 3 -- --policy pi0 > /dev/full", 4, "standard output: No space left"),
        ("pi0bench list > /dev/full", 4, "standard output: No space left on device"),
        ("pi0bench list >&-", 4, "standard output: it is closed"),
        ("pi0bench --help >&-", 4, "standard output: it is closed"),
        ("pi0bench compare nothere >&- 2>&-", 2, ""),
        ("pi0bench compare nothere 2> /dev/full", 2, ""),
    ],
)
def test_no_output_is_an_internal_error(line: str, code: int, said: str, tmp_path: Path) -> None:
    done = shell(line, tmp_path)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert done.stderr.count("\n") == bool(said)


@pytest.mark.parametrize(
    ("ending", "code"), [("| true", 0), ("> /dev/full", 4), ("<&- >&- 2>&-", 4)]
)
def test_a_run_leaves_everything_whoever_reads(ending: str, code: int, tmp_path: Path) -> None:
    done = shell(f"pi0bench {RUN} --out run {ending}", tmp_path)
    assert done.returncode == code, done.stderr
    assert "internal error" not in done.stderr
    folder = RunFolder(tmp_path / "run")
    assert len(folder.records()) == 2
    for name in ("index.html", "table.md", "table.tex", "table.csv", "eval_info.json"):
        assert folder.path(name).stat().st_size > 0


def test_what_cannot_be_encoded_is_replaced(tmp_path: Path) -> None:
    done = shell("pi0bench list", tmp_path, PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert "friction-1 ? friction-3" in done.stdout


def test_python_runs_the_package(tmp_path: Path) -> None:
    assert shell("pi0bench --version", tmp_path).stdout.startswith("pi0bench ")


class Breaking(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_a_broken_outlet_is_silent_and_a_reader_may_have_enough() -> None:
    outlet = Outlet(Breaking())
    assert outlet.write("lost") == 4
    outlet.flush()
    assert isinstance(outlet.failure, BrokenPipeError)
    assert outlet.settle() == 0


def test_words_of_others_are_shown_on_both_streams(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = "x\x1b]0;owned\u202ey[/red] :smile: [bold]\x9b1m"
    seen = "x?]0;owned?y[/red] :smile: [bold]?1m"

    def fail() -> int:
        Screen(width=80).print(evil)
        raise RuntimeError(evil)

    monkeypatch.setitem(COMMANDS, "list", fail)
    assert main(["list"]) == 1
    out, err = capsys.readouterr()
    assert out == f"{seen}\n"
    assert seen in err
    assert "\x1b" not in err


@pytest.mark.parametrize(
    "text",
    [
        '{"per_task": [{"task_group": "\\u001b[2J\\u009b1m\\u202e", "task_id": 0, '
        '"metrics": {"successes": [true, false, 3]}}]}',
        "{nothing",
        '{"per_task": {"\\u001b[2J": 1}}',
    ],
)
def test_a_foreign_file_cannot_control_the_terminal(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "eval_info.json"
    path.write_text(text)
    assert main(["compare", str(path), str(path)]) == 2
    assert "\x1b" not in (said := "".join(capsys.readouterr()))
    assert "\x9b" not in said


@pytest.mark.parametrize(
    "line",
    [
        "gallery --task reach_cube",
        "run --policy zero --task reach_cube --episodes 1",
        "demos --suite plain --episodes 1 --workers 1",
        "toy",
        "plan 2 -- --policy zero",
        "list",
    ],
)
def test_a_folder_that_cannot_be_written_is_said(
    line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir("/proc/self")  # not even root writes there
    code = main(line.split())
    said = capsys.readouterr().err
    assert "internal error" not in said
    if line.startswith(("plan", "list")):
        assert (code, said) == (0, "")
    else:
        assert code in (2, 4)
        assert said.startswith("pi0bench: ")
        assert "choose an --out" in said
