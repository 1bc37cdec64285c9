"""Commands that are printed, stored or written down can be run."""

from __future__ import annotations

import functools
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tyro

from pi0bench.cli import COMMANDS, main
from pi0bench.records.run_folder import EPISODES, RunFolder

PLACES = {"NAMES": "bc", "HOST": "127.0.0.1", "…": "pi0"}


def understood(line: str) -> bool:
    """Whether the command line takes these words; nothing is run."""

    def taken(of: Callable[..., int]) -> Callable[..., int]:
        @functools.wraps(of)
        def nothing(**_: Any) -> int:
            return 0

        return nothing

    words = shlex.split(line, comments=True)[1:]
    known = {name: taken(command) for name, command in COMMANDS.items()}
    try:
        return tyro.extras.subcommand_cli_from_dict(known, args=words) == 0
    except SystemExit:
        return False


def commands(text: str) -> Iterator[str]:
    """Those of a page: what stands in a code line, or in backticks with some argument."""
    for word, place in PLACES.items():
        text = text.replace(word, place)
    for line in text.splitlines():
        if line.startswith("    "):
            yield from re.findall(r"(?:^ {4}|&& |; )(pi0bench (?:[^;]|; (?!pi0bench))*)", line)
    yield from re.findall(r"`(pi0bench [a-z]+ [^`]+)`", " ".join(text.split()))


def test_commands_on_pages_are_understood(checkout: Path) -> None:
    pages = [checkout / name for name in ("README.md", "CONTRIBUTING.md", "examples/README.md")]
    pages += sorted((checkout / "policies").rglob("README.md"))
    found = [(page.name, line) for page in pages for line in commands(page.read_text("utf-8"))]
    assert len(found) > 40
    assert [(page, line) for page, line in found if not understood(line)] == []
    assert not understood("pi0bench run --policy pi0 --stop-early False")


def printed(said: str) -> list[str]:
    return re.findall(r"^ *(pi0bench .*)$", said, re.MULTILINE)


ASKED = {
    "ours": "--policy random zero --task reach_cube --renderer tiny --variation light-1",
    "Gymnasium's": "--policy random zero --env-id CartPole-v1",
    "content": "--policy random --task red_beside_blue --renderer tiny --content {content}",
}


@pytest.mark.parametrize("name", ASKED)
def test_merge_prints_what_completes_the_run(
    name: str,
    tmp_path: Path,
    checkout: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PI0BENCH_CONTENT", "")
    monkeypatch.chdir(tmp_path)
    asked = ASKED[name].format(content=shlex.quote(str(checkout / "examples" / "content")))
    asked += " --episodes 2 --no-video --executor inline"
    assert main(["run", *shlex.split(asked), "--shard", "1/2", "--out", "a part"]) == 0
    assert main(["run", *shlex.split(asked), "--out", "undivided"]) == 0
    capsys.readouterr()
    monkeypatch.setenv("PI0BENCH_CONTENT", "")
    assert main(["merge", "a part", "--out", "the whole"]) == 0
    [line] = printed(capsys.readouterr().out)
    assert main([*shlex.split(line)[1:], "--no-video", "--executor", "inline"]) == 0
    assert Path("the whole", EPISODES).read_bytes() == Path("undivided", EPISODES).read_bytes()
    stored = RunFolder("the whole").manifest()["command"]
    assert line == f"{stored} --out 'the whole'"


def test_an_early_stop_is_merged_and_completed_by_the_same_rule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = "--policy expert zero --task reach_cube --renderer tiny --episodes 10 --stop-early"
    assert main(["run", *asked.split(), "--no-video", "--executor", "inline", "--out", "a"]) == 0
    capsys.readouterr()
    assert main(["merge", "a", "--out", "b"]) == 0
    [line] = printed(capsys.readouterr().out)
    assert "--stop-early" in line
    assert main([*shlex.split(line)[1:], "--no-video", "--executor", "inline"]) == 0
    assert Path("a", EPISODES).read_bytes() == Path("b", EPISODES).read_bytes()


def test_a_run_stores_the_command_that_was_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = "run --policy zero --task reach_cube --renderer tiny --episodes 1 --no-video"
    asked += " --executor inline --out"
    assert main([*asked.split(), "my run"]) == 0
    stored = RunFolder("my run").manifest()["command"]
    assert stored == f"pi0bench {asked} 'my run'"
    assert main(shlex.split(stored)[1:]) == 0
