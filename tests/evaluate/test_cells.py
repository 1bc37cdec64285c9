from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from pi0bench.errors import UsageError
from pi0bench.evaluate.cells import Settings, batches, expand
from pi0bench.evaluate.folder_names import folder_name
from pi0bench.policy.policy_protocol import Traits
from pi0bench.task.task_files import task

TRAITS: Mapping[str, Traits] = {
    "expert": Traits(),
    "pi0": Traits(weights="ab12", steps=10, solvers=("euler", "heun")),
}


def test_every_combination_is_one_cell() -> None:
    settings = Settings(("pi0",), ("reach_cube", "cube_in_bowl"), episodes=3, steps=(1, 5))
    cells = expand(settings, TRAITS, [task(name) for name in settings.tasks])
    assert len({cell.key() for cell in cells}) == len(cells) == 2 * 3 * 2
    assert {(cell.weights, cell.solver) for cell in cells} == {("ab12", "euler")}
    assert {cell.task_hash for cell in cells} == {task(name).hash for name in settings.tasks}


def test_steps_are_the_policys_own_by_default_and_0_without_a_sampler() -> None:
    settings = Settings(("expert", "pi0"), ("reach_cube",), episodes=1)
    assert [cell.steps for cell in expand(settings, TRAITS, [task("reach_cube")])] == [0, 10]
    asked = Settings(("expert", "pi0"), ("reach_cube",), episodes=1, steps=(1, 2))
    assert [cell.steps for cell in expand(asked, TRAITS, [task("reach_cube")])] == [0, 1, 2]


def test_what_is_asked_twice_is_measured_once() -> None:
    settings = Settings(("pi0", "pi0"), ("reach_cube", "reach_cube"), steps=(2, 1, 2))
    assert (settings.policies, settings.tasks, settings.steps) == (
        ("pi0",),
        ("reach_cube",),
        (2, 1),
    )


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"episodes": 0}, "--episodes: 0 is too few; give a number from 1"),
        ({"steps": (1, 0)}, "--steps: 0 is too few; give a number from 1"),
        ({"steps": (-3,)}, "--steps: -3 is too few; give a number from 1"),
        ({"seed": -1}, "--seed: -1 is negative; give a number from 0"),
        ({"policies": ()}, "--policy: name at least one"),
        ({"tasks": ()}, "--task: name at least one"),
        ({"variations": ()}, "--variation: name at least one"),
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        Settings(**{"policies": ("pi0",), "tasks": ("reach_cube",), **wrong})
    assert str(caught.value) == message


def test_each_variation_has_its_own_cells_and_batches() -> None:
    asked = ("nominal", "light-2", "light-2")
    settings = Settings(("pi0",), ("reach_cube",), episodes=3, variations=asked)
    cells = expand(settings, TRAITS, [task("reach_cube")])
    assert [cell.variation for cell in cells] == ["nominal"] * 3 + ["light-2"] * 3
    assert len({cell.key() for cell in cells}) == 6
    assert [{cell.variation for cell in group} for group in batches(cells, 8)] == [
        {"nominal"},
        {"light-2"},
    ]
    assert folder_name(settings) == "pi0-reach_cube-mujoco-nominal+light-2-episodes3"


def test_batches_hold_episodes_of_one_condition() -> None:
    settings = Settings(("pi0",), ("reach_cube",), episodes=5, steps=(1, 2))
    cells = expand(settings, TRAITS, [task("reach_cube")])
    grouped = batches(cells, 4)
    assert [len(group) for group in grouped] == [4, 1, 4, 1]
    assert [cell for group in grouped for cell in group] == list(cells)
    assert all(len({cell.steps for cell in group}) == 1 for group in grouped)


def test_a_folder_is_named_by_the_settings() -> None:
    plain = Settings(("pi0",), ("reach_cube", "cube_in_bowl"))
    assert folder_name(plain, "tabletop") == "pi0-tabletop-mujoco"
    assert folder_name(plain) == "pi0-reach_cube+cube_in_bowl-mujoco"
    other = Settings(
        ("pi0", "expert"), ("reach_cube",), "pybullet", "tiny", episodes=5, steps=(1, 10), seed=3
    )
    name = folder_name(other)
    assert name == "pi0+expert-reach_cube-pybullet-tiny-steps1+10-episodes5-seed3"


def test_long_names_stay_short_and_apart() -> None:
    names = {
        folder_name(Settings(("pi0",), ("reach_cube",), steps=tuple(range(1, last))))
        for last in (98, 99)
    }
    assert len(names) == 2
    assert max(map(len, names)) < 140


def test_of_the_solvers_asked_for_each_policy_takes_those_that_it_can_use() -> None:
    traits = {**TRAITS, "ddim": Traits(weights="cd34", steps=10, solvers=("ddim", "ddpm"))}
    asked = Settings(
        ("expert", "pi0", "ddim"), ("reach_cube",), episodes=1, solvers=("heun", "ddpm")
    )
    cells = expand(asked, traits, [task("reach_cube")])
    assert [(cell.policy, cell.solver) for cell in cells] == [
        ("expert", "none"),
        ("pi0", "heun"),
        ("ddim", "ddpm"),
    ]
    with pytest.raises(UsageError, match="--solver: ddim can use ddim, ddpm"):
        expand(Settings(("ddim",), ("reach_cube",), solvers=("rk4",)), traits, [task("reach_cube")])
