"""A connection to a server that speaks openpi's websocket protocol; made again when it is lost."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from itertools import takewhile
from time import monotonic, sleep
from typing import Any

from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection, connect

from pi0bench.errors import UsageError
from pi0bench.openpi.msgpack_codec import MalformedError, pack, unpack
from pi0bench.policy.policy_protocol import PolicyLostError

TOKEN = "PI0BENCH_TOKEN"
"""The environment variable with the key that a server may ask for."""

FIRST_S, PATIENCE_S = 5.0, 45.0
_MAX_REPLY_BYTES = 2**20


class Connection:
    """A server's answers, one at a time.

    Args:
        host: its name or address.
        port: on which it listens.
        deadline_s: of one reply.

    Raises:
        PolicyLostError: nobody answers there.
    """

    def __init__(self, host: str, port: int, deadline_s: float) -> None:
        self._at, self._deadline_s = f"{host}:{port}", deadline_s
        self._open: ClientConnection | None = None
        self._first: Mapping[str, Any] | None = None
        _, self._first = self._connected(FIRST_S)

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What the server said of itself at first."""
        return self._first or {}

    def ask(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """The reply to a message.

        Raises:
            PolicyLostError: the connection is lost, or was and cannot be had again.
            TimeoutError: the reply takes longer than the deadline.
            UsageError: another policy is served there now.
            ValueError: the reply is no sound one.
        """
        connection, _ = self._connected(PATIENCE_S)
        try:
            connection.send(pack(message))
            data = connection.recv(timeout=self._deadline_s)
        except TimeoutError:
            self._drop()  # so that a late reply is never taken for the next one
            raise TimeoutError(f"no reply within {self._deadline_s:g} s") from None
        except ConnectionClosed as closed:
            self._drop()
            if closed.sent and closed.sent.code == 1009 and not closed.rcvd_then_sent:
                raise ValueError(f"a reply of more than {_MAX_REPLY_BYTES} bytes") from None
            if closed.rcvd and closed.rcvd.code == 1009:
                why = closed.rcvd.reason or "it is too big"
                raise ValueError(f"the server does not take the observation: {why}") from None
            raise PolicyLostError(f"{self._at}: the connection was lost: {closed}") from None
        if isinstance(data, str):
            self._drop()
            words = _last_words(data)
            # The cause says all of it, so that a server's lack of memory is told from a fault.
            raise ValueError(f"the server failed: {words[0]}") from RuntimeError("\n".join(words))
        try:
            reply = unpack(data)
        except MalformedError:
            self._drop()
            raise
        if not isinstance(reply, Mapping):
            raise MalformedError(f"a reply is a map, not {type(reply).__name__}")
        return reply

    def _connected(self, patience_s: float) -> tuple[ClientConnection, Mapping[str, Any]]:
        """A connection that is there or is made, and the server's metadata."""
        if self._open is not None:
            return self._open, self.metadata
        until_s, wait_s = monotonic() + patience_s, 0.1
        while True:
            try:
                self._open, found = self._greeted()
                break
            except (OSError, WebSocketException, MalformedError) as error:
                if monotonic() + wait_s > until_s:
                    raise PolicyLostError(f"no openpi server at {self._at} ({error})") from None
                sleep(wait_s)
                wait_s = min(2 * wait_s, 2.0)
        if self._first is not None and found != self._first:
            raise UsageError(f"{self._at}: another policy is served there now; start the run anew")
        return self._open, found

    def _greeted(self) -> tuple[ClientConnection, Mapping[str, Any]]:
        key = os.environ.get(TOKEN)
        with ExitStack() as opened:
            connection = opened.enter_context(
                connect(
                    f"ws://{self._at}",
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
        if self._open is not None:
            self._open.close()
            self._open = None


def _last_words(trace: str) -> list[str]:
    """The lines of the error at the end of a traceback, whose other lines are set in."""
    lines = reversed(trace.strip().splitlines())
    return [*takewhile(lambda line: not line.startswith(" "), lines)][::-1] or ["?"]


def _bytes(data: str | bytes) -> bytes:
    if isinstance(data, str):
        raise MalformedError(f"its first message is text: {data[:80]}")
    return data
