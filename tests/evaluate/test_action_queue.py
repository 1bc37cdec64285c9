"""Which action is carried out when: the policy's actions are the numbers of their own steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from pi0bench.evaluate.action_queue import DECAY
from pi0bench.evaluate.clocks import CLOCKS
from pi0bench.evaluate.episode_loop import run
from pi0bench.evaluate.plan_timing import Stopwatch
from pi0bench.policy.policy_protocol import Committed
from pi0bench.records.record import Cell, Record
from tests.evaluate.stamped_episodes import HORIZON, StampedTask, Stamping, cell

OVERLAPPED = [name for name, clock in CLOCKS.items() if clock.overlaps]
PACES = [(d, s) for s in (1, 2, 4, 8) for d in range(s + 1) if d > 0]
Told = list[tuple[float, ...]]


def played(
    cells: Sequence[Cell], task: StampedTask | None = None, abreast: int = 8, **traits: Any
) -> tuple[list[Record], list[Told], Stamping]:
    """Records and what was told, by episode, and the policy."""
    task, policy = task or StampedTask(), Stamping(**traits)
    ends = list(run(cells, policy, task, None, Stopwatch(), abreast=abreast))
    records = sorted((end.record for end in ends), key=lambda record: record.cell.episode)
    return records, [task.episodes[number].told for number in sorted(task.episodes)], policy


def alone(**time: Any) -> tuple[Record, Told]:
    [record], [told], _ = played([cell(1, **time)])
    assert record.fault == ""
    return record, told


@pytest.mark.parametrize("clock", OVERLAPPED)
@pytest.mark.parametrize(("delay", "execute"), PACES)
def test_what_goes_on_is_the_action_of_its_own_step(clock: str, delay: int, execute: int) -> None:
    record, told = alone(clock=clock, delay=delay, execute=execute)
    assert [action[:2] for action in told[:delay]] == [(0, 0)] * delay
    first = [action[0] for action in told[delay:execute]]
    assert first == list(range(execute - delay)), "from standstill a plan begins at its beginning"
    late = [action[0] for action in told[execute : execute + delay]]
    assert late == [k - delay for k in range(execute, execute + delay)]
    after = delay + (HORIZON if CLOCKS[clock].averages else execute)
    assert [action[0] for action in told[after:]] == pytest.approx(range(after, record.length))
    if not CLOCKS[clock].averages:
        ages = {k - (action[1] - 1) for k, action in enumerate(told) if k >= after}
        assert ages == set(range(delay, delay + execute))
    assert (record.held, record.replans) == (delay, -(-record.length // execute))


@pytest.mark.parametrize(("delay", "execute"), [*PACES, (5, 2), (20, 4)])
def test_who_stops_to_think_follows_each_plan_from_its_beginning(delay: int, execute: int) -> None:
    record, told = alone(clock="hold", delay=delay, execute=execute)
    for k, action in enumerate(told):
        turn, place = divmod(k, execute + delay)
        look = turn * (execute + delay)
        gripper = told[look - 1][2] if look else 1.0
        held = (0, 0, gripper)
        assert action == (held if place < delay else (k - delay, look + 1, delay - k))
    assert record.held == sum(k % (execute + delay) < delay for k in range(record.length))


def test_the_world_that_waits_ages_by_what_is_executed_alone() -> None:
    record, told = alone(execute=4)
    assert [action[0] for action in told] == list(range(record.length))
    assert {k - (action[1] - 1) for k, action in enumerate(told)} == {0, 1, 2, 3}
    assert record.held == 0


@pytest.mark.parametrize("clock", ["hold", "async", "inpaint"])
@pytest.mark.parametrize("execute", [1, 3, 8])
def test_without_a_delay_nothing_can_go_on(clock: str, execute: int) -> None:
    assert alone(clock=clock, execute=execute)[1] == alone(execute=execute)[1]


@pytest.mark.parametrize("clock", [name for name, clock in CLOCKS.items() if not clock.waits])
def test_the_first_plan_is_that_of_the_world_that_waits_so_many_steps_late(clock: str) -> None:
    (_, still), (_, late) = alone(), alone(clock=clock, delay=3)
    assert late[3:8] == still[:5]


@pytest.mark.parametrize("clock", CLOCKS)
def test_neighbours_and_their_number_change_nothing(clock: str) -> None:
    lengths: Callable[[int], int] = lambda number: 5 + 7 * number  # noqa: E731
    time = {} if CLOCKS[clock].waits else {"clock": clock, "delay": 2}
    cells = [cell(number, **time) for number in range(6)]
    together = played(cells, StampedTask(lengths))[:2]
    assert played(cells[::-1], StampedTask(lengths), abreast=2)[:2] == together
    for number, (record, told) in enumerate(zip(*together, strict=True)):
        assert played([cells[number]], StampedTask(lengths))[:2] == ([record], [told])
        assert record.length == lengths(number)


def test_a_mean_is_of_all_plans_that_have_come_the_oldest_the_most() -> None:
    """Each look's plan says its own number in the second place, 1 + look."""
    _, told = alone(clock="ensemble", delay=2, execute=4)
    weights = np.exp(-DECAY * np.arange(4))
    for k in range(20, 48):
        newest = (k - 2) // 4 * 4
        looks = np.array([look for look in range(newest - 12, newest + 1, 4) if k < look + HORIZON])
        used = weights[: len(looks)]
        assert told[k][1] == pytest.approx(1 + (looks @ used) / used.sum())
    assert alone(clock="ensemble", execute=1)[1] != alone(execute=1)[1]


