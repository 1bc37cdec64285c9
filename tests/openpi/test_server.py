from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from pi0bench.errors import UsageError
from pi0bench.openpi.cancellable_thread import GivenUpError, Turn
from pi0bench.openpi.msgpack_codec import pack, unpack
from pi0bench.openpi.server import start
from pi0bench.policy.policy_protocol import Observation
from tests.openpi.conftest import Swaying, serving


def observation(side: int = 32, **changes: Any) -> dict[str, Any]:
    image = np.full((side, side, 3), 99, np.uint8)
    sent: dict[str, Any] = {
        "observation/image": image,
        "observation/wrist_image": image,
        "observation/state": np.zeros(13, np.float32),
        "prompt": "touch the red cube",
    }
    return {key: value for key, value in {**sent, **changes}.items() if value is not None}


def open_(port: int, **headers: str) -> ClientConnection:
    return connect(f"ws://127.0.0.1:{port}", compression=None, additional_headers=headers)


def test_the_server_speaks_first_and_answers_each_observation(swaying: Swaying) -> None:
    with serving(swaying) as port, open_(port) as client:
        told = unpack(bytes(client.recv(timeout=5)))["pi0bench"]  # type: ignore[arg-type]
        assert (told["policy"], told["image_side"], told["execute"]) == ("swaying", 32, 8)
        replies = []
        for _ in range(2):
            client.send(pack(observation()))
            replies.append(unpack(client.recv(timeout=5)))  # type: ignore[arg-type]
    assert replies[0]["actions"].shape == (16, 7)
    assert "prev_total_ms" not in replies[0]["server_timing"]
    assert replies[1]["server_timing"].keys() == {"infer_ms", "prev_total_ms"}
    assert swaying.asked == [(4, 5, "euler")] * 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"observation/image": np.zeros((8, 8, 3), np.uint8)}, r"uint8 \(32, 32, 3\) would work"),
        ({"observation/image": np.zeros((32, 32, 3))}, "uint8"),
        ({"observation/wrist_image": None}, "an array would work, not NoneType"),
        ({"observation/state": np.zeros(8)}, r"float32 \(13,\) would work, not float64 \(8,\)"),
        ({"prompt": 3}, "a text would work, not int"),
        ({"observation/state": np.full(13, np.nan)}, "from -1000 to 1000 would work, not nan"),
        (
            {"observation/state": -1e30 * np.eye(13)[9]},
            r"not -1e\+30, its number 9",
        ),
        ({"observation/state": np.full(13, np.inf, np.float32)}, "not inf"),
        ({"prompt": "x" * 1001}, "at most 1000 characters would work, not one of 1001"),
        ({"steps": 0}, "steps: a number from 1 to 200 would work, not 0"),
        ({"steps": 201}, "steps: a number from 1 to 200 would work, not 201"),
        ({"steps": 2**63}, "steps: a number from 1"),
        ({"steps": True}, "steps: a number from 1"),
        ({"steps": 5.0}, "steps: a number from 1"),
        ({"steps": "9" * 500}, r"steps: a number from 1 to 200 would work, not '9{76}\.\.\."),
        ({"solver": "magic"}, "solver: euler, heun would work"),
        ({"solver": np.zeros(2)}, "solver: euler, heun would work"),
        ({"noise": {"entropy": "x"}}, "noise: entropy and spawn_key"),
        ({"noise": 3}, "noise: entropy and spawn_key"),
        ({"noise": {"entropy": 0, "spawn_key": [0] * 17}}, "spawn_key: at most 16"),
        ({"noise": {"entropy": [0] * 9999, "spawn_key": []}}, "entropy: at most 16"),
        ({"noise": {"entropy": None, "spawn_key": []}}, "entropy: at most 16"),
        ({"noise": {"entropy": 0, "spawn_key": [-1]}}, "spawn_key: at most 16"),
    ],
)
def test_what_it_cannot_use_is_told_in_text_and_ends_the_talk(
    swaying: Swaying, changes: dict[str, Any], said: str
) -> None:
    with serving(swaying) as port, open_(port) as client:
        client.recv(timeout=5)
        client.send(pack(observation(**changes)))
        frame = client.recv(timeout=5)
        assert isinstance(frame, str)
        assert re.search(said, frame)
        with pytest.raises(Exception, match="1011"):
            client.recv(timeout=5)


def test_health_is_for_everyone_and_browsers_stay_outside(swaying: Swaying) -> None:
    with serving(swaying) as port:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz") as answer:
            assert answer.read() == b"OK\n"
        with pytest.raises(InvalidStatus, match="403"):
            open_(port, Origin="http://evil.example")


