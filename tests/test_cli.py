from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from pi0bench import __version__
from pi0bench.cli import COMMANDS, main
from pi0bench.machine.instruction_set import environment
from pi0bench.records.run_folder import RunFolder


def exit_code(*args: str) -> int:
    try:
        return main(args)
    except SystemExit as ended:  # tyro's way
        return int(ended.code or 0)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ("--policy expret", 'no policy "expret"; did you mean "expert"?'),
        ("--policy expert --suite tabletap", 'no suite "tabletap"; did you mean "tabletop"?'),
        ("--policy expert --task reach_cub", 'no task "reach_cub"; did you mean "reach_cube"?'),
        ("--policy expert --engine bullet", 'no engine "bullet"; did you mean "pybullet"?'),
        ("--policy expert --renderer vulkan", 'no renderer "vulkan"; known: auto, gl, tiny'),
        ("--policy expert --steps 0", "--steps: 0 is too few; give a number from 1"),
        ("--policy expert --steps 5 -1", "--steps: -1 is too few; give a number from 1"),
        ("--policy expert --episodes 0", "--episodes: 0 is too few; give a number from 1"),
        ("--policy expert --workers 0", "--workers: 0 is too few; give a number from 1"),
        ("--policy expert --batch 0", "--batch: 0 is too few; give a number from 1"),
        ("--policy expert --seed -1", "--seed: -1 is negative; give a number from 0"),
        (
            "--policy expert --shard 3/2",
            '--shard: "3/2" is no part; give one such as 2/8, from 1/8 to 8/8',
        ),
    ],
)
def test_bad_input_exits_2_and_says_what_would_work(
    args: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert exit_code("run", *args.split()) == 2
    captured = capsys.readouterr()
    assert captured.err == f"pi0bench: {message}\n"
    assert captured.out == ""
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("args", ["", "rum", "run", "run --policy expert --episodes many"])
def test_a_wrong_command_line_exits_2(args: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(*args.split()) == 2
    assert capsys.readouterr().err


def test_a_run_from_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    args = "run --policy expert zero --task reach_cube --quick --renderer tiny --workers 1"
    assert exit_code(*args.split()) == 0
    folder = tmp_path / "runs" / "expert+zero-reach_cube-mujoco-tiny-episodes5"
    assert len(RunFolder(folder).records()) == 10
    assert not (folder / "videos").exists()
    out = capsys.readouterr().out
    assert "10 episodes: expert, zero on reach_cube (5 each) in mujoco, drawn by tiny" in out
    assert "Success in %, reach_cube, 5 episodes a task" in out
    assert f"{folder.relative_to(tmp_path)}: index.html, table.md, table.tex" in out


def test_a_mistake_of_ours_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> int:
        raise RuntimeError("no idea")

    monkeypatch.setitem(COMMANDS, "list", fail)
    assert exit_code("list") == 1
    told = capsys.readouterr().err
    assert told.startswith("pi0bench: internal error: RuntimeError: no idea (test_cli.py:")
    assert told.count("\n") == 1


def test_list_names_everything(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("list") == 0
    out = capsys.readouterr().out
    assert all(name in out for name in ("expert", "random", "zero", "tabletop", "reach_cube"))


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("--version") == 0
    assert capsys.readouterr().out == f"pi0bench {__version__}\n"


def command(*args: str) -> list[str]:
    return [sys.executable, "-m", "pi0bench.cli", *args]


def test_help_is_quick(checkout: Path) -> None:
    """By processor time: others may be busy."""
    took_s = []
    for _ in range(2):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(command("--help"), capture_output=True, text=True, cwd=checkout)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took_s.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        assert done.returncode == 0
        assert "run" in done.stdout
    assert min(took_s) < 1.0


def test_check_exits_2_on_a_broken_file_and_0_on_a_good_one(
    tmp_path: Path, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text('summary = "x"\nplan = ["pick(cube)"]\n')
    assert exit_code("check", str(broken)) == 2
    said = capsys.readouterr().out
    assert f'{broken}:1: goal: "goal" is missing' in said
    assert f'{broken}:2: plan.0: no object "cube"' in said
    assert exit_code("check", str(checkout / "tasks/tabletop/reach_cube.toml")) == 0


@pytest.mark.parametrize(("command", "pinned"), [("train", False), ("tune", False), ("run", True)])
def test_training_uses_what_the_processor_has(command: str, pinned: bool) -> None:
    code = (
        "import os, pi0bench.cli as cli; "
        f"cli.main(['{command}', '--help']); print('OMP_NUM_THREADS' in os.environ)"
    )
    free = {name: x for name, x in os.environ.items() if name not in environment()}
    ran = subprocess.run(
        [sys.executable, "-c", code], env=free, capture_output=True, text=True, check=True
    )
    assert ran.stdout.splitlines()[-1] == str(pinned)
