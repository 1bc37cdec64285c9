"""A policy behind openpi's websocket protocol, as one of ours."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from pi0bench.content.code_digest import code_digest
from pi0bench.errors import UsageError, unknown
from pi0bench.openpi.connection import Connection
from pi0bench.openpi.key_mapping import OWN, Dialect, dialect, dialects
from pi0bench.policy.policy_protocol import (
    NONE,
    PROPRIO_DIM,
    Observation,
    Plan,
    PolicyLostError,
    Traits,
)
from pi0bench.policy_role import Role, role

SCHEME, PORT, DEADLINE_S = "openpi", 8000, 30.0
_OPTIONS = ("mapping", "deadline_s")
_MOST_EVALUATIONS = 10**6
_NUMBERS = int | float | np.integer | np.floating


class RemotePolicy:
    """A policy that plans elsewhere (see `pi0bench.policy.policy_protocol.Policy`).

    Args:
        name: openpi://HOST:PORT, and after a question mark `mapping`, a name or a file (see
            `pi0bench.openpi.key_mapping`), which our own servers do not need, and `deadline_s`
            of one reply.

    Raises:
        UsageError: the name is no such thing, nobody answers there, or the answers are not what
            the mapping says.
    """

    def __init__(self, name: str) -> None:
        self.name, self._id = name, uuid4().hex
        host, port, options = _parsed(name)
        try:
            self._deadline_s = float(options.get("deadline_s", DEADLINE_S))
            self._server = Connection(host, port, self._deadline_s)
        except PolicyLostError as error:
            raise UsageError(
                f"{name}: {error}; start one there, such as pi0bench serve --policy pi0 --port "
                f"{port}"
            ) from None
        own = self._server.metadata.get(OWN)
        self._own: Mapping[str, Any] = own if isinstance(own, Mapping) else {}
        self._dialect = self._speaks(options.get("mapping", OWN if self._own else ""))
        self.traits = self._traits()
        self._try()

    def plan(
        self,
        observations: Sequence[Observation],
        noise: Sequence[np.random.Generator],
        steps: int,
        solver: str,
    ) -> Plan:
        """Ask for each observation, one after the other; see `Policy.plan`.

        Raises:
            PolicyLostError: see `Connection.ask`.
            TimeoutError: likewise.
            ValueError: likewise.
        """
        rows, evaluations, server_ms = [], [], list[float | None]()
        for seen, rng in zip(observations, noise, strict=True):
            message = self._dialect.message(seen)
            if self._own:
                message |= {"noise": _seed(rng), "steps": steps, "solver": solver}
                message |= self._history(seen)
            reply = self._server.ask(message)
            rows.append(self._dialect.actions(_actions(reply), seen)[: self.traits.execute])
            evaluations.append(_evaluations(reply))
            server_ms.append(_infer_ms(reply, 1000 * self._deadline_s))
        if len({len(row) for row in rows}) > 1:
            raise ValueError("actions: chunks of different lengths")
        told = [ms for ms in server_ms if ms is not None]
        spent_ms = {"server": sum(told)} if len(told) == len(rows) else {}
        return Plan(np.stack(rows), np.array(evaluations), spent_ms)

    def _history(self, seen: Observation) -> dict[str, Any]:
        """What our own servers, who remember for many clients, must know of the episode."""
        past = [self._dialect.message(one) for one in seen.past]
        told = {"episode": f"{self._id}/{seen.episode}", "step": seen.step} if seen.episode else {}
        return {**told, "past": past} if past else told

    def _traits(self) -> Traits:
        own, spoken = self._own, self._dialect
        return Traits(
            weights=self._identity(),
            image_side=int(own.get("image_side", spoken.image_side)),
            n_obs_steps=int(own.get("n_obs_steps", 1)),
            obs_stride=int(own.get("obs_stride", 1)),
            execute=int(own.get("execute", spoken.execute)),
            steps=int(own.get("steps", 0)),
            solvers=tuple(map(str, own.get("solvers", ()))),
            role=role(own.get("role", Role.COMPETES), f"{self.name}: role"),
        )

    def _identity(self) -> str:
        """Our own servers' weights, as if they were here; else a hash of all that is known.

        So another policy behind the same address is another one, as far as its server tells.
        """
        own = {name: value for name, value in self._own.items() if name != "version"}
        if own.get("code") == code_digest() and own.get("weights", NONE) != NONE:
            return str(own["weights"])
        # Of ours, whose code is known, the version says no more.
        said = {**self._server.metadata, OWN: own if "code" in own else self._own}
        return hashlib.sha256(f"{_told(said)} {self._dialect}".encode()).hexdigest()[:12]

    def _speaks(self, mapping: str) -> Dialect:
        if not mapping:
            known = ", ".join(name for name in dialects() if name != OWN)
            raise UsageError(
                f"{self.name}: its server does not say what it understands; add ?mapping= and one "
                f"of {known}, or your own file"
            )
        return dialect(mapping)

    def _try(self) -> None:
        """See that an observation is answered by enough actions."""
        side, images = self.traits.image_side, dict[str, NDArray[np.uint8]]()
        if side:
            images = {name: np.zeros((side, side, 3), np.uint8) for name in ("front", "wrist")}
        felt, joints_rad = np.zeros(PROPRIO_DIM, np.float32), np.zeros(7, np.float32)
        seen = Observation(images, felt, "do nothing", joints_rad=joints_rad)
        try:
            solver = self.traits.solvers[0] if self.traits.solvers else ""
            rng = np.random.default_rng(0)
            plan = self.plan([seen], [rng], self.traits.steps, solver)
        except (PolicyLostError, TimeoutError, ValueError, KeyError) as error:
            raise UsageError(f"{self.name}: a first observation came to nothing: {error}") from None
        if plan.actions.shape[1] < self.traits.execute:
            raise UsageError(
                f"{self.name}: its chunks have {plan.actions.shape[1]} actions, and "
                f"{self.traits.execute} are to be executed of each"
            )


def _parsed(name: str) -> tuple[str, int, dict[str, str]]:
    parts = urlsplit(name)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    try:
        port = parts.port or PORT
        deadline_s = float(options.get("deadline_s", DEADLINE_S))
    except ValueError as error:
        raise UsageError(f"{name}: {error}") from None
    if parts.scheme != SCHEME or not parts.hostname or parts.path or parts.username:
        raise UsageError(f"{name}: give openpi://HOST:PORT, such as openpi://127.0.0.1:8000")
    for option in options:
        if option not in _OPTIONS:
            raise UsageError(f"{name}: {unknown('option', option, _OPTIONS)}")
    if not 0 < deadline_s < np.inf:
        raise UsageError(f"{name}: a deadline of {deadline_s:g} s cannot be kept; give seconds")
    return parts.hostname, port, options


def _seed(rng: np.random.Generator) -> dict[str, Any]:
    """What a fresh generator grew from, so that the server draws the same noise."""
    sequence: Any = rng.bit_generator.seed_seq
    return {"entropy": sequence.entropy, "spawn_key": list(sequence.spawn_key)}


def _told(said: Any) -> Any:
    """What a server says of itself, in an order and a form that only its content decides."""
    if isinstance(said, Mapping):
        return sorted((str(key), _told(value)) for key, value in said.items())
    if isinstance(said, list | tuple):
        return [_told(value) for value in said]
    if isinstance(said, np.ndarray):
        return [str(said.dtype), said.tolist()]
    return said


def _actions(reply: Mapping[str, Any]) -> NDArray[Any]:
    found = reply.get("actions", reply.get("action"))
    if not isinstance(found, np.ndarray):
        raise ValueError(f"actions: expected an array, got {type(found).__name__}")
    return found


# What a server says beside its actions decides no episode: where it cannot be, it is left out.


def _evaluations(reply: Mapping[str, Any]) -> int:
    told = reply.get("trunk_evaluations")
    return int(told) if isinstance(told, int | np.integer) and 0 <= told <= _MOST_EVALUATIONS else 0


def _infer_ms(reply: Mapping[str, Any], most_ms: float) -> float | None:
    """Milliseconds of the server's own work; None where it says none that can be."""
    timing = reply.get("server_timing")
    told = timing.get("infer_ms") if isinstance(timing, Mapping) else None
    return float(told) if isinstance(told, _NUMBERS) and 0 <= told <= most_ms else None
