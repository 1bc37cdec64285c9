"""A policy behind openpi's websocket protocol, as one of ours."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from time import monotonic, sleep
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import numpy as np
from numpy.typing import NDArray
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection, connect

from pi0bench.errors import UsageError, unknown
from pi0bench.openpi.codec import MalformedError, pack, unpack
from pi0bench.openpi.mapping import OWN, Dialect, dialect, dialects
from pi0bench.policies.policy import Observation, Plan, PolicyLostError, Traits

SCHEME, PORT = "openpi", 8000
TOKEN = "PI0BENCH_TOKEN"
"""The environment variable with the key that a server may ask for."""

FIRST_S, PATIENCE_S, DEADLINE_S = 5.0, 45.0, 30.0
_MAX_REPLY_BYTES = 2**20
_OPTIONS = ("mapping", "deadline_s")


class RemotePolicy:
    """A policy that plans elsewhere (see `pi0bench.policies.policy.Policy`).

    Args:
        name: openpi://HOST:PORT, and after a question mark `mapping`, a name or a file (see
            `pi0bench.openpi.mapping`), which our own servers do not need, and `deadline_s` of one
            reply.

    Raises:
        UsageError: the name is no such thing, nobody answers there, or the answers are not what
            the mapping says.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._host, self._port, options = _parsed(name)
        self._deadline_s = float(options.get("deadline_s", DEADLINE_S))
        self._connection: ClientConnection | None = None
        self._metadata: Mapping[str, Any] | None = None
        try:
            self._metadata = self._connected(FIRST_S)
        except PolicyLostError as error:
            raise UsageError(
                f"{name}: {error}; start one there, such as pi0bench serve --policy pi0"
            ) from None
        own = self._metadata.get(OWN)
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
            PolicyLostError: the connection is lost, or was and cannot be had again.
            TimeoutError: a reply takes longer than the deadline.
            ValueError: a reply is no sound one.
        """
        rows, evaluations, server_ms = [], [], 0.0
        for seen, rng in zip(observations, noise, strict=True):
            message = self._dialect.message(seen)
            if self._own:
                message |= {"noise": _seed(rng), "steps": steps, "solver": solver}
            reply = self._reply(message)
            rows.append(self._dialect.actions(_actions(reply), seen)[: self.traits.execute])
            evaluations.append(int(reply.get("trunk_evaluations", 0)))
            server_ms += _infer_ms(reply)
        if len({len(row) for row in rows}) > 1:
            raise ValueError("actions: chunks of different lengths")
        return Plan(np.stack(rows), np.array(evaluations), {"server": server_ms})

    def _traits(self) -> Traits:
        own, spoken = self._own, self._dialect
        return Traits(
            weights=str(own.get("weights", "none")),
            image_side=int(own.get("image_side", spoken.image_side)),
            execute=int(own.get("execute", spoken.execute)),
            steps=int(own.get("steps", 0)),
            solvers=tuple(map(str, own.get("solvers", ()))),
        )

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
        felt, joints_rad = np.zeros(10, np.float32), np.zeros(7, np.float32)
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

    def _reply(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        self._connected(PATIENCE_S)
        connection = self._connection
        assert connection is not None
        try:
            connection.send(pack(message))
            data = connection.recv(timeout=self._deadline_s)
        except TimeoutError:
            self._drop()  # so that a late reply is never taken for the next one
            raise TimeoutError(f"no reply within {self._deadline_s:g} s") from None
        except ConnectionClosed as closed:
            self._drop()
            if closed.sent and closed.sent.code == 1009:
                raise ValueError(f"a reply of more than {_MAX_REPLY_BYTES} bytes") from None
            raise PolicyLostError(f"{self.name}: the connection was lost: {closed}") from None
        if isinstance(data, str):
            self._drop()
            raise ValueError(f"the server failed: {(data.strip().splitlines() or ['?'])[-1]}")
        try:
            reply = unpack(data)
        except MalformedError:
            self._drop()
            raise
        if not isinstance(reply, Mapping):
            raise MalformedError(f"a reply is a map, not {type(reply).__name__}")
        return reply

    def _connected(self, patience_s: float) -> Mapping[str, Any]:
        """The server's metadata, of a connection that is there or is made.

        Raises:
            PolicyLostError: there is none within that time.
            UsageError: something else answers now.
        """
        if self._connection is not None and self._metadata is not None:
            return self._metadata
        until_s, wait_s = monotonic() + patience_s, 0.1
        while True:
            try:
                self._connection, found = self._greeted()
                break
            except (OSError, WebSocketException, MalformedError) as error:
                if monotonic() + wait_s > until_s:
                    where = f"{self._host}:{self._port}"
                    raise PolicyLostError(f"no openpi server at {where} ({error})") from None
                sleep(wait_s)
                wait_s = min(2 * wait_s, 2.0)
        if self._metadata is not None and found != self._metadata:
            raise UsageError(f"{self.name}: another policy is served there now; start the run anew")
        return found

    def _greeted(self) -> tuple[ClientConnection, Mapping[str, Any]]:
        key = os.environ.get(TOKEN)
        with ExitStack() as opened:
            connection = opened.enter_context(
                connect(
                    f"ws://{self._host}:{self._port}",
                    compression=None,
                    max_size=_MAX_REPLY_BYTES,
                    ping_interval=None,  # a server that computes answers none; see the deadline
                    open_timeout=FIRST_S,
                    additional_headers={"Authorization": f"Api-Key {key}"} if key else None,
                )
            )
            found = unpack(_bytes(connection.recv(timeout=FIRST_S)))
            if not isinstance(found, Mapping):
                raise MalformedError("its first message is no map")
            opened.pop_all()
        return connection, found

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


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


def _actions(reply: Mapping[str, Any]) -> NDArray[Any]:
    found = reply.get("actions", reply.get("action"))
    if not isinstance(found, np.ndarray):
        raise ValueError(f"actions: expected an array, got {type(found).__name__}")
    return found


def _infer_ms(reply: Mapping[str, Any]) -> float:
    timing = reply.get("server_timing")
    took_ms = timing.get("infer_ms") if isinstance(timing, Mapping) else None
    return float(took_ms) if isinstance(took_ms, int | float) and took_ms >= 0 else 0.0


def _bytes(data: str | bytes) -> bytes:
    if isinstance(data, str):
        raise MalformedError(f"its first message is text: {data[:80]}")
    return data
