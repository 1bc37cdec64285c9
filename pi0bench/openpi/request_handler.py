"""What a client of ours may ask, and what it is answered: one observation in, one chunk out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi0bench.content.code_digest import code_digest
from pi0bench.openpi.client_episodes import Episodes
from pi0bench.openpi.key_mapping import OWN
from pi0bench.openpi.msgpack_codec import MalformedError
from pi0bench.policy.policy_protocol import PROPRIO_DIM, Observation, Policy
from pi0bench.policy.registry import origin
from pi0bench.version import version

_MAX_STATE = 1000.0
"""Metres, and what else proprioception measures; far more than any robot's is."""
_MAX_STEPS = 200
"""Seconds on one thread; whoever else asks waits for them."""
_MAX_PROMPT = 1000
_MAX_WORDS = 16
"""Of a seed and of its spawn key."""


def metadata(policy: Policy) -> dict[str, Any]:
    """What a client is told first: a map that other clients may ignore."""
    traits = policy.traits
    return {
        OWN: {
            "version": version(),
            "code": code_digest(),
            "policy": policy.name,
            "package": origin(policy.name),
            "weights": traits.weights,
            "image_side": traits.image_side,
            "n_obs_steps": traits.n_obs_steps,
            "obs_stride": traits.obs_stride,
            "state_dim": PROPRIO_DIM,
            "action_dim": 7,
            "execute": traits.execute,
            "steps": traits.steps,
            "solvers": list(traits.solvers),
            "role": str(traits.role),
        }
    }


def answer(policy: Policy, message: Any, episodes: Episodes) -> dict[str, Any]:
    """Plan for a client's observation.

    Args:
        policy: that is served.
        message: `observation/image` and `observation/wrist_image`, (side, side, 3) uint8,
            `observation/state`, (13,), and `prompt`; if it likes, `steps` and `solver`, and the
            `noise`, a NumPy seed sequence's `entropy` and `spawn_key`; for policies with a history
            the `episode`, a name, its `step`, and the `past` (see `Observation`), such messages.
        episodes: what the policy remembers of them.

    Raises:
        MalformedError: it is no such message; it says what would be.
        FloatingPointError: the policy's actions are not all finite.
    """
    traits, seen = policy.traits, episodes.place(_observations(policy, message), message)
    steps, solver = _steps(policy, message), _solver(policy, message)
    start_s = perf_counter()
    rows = max(1, traits.rows)
    noise = [_generator(message.get("noise")) for _ in range(rows)]
    plan = policy.plan([seen] * rows, noise, steps, solver)
    took_ms = 1000 * (perf_counter() - start_s)
    if not np.isfinite(plan.actions).all():
        raise FloatingPointError(f"{policy.name}: its actions are not all finite numbers")
    episodes.keep(seen, plan.memory[0] if plan.memory else None)
    evaluations = np.broadcast_to(np.asarray(plan.trunk_evaluations), rows)[0]
    return {
        "actions": np.ascontiguousarray(plan.actions[0]),
        "trunk_evaluations": int(evaluations),
        "policy_timing": {"infer_ms": took_ms},
    }


def _observations(policy: Policy, message: Any) -> Observation:
    """What is seen now, with what was before: where that is not told, nothing else was."""
    seen, earlier = _observation(policy, message), policy.traits.n_obs_steps - 1
    told = message.get("past")
    if told is None or not earlier:
        return replace(seen, past=(seen,) * earlier)
    if not isinstance(told, list) or len(told) != earlier:
        raise MalformedError(f"past: a list of {earlier}, the oldest first, would work")
    return replace(seen, past=tuple(_observation(policy, one) for one in told))


def _observation(policy: Policy, message: Any) -> Observation:
    if not isinstance(message, Mapping):
        raise MalformedError(f"an observation is a map, not {type(message).__name__}")
    side = policy.traits.image_side
    images = {}
    for name, key in (("front", "observation/image"), ("wrist", "observation/wrist_image")):
        if side:
            images[name] = _array(message, key, (side, side, 3), "uint8")
    state = _array(message, "observation/state", (PROPRIO_DIM,), "float32", "float64")
    for at, number in enumerate(state.tolist()):
        if not abs(number) <= _MAX_STATE:
            wanted = f"numbers from {-_MAX_STATE:g} to {_MAX_STATE:g} would work"
            raise MalformedError(f"observation/state: {wanted}, not {number:g}, its number {at}")
    prompt = message.get("prompt")
    if not isinstance(prompt, str):
        raise MalformedError(f"prompt: a text would work, not {type(prompt).__name__}")
    if len(prompt) > _MAX_PROMPT:
        wanted = f"a text of at most {_MAX_PROMPT} characters would work"
        raise MalformedError(f"prompt: {wanted}, not one of {len(prompt)}")
    return Observation(images, state.astype(np.float32), prompt)


def _array(
    message: Mapping[Any, Any], key: str, shape: tuple[int, ...], *dtypes: str
) -> NDArray[Any]:
    found = message.get(key)
    if not isinstance(found, np.ndarray):
        raise MalformedError(f"{key}: an array would work, not {type(found).__name__}")
    if found.shape != shape or found.dtype not in dtypes:
        wanted = f"{dtypes[0]} {shape} would work"
        raise MalformedError(f"{key}: {wanted}, not {found.dtype} {found.shape}")
    return found


def _steps(policy: Policy, message: Mapping[Any, Any]) -> int:
    steps, least = message.get("steps", policy.traits.steps), min(1, policy.traits.steps)
    if type(steps) is not int or not least <= steps <= _MAX_STEPS:
        wanted = f"a number from {least} to {_MAX_STEPS} would work"
        raise MalformedError(f"steps: {wanted}, not {_short(steps)}")
    return steps


def _solver(policy: Policy, message: Mapping[Any, Any]) -> str:
    known, solver = policy.traits.solvers, message.get("solver", "")
    if not isinstance(solver, str) or (solver and known and solver not in known):
        raise MalformedError(f"solver: {', '.join(known)} would work, not {_short(solver)}")
    return solver or (known[0] if known else "")


def _generator(told: Any) -> np.random.Generator:
    if told is None:
        return np.random.default_rng()
    if not isinstance(told, Mapping) or not {"entropy", "spawn_key"} <= told.keys():
        raise MalformedError("noise: entropy and spawn_key would work")
    entropy, key = told["entropy"], told["spawn_key"]
    for name, words in (
        ("entropy", [entropy] if type(entropy) is int else entropy),
        ("spawn_key", key),
    ):
        counts = isinstance(words, list) and all(type(word) is int and word >= 0 for word in words)
        if not counts or len(words) > _MAX_WORDS:
            wanted = f"at most {_MAX_WORDS} whole numbers from 0 would work"
            raise MalformedError(f"noise: {name}: {wanted}, not {_short(told[name])}")
    return np.random.default_rng(np.random.SeedSequence(entropy, spawn_key=tuple(key)))


def _short(value: Any) -> str:
    """What was said, in few characters however long it was."""
    said = repr(value)
    return said if len(said) <= 80 else f"{said[:77]}..."