def test_a_key_is_asked_for_where_there_is_one(swaying: Swaying) -> None:
    key = "k" * 20
    with serving(swaying, key) as port:
        for said in ({}, {"Authorization": "Api-Key wrong"}):
            with pytest.raises(InvalidStatus, match="401"):
                open_(port, **said)
        with open_(port, Authorization=f"Api-Key {key}") as client:
            assert client.recv(timeout=5)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "example.org"])
@pytest.mark.parametrize("token", ["", "short"])
def test_no_other_address_without_a_key(swaying: Swaying, host: str, token: str) -> None:
    with pytest.raises(UsageError, match="PI0BENCH_TOKEN"):
        asyncio.run(start(swaying, host, 0, token))


def test_a_port_that_is_taken_is_told(swaying: Swaying) -> None:
    with (
        serving(swaying) as port,
        pytest.raises(UsageError, match=f"--port {port}"),
        serving(swaying, port=port),
    ):
        pass


@pytest.mark.parametrize("host", ["nothere.invalid", "x" * 300, "a\0b", "8.8.8.8", "\ud800", "a b"])
def test_a_host_that_is_not_here_is_told(swaying: Swaying, host: str) -> None:
    with pytest.raises(UsageError, match=r"^--host "):
        asyncio.run(start(swaying, host, 0, "a key of many characters"))


def test_other_robots_are_served_while_one_is_idle(swaying: Swaying) -> None:
    with serving(swaying) as port, open_(port) as idle, open_(port) as busy:
        idle.recv(timeout=5)
        busy.recv(timeout=5)
        busy.send(pack(observation()))
        assert unpack(busy.recv(timeout=5))["actions"].shape == (16, 7)  # type: ignore[arg-type]


@pytest.mark.parametrize("side", [224, 1024])
def test_pictures_of_another_size_are_told_which_would_work(swaying: Swaying, side: int) -> None:
    with serving(swaying) as port, open_(port) as client:
        client.recv(timeout=5)
        client.send(pack(observation(side)))
        said = client.recv(timeout=5)
    assert isinstance(said, str)
    assert f"uint8 (32, 32, 3) would work, not uint8 ({side}, {side}, 3)" in said


def test_a_message_that_no_pictures_explain_is_refused_with_both_sizes(swaying: Swaying) -> None:
    with serving(swaying) as port, open_(port) as client:
        client.recv(timeout=5)
        client.send(bytes(2**24 + 1))
        with pytest.raises(Exception, match=r"1009.*16777217 bytes exceeds limit of 16777216"):
            client.recv(timeout=5)


def test_plans_that_are_not_finite_are_never_sent(swaying: Swaying) -> None:
    swaying._row = lambda seen, rng: np.full((16, 7), np.nan)  # type: ignore[method-assign]
    with serving(swaying) as port, open_(port) as client:
        client.recv(timeout=5)
        client.send(pack(observation()))
        assert "swaying: its actions are not all finite" in str(client.recv(timeout=5))


class Slow(Swaying):
    """Takes a while, unless it is told otherwise."""

    def _row(self, seen: Observation, rng: np.random.Generator) -> Any:
        if seen.instruction == "slowly":
            self.began.set()
            for _ in range(1000):
                time.sleep(0.03)
        return super()._row(seen, rng)

    began = threading.Event()


@pytest.mark.parametrize("leave", ["close", "vanish"])
def test_nobody_waits_for_the_plan_of_a_client_who_left(leave: str) -> None:
    slow = Slow()
    slow.began = threading.Event()
    with serving(slow) as port, open_(port) as waiting:
        waiting.recv(timeout=5)
        with open_(port) as leaving:
            leaving.recv(timeout=5)
            for _ in range(3):
                leaving.send(pack(observation(prompt="slowly")))
            assert slow.began.wait(5)
            waiting.send(pack(observation()))
            if leave == "vanish":
                leaving.socket.shutdown(socket.SHUT_RDWR)
        for _ in range(2):
            assert unpack(waiting.recv(timeout=5))["actions"].shape == (16, 7)  # type: ignore[arg-type]
            waiting.send(pack(observation()))


def test_work_that_is_given_up_ends_and_harms_no_other() -> None:
    with ThreadPoolExecutor(1) as hands:
        for number in range(300):
            began = threading.Event()

            def work(began: threading.Event = began, number: int = number) -> None:
                began.set()
                time.sleep(1e-5 * (number % 7))

            turn = Turn(work)
            done = hands.submit(turn)
            if number % 3:
                began.wait()
            turn.give_up()
            with contextlib.suppress(GivenUpError):
                done.result(5)
            assert hands.submit(lambda: 7).result(5) == 7
        never = Turn(lambda: 1)
        never.give_up()
        with pytest.raises(GivenUpError):
            hands.submit(never).result(5)
