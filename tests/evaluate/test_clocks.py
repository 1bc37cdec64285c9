"""What goes on while a policy plans: what can be asked for, and that a run depends on it alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from pi0bench.envs.physics import ENGINES
from pi0bench.errors import UsageError
from pi0bench.evaluate.action_queue import ActionQueue
from pi0bench.evaluate.ask_policy import Chunk
from pi0bench.evaluate.cells import Settings, expand, left_out
from pi0bench.evaluate.clocks import CLOCKS, Pace
from pi0bench.evaluate.folder_names import folder_name
from pi0bench.evaluate.rollout import Rollout
from pi0bench.evaluate.run_options import How
from pi0bench.policy import registry
from pi0bench.policy.policy_protocol import Traits
from pi0bench.records.manifest import MEANWHILE
from pi0bench.records.merge import command
from pi0bench.records.record import Record
from pi0bench.records.run_folder import RunFolder
from pi0bench.report.device_lookup import GRADIENT
from pi0bench.task.task_files import task
from tests.runs import run

TRAITS = {
    "pi0": Traits(execute=8, horizon=16, guidable=True, draws=True),
    "openvla": Traits(execute=8, horizon=8),
}


def asked(*policies: str, **settings: Any) -> Settings:
    given = {"renderer": "tiny", "episodes": 1, **settings}
    return Settings(policies or ("pi0",), ("reach_cube",), **given)


def times(settings: Settings) -> list[tuple[str, int, int]]:
    cells = expand(settings, TRAITS, [task("reach_cube")])
    return [(cell.clock, cell.delay, cell.execute) for cell in cells]


def test_without_a_delay_every_clock_is_the_world_that_waits() -> None:
    settings = asked(clocks=("still", "hold", "async"), delays=(0, 1, 4))
    assert times(settings) == [
        ("still", 0, 0),
        *(("hold", 1, 0), ("hold", 4, 0)),
        *(("async", 1, 0), ("async", 4, 0)),
    ]
    [plain] = expand(asked(), TRAITS, [task("reach_cube")])
    assert expand(asked(clocks=("async",), delays=(0, 1)), TRAITS, [task("reach_cube")])[0] == plain
    assert not {"clock", "delay", "execute"} & plain.told().keys()


def test_what_leans_on_the_plan_before_does_so_without_a_delay_too() -> None:
    settings = asked(clocks=("still", "ensemble", "inpaint", "rtc", "bid"), delays=(0, 1))
    assert times(settings) == [
        ("still", 0, 0),
        *((clock, delay, 0) for clock in ("ensemble",) for delay in (0, 1)),
        ("inpaint", 1, 0),
        *((clock, delay, 0) for clock in ("rtc", "bid") for delay in (0, 1)),
    ]


def test_what_a_policy_executes_itself_is_the_usual() -> None:
    assert times(asked(executes=(1, 8))) == [("still", 0, 1), ("still", 0, 0)]


def test_what_cannot_be_is_left_out_and_told() -> None:
    settings = asked(clocks=("async",), delays=(1, 4), executes=(2, 8, 14))
    assert times(settings) == [("async", 1, 2), ("async", 1, 0), ("async", 1, 14), ("async", 4, 0)]
    assert left_out(settings, TRAITS) == [
        "--clock async: pi0, delay 4, execute 2: a plan would be asked for before the last one has "
        "come; --execute 4 to 12 would work",
        "--clock async: pi0, delay 4, execute 14: takes chunks of 18 actions, and there are 16; "
        "--execute 4 to 12 would work",
    ]
    assert left_out(asked(), TRAITS) == []


@pytest.mark.parametrize(
    ("policy", "wrong", "message"),
    [
        ("openvla", {"clocks": ("async",), "delays": (1,)}, "takes chunks of 9 .* 1 to 7 would"),
        ("pi0", {"clocks": ("async",), "delays": (9,)}, "delay of at most 8 would work"),
        ("pi0", {"executes": (17,)}, "takes chunks of 17 .*--execute 1 to 16 would work"),
        ("openvla", {"clocks": ("rtc",)}, "--clock rtc: openvla, nothing guides its head; flow"),
        ("openvla", {"clocks": ("inpaint",), "delays": (1,)}, "nothing guides its head"),
        (
            "openvla",
            {"clocks": ("bid",)},
            "openvla, its plans are not drawn by chance",
        ),
        ("pi0", {"clocks": ("rest",)}, "--clock: no clock .*rest.*hold"),
        ("pi0", {"delays": (1,)}, "--delay: the world of --clock still waits; name one of hold"),
        ("pi0", {"clocks": ("still", "hold")}, "--clock hold: takes a --delay, such as 1 2 4"),
        ("pi0", {"clocks": ("hold",), "delays": (-1,)}, "--delay: -1 is negative"),
        ("pi0", {"executes": (0,)}, "--execute: 0 is too few"),
    ],
)
def test_times_that_nobody_can_keep_are_refused(
    policy: str, wrong: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        times(asked(policy, **wrong))


def test_a_folder_a_manifest_and_a_command_tell_what_is_not_usual() -> None:
    settings = asked(clocks=("still", "async"), delays=(1, 2), executes=(4,))
    assert folder_name(settings) == (
        "pi0-reach_cube-mujoco-tiny-still+async-delay1+2-execute4-episodes1"
    )
    assert {"clocks", "delays", "executes"} <= settings.told().keys()
    assert not {"clocks", "delays", "executes"} & asked().told().keys()
    said = json.loads(json.dumps(settings.told()))
    assert "--clock still async --delay 1 2" in command(said)
    assert "--execute 4" in command(said)


def test_every_clock_is_told_in_words_and_by_what_it_costs() -> None:
    assert MEANWHILE.keys() == {name for name, clock in CLOCKS.items() if not clock.waits}
    assert set(GRADIENT) == {name for name, clock in CLOCKS.items() if clock.guidance == "soft"}


def test_how_an_environment_of_others_holds_still_is_not_known(tmp_path: Path) -> None:
    settings = Settings(("zero",), ("gymnasium/CartPole-v1",), clocks=("hold",), delays=(1,))
    with pytest.raises(UsageError, match="--clock: of an action of gymnasium/CartPole-v1 nobody"):
        run(settings, tmp_path / "out", How(video=False), Console(quiet=True))


@pytest.mark.parametrize("engine", ENGINES)
def test_to_hold_still_keeps_the_commanded_pose_and_the_hand(
    engine: str, cells_of: Callable[..., Any]
) -> None:
    [cell] = cells_of(registry.load("zero"), engine=engine, episodes=1)
    rollout, queue = Rollout(cell, task("reach_cube")), ActionQueue()
    moves = np.array([[0.4, -0.3, 0.5, 0.1, 0, 0.2, -0.2]] * 6)
    queue.take(Chunk(moves, None, 0, {}, Pace("hold", 0, 6)))
    wanted = []
    for turn in range(2):
        while queue:
            rollout.env.step(queue.next)
            queue.done()
            wanted.append(rollout.env.controller.state()[1:])  # pyright: ignore
        queue.take(Chunk(moves, None, 0, {}, Pace("hold", 8 * (1 - turn), 0)))
    (_, before), *_, (width_m, after) = wanted[5:]
    np.testing.assert_allclose(after.pos_m, before.pos_m, atol=1e-9)
    np.testing.assert_allclose(after.rot, before.rot, atol=1e-9)
    assert width_m == pytest.approx(0.4 * 0.08, abs=1e-3)
    rollout.close()


@pytest.fixture
def drawing(scripted: Callable[..., Any]) -> None:
    """A policy whose chunks are drawn anew at each look, from what it feels."""

    def act(observations: Any, noise: Any, _: int) -> Any:
        drawn = [
            rng.uniform(-1, 1, (16, 7)) * obs.proprio[0]
            for obs, rng in zip(observations, noise, strict=True)
        ]
        return np.stack(drawn)

    scripted(act, horizon=16, solvers=(), steps=0)


TIMED = asked(
    "scripted", clocks=("still", "hold", "async"), delays=(0, 2), executes=(4, 8), episodes=5
)


def measured(out: Path, batch: int = 5, settings: Settings = TIMED) -> list[Record]:
    assert run(settings, out, How(batch=batch, video=False), Console(quiet=True)) == 0
    return RunFolder(out).records()


@pytest.mark.usefixtures("drawing")
def test_records_depend_on_the_cell_alone(tmp_path: Path) -> None:
    whole = measured(tmp_path / "whole")
    assert len(whole) == 5 * 2 * 3
    assert measured(tmp_path / "in twos", batch=2) == whole
    torn = tmp_path / "torn"
    torn.mkdir()
    for name in ("manifest.json", "episodes.jsonl", "timings.jsonl"):
        lines = (tmp_path / "whole" / name).read_bytes().splitlines(keepends=True)
        (torn / name).write_bytes(b"".join(lines if name == "manifest.json" else lines[:13]))
    with (torn / "episodes.jsonl").open("ab") as file:
        file.write(b'{"key":"half a line')
    assert sorted(measured(torn), key=str) == sorted(whole, key=str)


@pytest.mark.usefixtures("drawing")
def test_a_run_grows_from_the_world_that_waits_and_names_what_does_not(tmp_path: Path) -> None:
    still = measured(tmp_path, settings=asked("scripted", episodes=5))
    plain = (tmp_path / "manifest.json").read_bytes()
    assert b"clock" not in plain
    every = measured(tmp_path)
    assert [r for r in every if (r.cell.clock, r.cell.execute) == ("still", 0)] == still
    held = {(r.cell.clock, r.cell.execute): r.held > 0 for r in every}
    assert held == {
        **{("still", 4): False, ("still", 0): False},
        **{(clock, execute): True for clock in ("hold", "async") for execute in (4, 0)},
    }
    words = (tmp_path / "table.md").read_text()
    for name in (
        "| scripted |",
        "| scripted · execute 4 |",
        "| scripted · async delay 2 execute 4 |",
    ):
        assert name in words
    assert "(hold: the robot holds still; async: it goes on with the plan before" in words
    assert "clock,delay,execute" in (tmp_path / "table.csv").read_text()
