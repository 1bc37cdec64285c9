"""Servers in a thread of this process: ours, and some that do not keep to the protocol."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.server import ServerConnection, serve

from pi0bench.openpi.msgpack_codec import pack
from pi0bench.openpi.server import start
from pi0bench.policy.policy_protocol import Observation, Plan, Policy, Traits

Make = Callable[[], Awaitable[Any]]


class Swaying:
    """Acts on what it sees, feels, reads and draws; each row by itself."""

    def __init__(self, **traits: Any) -> None:
        self.name = "swaying"
        given = {
            "image_side": 32,
            "execute": 8,
            "steps": 5,
            "solvers": ("euler", "heun"),
            "rows": 4,
        }
        self.traits = Traits(**{**given, **traits})
        self.asked: list[tuple[int, int, str]] = []

    def plan(
        self,
        observations: Sequence[Observation],
        noise: Sequence[np.random.Generator],
        steps: int,
        solver: str,
    ) -> Plan:
        self.asked.append((len(observations), steps, solver))
        rows = [self._row(*row) for row in zip(observations, noise, strict=True)]
        return Plan(np.stack(rows), trunk_evaluations=steps)

    def _row(self, seen: Observation, rng: np.random.Generator) -> Any:
        brightness = [image.mean() / 255 for image in seen.images.values()]
        lean = np.resize([*brightness, *seen.proprio[:3], len(seen.instruction) / 99], 7)
        return np.clip(lean + rng.normal(0, 0.5, (16, 7)), -1, 1)


@contextmanager
def in_thread(make: Make) -> Iterator[int]:
    """Run a server for a while; its port."""
    loop, ready = asyncio.new_event_loop(), threading.Event()
    found: dict[str, Any] = {}

    async def main() -> None:
        try:
            found["server"] = await make()
        except BaseException as error:
            found["error"] = error
        ready.set()

    def work() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(main())
        if "server" in found:
            loop.run_forever()

    thread = threading.Thread(target=work)
    thread.start()
    ready.wait()
    if "error" in found:
        thread.join()
        raise found["error"]
    try:
        yield next(iter(found["server"].sockets)).getsockname()[1]
    finally:

        async def end() -> None:
            found["server"].close()
            await found["server"].wait_closed()

        asyncio.run_coroutine_threadsafe(end(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def serving(policy: Policy, token: str = "", port: int = 0) -> Iterator[int]:
    """Serve a policy of ours for a while."""

    async def make() -> Any:
        return await start(policy, "127.0.0.1", port, token)

    with in_thread(make) as found:
        yield found


Answer = Callable[[ServerConnection, int], Awaitable[None]]


@contextmanager
def answering(answer: Answer, greeting: bytes | str | None = None) -> Iterator[int]:
    """A server that greets, and calls `answer` with the number of each message that comes."""

    async def talk(connection: ServerConnection) -> None:
        await connection.send(pack({}) if greeting is None else greeting)
        number = 0
        async for _ in connection:
            await answer(connection, number)
            number += 1

    async def make() -> Any:
        return await serve(talk, "127.0.0.1", 0, compression=None)

    with in_thread(make) as port:
        yield port


@pytest.fixture
def swaying() -> Swaying:
    return Swaying()
