"""What a sound plan is: nothing else of a policy's gets through to an environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi0bench.errors import Pi0benchError
from pi0bench.evaluate.fault_attribution import describe, of_machine
from pi0bench.policy.policy_protocol import Observation, Plan, Policy

_FLOATS = (np.float32, np.float64)
_PARTS = ("eyes", "prefix", "sampler", "server")


class PolicyFault(Exception):
    """The policy did not give a sound plan; the message says what was expected and what came."""


def planned(
    policy: Policy,
    seen: Sequence[Observation],
    noise: Sequence[np.random.Generator],
    steps: int,
    solver: str,
    needed: int,
) -> Plan:
    """Return the policy's plan, whose actions have the right form and may yet be infinite.

    Args:
        policy: that plans.
        seen: see `Policy.plan`.
        noise: see `Policy.plan`.
        steps: see `Policy.plan`.
        solver: see `Policy.plan`.
        needed: actions that a chunk must have at least.

    Raises:
        PolicyFault: they do not, or the policy raised something else than the next two.
        Pi0benchError: something that the user can mend.
        BaseException: what the machine is to blame for (see `pi0bench.evaluate.fault_attribution`).
    """
    rows, numbers = len(seen), len(seen[0].low)
    with policys_fault():
        plan = policy.plan(seen, noise, steps, solver)
        if not isinstance(plan, Plan):
            raise PolicyFault(f"plan: expected a Plan, got {type(plan).__name__}")
        actions, wanted = plan.actions, f"floats ({rows}, {needed} or more, {numbers})"
        if not isinstance(actions, np.ndarray):
            got = type(actions).__name__
            raise PolicyFault(f"actions: expected {wanted} in an array, got {got}")
        shape = actions.shape
        fits = len(shape) == 3 and shape[0] == rows and shape[2] == numbers
        if not (fits and shape[1] >= needed and actions.dtype in _FLOATS):
            raise PolicyFault(f"actions: expected {wanted}, got {actions.dtype} {shape}")
    return plan


@contextmanager
def policys_fault() -> Iterator[None]:
    """Blame the policy for what goes wrong meanwhile, but for what others are to blame for."""
    try:
        yield
    except (Pi0benchError, PolicyFault, KeyboardInterrupt):
        raise
    except BaseException as error:  # panics of Rust and SystemExit are no Exception
        if of_machine(error):
            raise
        raise PolicyFault(describe(error)) from error


def infinite(actions: NDArray[np.floating]) -> PolicyFault | None:
    """What is wrong with actions, of any shape, if they are not all finite."""
    wrong = np.count_nonzero(~np.isfinite(actions))
    if not wrong:
        return None
    return PolicyFault(
        f"actions: expected finite numbers, got {wrong} of {actions.size} that are not"
    )


def counts_of(told: object, rows: int) -> list[int]:
    """A number of evaluations for each row, of one for all or one for each."""
    if type(told) is int and told >= 0:
        return [told] * rows
    counts = np.asarray(told)
    whole = np.issubdtype(counts.dtype, np.integer) and counts.shape in ((), (rows,))
    if not whole or (counts < 0).any():
        got = f"{counts.dtype} {counts.shape}"
        raise PolicyFault(f"trunk_evaluations: expected counts, 1 or ({rows},), got {got}")
    return np.broadcast_to(counts, rows).tolist()


def memory_of(told: Any, rows: int) -> Sequence[Any]:
    """What each row's episode remembers."""
    if told is None:
        return [None] * rows
    if not isinstance(told, list | tuple) or len(told) != rows:
        got = f"{len(told)}" if isinstance(told, list | tuple) else type(told).__name__
        raise PolicyFault(f"memory: expected a list of {rows}, got {got}")
    return told


def spent_of(told: object) -> Mapping[str, float]:
    """Milliseconds by the part that took them."""
    parts: dict[Any, Any] = dict(told) if isinstance(told, Mapping) else {"": told}
    for name, ms in parts.items():
        if name not in _PARTS or not isinstance(ms, float | int) or not 0 <= ms < np.inf:
            wanted = f"milliseconds by {', '.join(_PARTS)}"
            raise PolicyFault(f"spent_ms: expected {wanted}, got {name!r}: {ms!r}")
    return parts