def test_who_is_guided_is_shown_what_the_robot_goes_on_with() -> None:
    shown: list[Committed] = []

    class Guided(Stamping):
        def plan(self, observations: Any, noise: Any, steps: int, solver: str) -> Any:
            shown.extend(seen.committed for seen in observations)
            return super().plan(observations, noise, steps, solver)

    [end] = run([cell(clock="rtc", delay=3)], Guided(), StampedTask(), None, Stopwatch())
    assert end.record.fault == ""
    first, second, third = shown[-7:-4]
    assert first.actions.shape == (0, 3)
    # Plan 0 began three steps late, and so lasts three steps longer.
    assert second.actions[:, 0].tolist() == list(range(8 - 3, HORIZON))
    assert third.actions[:, 0].tolist() == list(range(16, 8 + HORIZON))
    assert {(c.delay, c.execute, c.guidance) for c in shown} == {(3, 8, "soft")}
    [end] = run([cell(clock="async", delay=3)], Guided(), StampedTask(), None, Stopwatch())
    assert shown[-1] is None


def test_an_episode_that_ends_in_a_turn_has_asked_for_its_plan() -> None:
    [record], _, policy = played([cell(clock="async", delay=4)], StampedTask(lambda _: 18))
    assert (record.replans, policy.looks[-3:]) == (3, [0, 8, 16])
    [record], _, _ = played([cell(clock="hold", delay=4)], StampedTask(lambda _: 14))
    assert (record.replans, record.held, record.length) == (2, 6, 14)


def test_a_plan_that_is_not_sound_ends_the_episode_at_its_look() -> None:
    class Failing(Stamping):
        def plan(self, observations: Any, noise: Any, steps: int, solver: str) -> Any:
            made = super().plan(observations, noise, steps, solver)
            return made if observations[0].step < 16 else None

    task, policy = StampedTask(), Failing()
    [end] = run([cell(clock="async", delay=3)], policy, task, None, Stopwatch())
    assert (end.record.status, end.record.length, end.record.replans) == ("policy_fault", 16, 3)
    assert end.record.fault == "plan: expected a Plan, got NoneType"


def test_a_chunk_that_does_not_last_is_the_policys_fault() -> None:
    [record], _, _ = played([cell(clock="async", delay=4)], horizon=10)
    assert record.fault == "actions: expected floats (1, 12 or more, 3), got float64 (1, 10, 3)"


def test_what_was_clipped_is_counted_where_it_is_carried_out() -> None:
    class Wide(Stamping):
        def plan(self, observations: Any, noise: Any, steps: int, solver: str) -> Any:
            made = super().plan(observations, noise, steps, solver)
            made.actions[:, 9, 0] = 2e3
            return made

    [end] = run([cell(clock="async", delay=3)], Wide(), StampedTask(), None, Stopwatch())
    assert end.record.clipped == 5  # action 9 of a plan is carried out while the next is made
