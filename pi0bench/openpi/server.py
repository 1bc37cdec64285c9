"""Our policies for openpi's clients: one observation in, one chunk out."""

from __future__ import annotations

import asyncio
import errno
import hmac
import ipaddress
import os
import socket
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

import pi0bench
from pi0bench.errors import UsageError
from pi0bench.openpi.codec import MalformedError, pack, unpack
from pi0bench.openpi.connection import TOKEN
from pi0bench.openpi.mapping import OWN
from pi0bench.policies.policy import Observation, Policy

_PROPRIO_DIM = 10
_ROOM_BYTES = 2**16
_FAILED = 1011
_MIN_TOKEN = 16


def metadata(policy: Policy) -> dict[str, Any]:
    """What a client is told first: a map that other clients may ignore."""
    traits = policy.traits
    return {
        OWN: {
            "version": pi0bench.__version__,
            "policy": policy.name,
            "weights": traits.weights,
            "image_side": traits.image_side,
            "state_dim": _PROPRIO_DIM,
            "action_dim": 7,
            "execute": traits.execute,
            "steps": traits.steps,
            "solvers": list(traits.solvers),
        }
    }


def answer(policy: Policy, message: Any) -> dict[str, Any]:
    """Plan for a client's observation.

    Args:
        policy: that is served.
        message: `observation/image` and `observation/wrist_image`, (side, side, 3) uint8,
            `observation/state`, (10,), and `prompt`; if it likes, `steps` and `solver`, and the
            `noise`, a NumPy seed sequence's `entropy` and `spawn_key`.

    Raises:
        MalformedError: it is no such message; it says what would be.
    """
    traits, seen = policy.traits, _observation(policy, message)
    steps, solver = message.get("steps", traits.steps), message.get("solver", "")
    solver = solver or (traits.solvers[0] if traits.solvers else "")
    if type(steps) is not int or (steps < 1 and traits.steps > 0):
        raise MalformedError(f"steps: a number from 1 would work, not {steps!r}")
    if traits.solvers and solver not in traits.solvers:
        raise MalformedError(f"solver: {', '.join(traits.solvers)} would work, not {solver!r}")
    start_s = perf_counter()
    rows = max(1, traits.rows)
    noise = [_generator(message.get("noise")) for _ in range(rows)]
    plan = policy.plan([seen] * rows, noise, steps, solver)
    took_ms = 1000 * (perf_counter() - start_s)
    evaluations = np.broadcast_to(np.asarray(plan.trunk_evaluations), rows)[0]
    return {
        "actions": np.ascontiguousarray(plan.actions[0]),
        "trunk_evaluations": int(evaluations),
        "policy_timing": {"infer_ms": took_ms},
    }


def _observation(policy: Policy, message: Any) -> Observation:
    if not isinstance(message, Mapping):
        raise MalformedError(f"an observation is a map, not {type(message).__name__}")
    side = policy.traits.image_side
    images = {}
    for name, key in (("front", "observation/image"), ("wrist", "observation/wrist_image")):
        if side:
            images[name] = _array(message, key, (side, side, 3), "uint8")
    state = _array(message, "observation/state", (_PROPRIO_DIM,), "float32", "float64")
    prompt = message.get("prompt")
    if not isinstance(prompt, str):
        raise MalformedError(f"prompt: a text would work, not {type(prompt).__name__}")
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


def _generator(told: Any) -> np.random.Generator:
    if told is None:
        return np.random.default_rng()
    try:
        entropy, key = told["entropy"], tuple(told["spawn_key"])
        return np.random.default_rng(np.random.SeedSequence(entropy, spawn_key=key))
    except (KeyError, TypeError, ValueError) as error:
        raise MalformedError(f"noise: entropy and spawn_key would work: {error}") from None


async def start(policy: Policy, host: str, port: int, token: str = "") -> Server:
    """Serve a policy until the server is closed. Plans are made off the event loop, one at a time.

    Raises:
        UsageError: the address is not this machine's own, and there is no token; or it is taken.
    """
    if not _loopback(host) and len(token) < _MIN_TOKEN:
        raise UsageError(
            f"--host {host}: anyone who reaches it could use the policy; set {TOKEN} to a key of "
            f"{_MIN_TOKEN} characters or more, which clients must give"
        )
    hands = ThreadPoolExecutor(1)

    async def talk(connection: ServerConnection) -> None:
        await _talk(connection, policy, hands)

    side = policy.traits.image_side
    try:
        return await serve(
            talk,
            host,
            port,
            compression=None,
            max_size=2 * 3 * side * side + _ROOM_BYTES,
            process_request=_door(token),
        )
    except (socket.gaierror, UnicodeError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"--host {host}: {why}; give an address of this machine") from None
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            raise UsageError(f"--host {host}: not an address of this machine") from None
        raise UsageError(f"--port {port}: {error.strerror or error}") from None


async def _talk(connection: ServerConnection, policy: Policy, hands: ThreadPoolExecutor) -> None:
    """One robot's conversation: metadata, then an answer for each observation."""
    loop, before_ms = asyncio.get_running_loop(), None
    try:
        await connection.send(pack(metadata(policy)))
        while True:
            message = await connection.recv()
            start_s = perf_counter()
            try:
                if isinstance(message, str):
                    raise MalformedError("an observation is binary, not text")
                reply = await loop.run_in_executor(hands, answer, policy, unpack(message))
            except Exception:
                await connection.send(traceback.format_exc())
                await connection.close(_FAILED, "Traceback included in previous frame.")
                return
            timing = {"infer_ms": 1000 * (perf_counter() - start_s)}
            if before_ms is not None:
                timing["prev_total_ms"] = before_ms
            await connection.send(pack({**reply, "server_timing": timing}))
            before_ms = 1000 * (perf_counter() - start_s)
    except ConnectionClosed:
        return


def _door(token: str) -> Callable[[ServerConnection, Request], Response | None]:
    """Who may come in: `/healthz` is for everyone, browsers and wrong keys stay outside."""

    def check(connection: ServerConnection, request: Request) -> Response | None:
        if request.path == "/healthz":
            return connection.respond(HTTPStatus.OK, "OK\n")
        if "Origin" in request.headers:
            return connection.respond(HTTPStatus.FORBIDDEN, "not for browsers\n")
        said = request.headers.get("Authorization", "")
        if token and not hmac.compare_digest(said.encode(), f"Api-Key {token}".encode()):
            return connection.respond(HTTPStatus.UNAUTHORIZED, "a key is needed\n")
        return None

    return check


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def run(policy: Policy, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serve a policy until Ctrl-C.

    Args:
        policy: that is served.
        host: address to listen on.
        port: port to listen on; 0 for any.
        ready: told the address once it can be used.
    """

    async def forever() -> None:
        server = await start(policy, host, port, os.environ.get(TOKEN, ""))
        address = next(iter(server.sockets)).getsockname()
        ready(f"openpi://{address[0]}:{address[1]}")
        await server.serve_forever()

    asyncio.run(forever())
