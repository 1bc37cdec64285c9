"""The words decide: naming another cube makes the shipped policy fetch that one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pi0bench.envs.render.choose_renderer import make
from pi0bench.evaluate.ask_policy import Chunk, Question, ask
from pi0bench.policy import registry
from pi0bench.policy.policy_protocol import Observation
from pi0bench.random_streams import stream
from pi0bench.records.record import Cell
from pi0bench.task.predicates import inside
from pi0bench.task.start_states import place
from pi0bench.task.tabletop_episode import Tabletop
from pi0bench.task.task_files import task

EPISODES = 8


def fetched(swap: bool) -> list[str]:
    """Which cube lies in the bowl at the end of each episode; swapped, "other" is asked for."""
    spec, policy, renderer = task("cube_in_bowl"), registry.load("pi0"), make("tiny")
    envs = []
    for episode in range(EPISODES):
        layout = place(spec, stream("evaluation", 0, spec.id, episode))
        if swap:
            colors = {body.name: body.keypoints[0].name.split()[0] for body in layout.bodies}
            words = layout.instruction.replace(colors["target"], colors["other"])
            assert words != layout.instruction
            layout = replace(layout, instruction=words)
        envs.append(Tabletop(spec, layout, "mujoco"))
    side = policy.traits.image_side
    cell = Cell(policy.name, "", spec.id, "", "mujoco", "gl", "nominal", 0, 0, 1, "euler")
    for replan in range(envs[0].max_steps // policy.traits.execute):
        questions = [
            Question(
                Observation(env.images(renderer, side), env.proprio(), env.layout.instruction),
                lambda at=at, replan=replan: stream("noise", 0, spec.id, at, replan),
            )
            for at, env in enumerate(envs)
        ]
        for env, answer in zip(envs, ask(policy, questions, cell), strict=True):
            assert isinstance(answer, Chunk)
            for action in answer.actions:
                env.step(action)
    ends = [
        next((n for n in ("target", "other", "another") if inside(env.world, n, "bowl")), "none")
        for env in envs
    ]
    for env in envs:
        env.close()
    renderer.close()
    return ends


@pytest.mark.parametrize(("swap", "wanted"), [(False, "target"), (True, "other")])
@pytest.mark.usefixtures("one_thread")
def test_the_named_cube_is_fetched(swap: bool, wanted: str) -> None:
    ends = fetched(swap)
    assert ends.count(wanted) > EPISODES / 2, ends
    assert sum(ends.count(n) for n in {"target", "other", "another"} - {wanted}) <= 1, ends
