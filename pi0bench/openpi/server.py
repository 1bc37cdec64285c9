"""Our policies for openpi's clients: one observation in, one chunk out."""

from __future__ import annotations

import asyncio
import errno
import hmac
import ipaddress
import os
import socket
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from time import perf_counter
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from pi0bench.errors import UsageError
from pi0bench.openpi.cancellable_thread import GivenUpError, Turn
from pi0bench.openpi.client_episodes import Episodes
from pi0bench.openpi.connection import TOKEN
from pi0bench.openpi.msgpack_codec import MalformedError, pack, unpack
from pi0bench.openpi.request_handler import answer, metadata
from pi0bench.policy.policy_protocol import Policy

_MAX_BYTES, _MAX_QUEUE = 2**24, 4
"""Of a message, and the messages that wait: pictures of any usual size arrive, so that a sentence
can say which would work."""
_FAILED = 1011
_MIN_TOKEN = 16


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
    hands, episodes = ThreadPoolExecutor(1), Episodes()

    async def talk(connection: ServerConnection) -> None:
        await _talk(connection, policy, hands, episodes)

    try:
        return await serve(
            talk,
            host,
            port,
            compression=None,
            max_size=_MAX_BYTES,
            max_queue=_MAX_QUEUE,
            process_request=_door(token),
        )
    except (socket.gaierror, UnicodeError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"--host {host}: {why}; give an address of this machine") from None
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            raise UsageError(f"--host {host}: not an address of this machine") from None
        raise UsageError(f"--port {port}: {error.strerror or error}") from None


async def _talk(
    connection: ServerConnection, policy: Policy, hands: ThreadPoolExecutor, episodes: Episodes
) -> None:
    """One robot's conversation: metadata, then an answer for each observation."""
    before_ms = None
    try:
        await connection.send(pack(metadata(policy)))
        while True:
            message = await connection.recv()
            start_s = perf_counter()
            try:
                work = partial(_reply, policy, message, episodes)
                reply = await _planned(connection, work, hands)
            except GivenUpError:
                return
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


def _reply(policy: Policy, message: str | bytes, episodes: Episodes) -> dict[str, Any]:
    if isinstance(message, str):
        raise MalformedError("an observation is binary, not text")
    return answer(policy, unpack(message), episodes)


async def _planned(
    connection: ServerConnection, work: Callable[[], dict[str, Any]], hands: ThreadPoolExecutor
) -> dict[str, Any]:
    """What a plan comes to.

    Raises:
        GivenUpError: its client has left, and others shall not wait for it.
    """
    turn = Turn(work)
    plan = asyncio.get_running_loop().run_in_executor(hands, turn)
    left = asyncio.ensure_future(connection.wait_closed())
    await asyncio.wait((plan, left), return_when=asyncio.FIRST_COMPLETED)
    left.cancel()
    turn.give_up()
    return await plan


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
