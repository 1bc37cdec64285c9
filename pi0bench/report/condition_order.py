"""In which order the conditions of a table stand."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from pi0bench.report.success_rows import Row


def ordered(blocks: Sequence[Sequence[Row]]) -> list[Sequence[Row]]:
    """Sort conditions by world, then role, then success, those that compete first.

    A policy stands where its best condition belongs, so that its samplers stay together, and a
    sampler's step counts rise.

    Args:
        blocks: the rows of each condition, of which the last is over all its tasks.
    """
    by_policy = _best(blocks, lambda r: (r.condition.world, r.condition.policy))
    by_curve = _best(blocks, lambda r: r.condition.curve)

    def key(block: Sequence[Row]) -> tuple[object, ...]:
        total, of = block[-1], block[-1].condition
        best = by_policy[of.world, of.policy], by_curve[of.curve]
        return of.world, total.role.place, -best[0], of.policy, -best[1], of.solver, of.steps

    return sorted(blocks, key=key)


def _best(
    blocks: Sequence[Sequence[Row]], group: Callable[[Row], Hashable]
) -> dict[Hashable, float]:
    """The highest rate of each group; below 0 where nothing was measured."""
    found: dict[Hashable, float] = {}
    for *_, total in blocks:
        rate = -1.0 if total.rate is None else total.rate
        found[group(total)] = max(rate, found.get(group(total), rate))
    return found
