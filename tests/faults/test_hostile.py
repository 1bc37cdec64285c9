"""Files and names written by somebody who means harm."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from pi0bench.cli import main
from pi0bench.content import folders
from pi0bench.errors import UsageError
from pi0bench.policy import card, registry
from pi0bench.policy.learned_policy import load_policy
from pi0bench.task.task_files import task
from tests.task.test_task_files import GOOD, refusal

HOSTILE = {
    "empty": "",
    "not UTF-8": b"\xff\xfe",
    "null bytes": "summary = \x00",
    "deep list": "x = " + "[" * 5000 + "]" * 5000,
    "deep list that fits": "plan = " + "[" * 200 + "]" * 200,
    "deep table": "x = " + "{a=" * 5000 + "1" + "}" * 5000,
    "deep key": ".".join("a" * 3000) + " = 1",
    "too large": "#" * 1_000_001,
    "huge whole number": GOOD.replace("9.0", "9" * 5000),
    "huge hexadecimal number": GOOD.replace("9.0", "0x" + "f" * 5000),
    "huge number in a list": GOOD.replace('"near(top)"', "0x" + "f" * 5000),
    "a path for a model": GOOD.replace('"cube"', '"../robots/panda/panda"'),
    "an absolute path for a model": GOOD.replace('"cube"', '"/etc/passwd"'),
    "a module for a model": GOOD.replace('"cube"', '"canary:Model"'),
    "a module for a skill": GOOD.replace("pick(top)", "canary.run(top)"),
    "a path for an object": GOOD.replace("[objects.top]", '[objects."../top"]'),
    "huge model": GOOD.replace('"cube"', '"' + "c" * 500_000 + '"'),
    "huge key": GOOD.replace("max_s", "m" * 500_000),
    "key with a line break": GOOD.replace("max_s", r'"a\nb\u001b[31m"'),
    "long call": GOOD.replace("pick(top)", "pick(" + "a, " * 100_000 + ")"),
    "deep call": GOOD.replace("pick(top)", "f(" * 5000 + ")" * 5000),
    "date": GOOD.replace("9.0", "1979-05-27 07:32:00"),
    "array of tables": GOOD.replace("[objects.top]", "[[objects.top]]"),
    "objects that are a number": "objects = 3\ngoal = 4\nstart = 5\nplan = 6\nstages = 7",
    "thousands of problems": "\n".join(f"k{i} = 1" for i in range(3000)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_refused_in_short_lines(name: str, tmp_path: Path) -> None:
    said = refusal(tmp_path, HOSTILE[name])
    for line in said.split("\n"):
        assert re.match(r"task\.toml(:\d+)?: ", line)
        assert len(line) < 400
        assert line.isprintable()


@pytest.mark.parametrize(
    "name", ["../../secret", "/etc/passwd", "canary:Task", "tabletop/reach_cube"]
)
def test_a_name_is_no_path_and_no_module(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "canary.py").write_text("raise SystemExit('it was imported')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    good = {"--policy": "zero", "--task": "reach_cube"}
    for option in ("--policy", "--task", "--suite", "--variation", "--engine", "--renderer"):
        if option == "--policy" and ":" in name:
            continue  # a policy may be anything that can be imported
        asked = {**good, option: name}
        if option == "--suite":
            del asked["--task"]
        args = [word for pair in asked.items() for word in pair]
        assert main(["run", *args, "--episodes", "1", "--no-video"]) == 2, option
        assert f'"{name}"' in capsys.readouterr().err
    assert "canary" not in sys.modules
    assert [path.name for path in tmp_path.iterdir()] == ["canary.py"]


def test_a_task_file_can_name_no_model_that_is_not_the_benchmarks() -> None:
    with pytest.raises(UsageError, match="no task"):
        task("../../secret")


CARDS = {
    "deep list": "x = " + "[" * 100_000,
    "huge number": "x = " + "9" * 5000,
    "not UTF-8": b"\xff\xfe",
    "too large": "#" * 1_000_001,
    "a path for another policy": 'same_as = "../pi0"',
    "an absolute path for another policy": 'same_as = "/etc"',
    "a path for eyes": '[eyes]\nname = "../policies/eyes"',
    "no tables": 'summary = "x."',
    "tables that are numbers": "eyes = 1\ntext = 2\nchunk = 3\nhead = 4",
}


@pytest.mark.parametrize("name", CARDS)
def test_a_hostile_card_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, home = CARDS[name], tmp_path / "policies" / "hostile"
    home.mkdir(parents=True)
    (home / card.CARD).write_bytes(text if isinstance(text, bytes) else text.encode())
    monkeypatch.setattr(folders, "root", lambda: tmp_path)
    with pytest.raises(UsageError, match="hostile"):
        load_policy(home)
    said = registry.summary("hostile").removesuffix(" No weights yet: train hostile.")
    assert said in ("its card cannot be read", "", "x.")


def test_a_card_that_is_the_same_as_itself_has_no_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "policies" / "hostile"
    home.mkdir(parents=True)
    (home / card.CARD).write_text('same_as = "hostile"')
    monkeypatch.setattr(folders, "root", lambda: tmp_path)
    with pytest.raises(UsageError, match="hostile has no weights of its own"):
        card.read(home)


def test_a_card_cannot_say_where_its_weights_are(tmp_path: Path) -> None:
    (tmp_path / card.CARD).write_text('weights = "/etc/passwd"')
    with pytest.raises(UsageError, match="weights: unknown key"):
        card.read(tmp_path)
