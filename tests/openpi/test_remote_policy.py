from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from pi0bench.content.code_digest import code_digest
from pi0bench.errors import UsageError
from pi0bench.evaluate.ask_policy import Chunk, Question, ask
from pi0bench.evaluate.cells import Settings
from pi0bench.evaluate.fault_attribution import of_machine
from pi0bench.evaluate.run_options import How
from pi0bench.openpi import connection, key_mapping, request_handler
from pi0bench.openpi.msgpack_codec import pack
from pi0bench.openpi.remote_policy import RemotePolicy
from pi0bench.policy import registry
from pi0bench.policy.policy_protocol import Observation, PolicyLostError
from pi0bench.records.record import Record
from pi0bench.records.run_folder import RunFolder
from tests.evaluate.test_ask_policy import CELL
from tests.openpi.conftest import Swaying, answering, serving
from tests.runs import run

CHUNK = pack({"actions": np.zeros((10, 7)), "server_timing": {"infer_ms": 3.0}})


def seen(side: int = 224) -> Observation:
    images = {name: np.zeros((side, side, 3), np.uint8) for name in ("front", "wrist")}
    felt, joints_rad = np.zeros(13, np.float32), np.zeros(7, np.float32)
    return Observation(images, felt, "do", joints_rad=joints_rad)


def plan(policy: RemotePolicy) -> Any:
    return policy.plan([seen()], [np.random.default_rng(0)], 0, "")


def name(port: int, query: str = "?mapping=libero") -> str:
    return f"openpi://127.0.0.1:{port}{query}"


def measured(policy: str, out: Path, **settings: Any) -> list[Record]:
    asked = Settings((policy,), ("reach_cube",), renderer="tiny", **{"episodes": 3, **settings})
    assert run(asked, out, How(video=False), Console(quiet=True)) == 0
    return RunFolder(out).records()


def test_a_served_policy_gives_the_records_of_the_policy_itself(
    swaying: Swaying, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry.BASELINES, "swaying", lambda: swaying)
    here = measured("swaying", tmp_path / "here", steps=(1, 3), solvers=("heun",))
    with serving(swaying) as port:
        there = measured(name(port, ""), tmp_path / "there", steps=(1, 3), solvers=("heun",))
        (timed, *_) = (t for t in RunFolder(tmp_path / "there").timings() if t.replan_ms)
    assert [replace(t, cell=h.cell) for t, h in zip(there, here, strict=True)] == here
    assert len(there) == 6
    assert timed.server_ms is not None
    assert timed.replan_ms is not None
    assert 0 < timed.server_ms < timed.replan_ms


def test_a_lost_connection_is_no_fault_of_the_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    async def once(connection: Any, number: int) -> None:
        if number == 0:
            await connection.send(CHUNK)
        else:
            await connection.close()

    with answering(once) as port:
        policy = RemotePolicy(name(port))
        with pytest.raises(PolicyLostError, match="the connection was lost"):
            plan(policy)
        assert plan(policy).actions.shape == (1, 5, 7)  # on a new connection
    monkeypatch.setattr(connection, "PATIENCE_S", 0.3)
    policy._server._drop()
    with pytest.raises(PolicyLostError, match="no openpi server"):
        plan(policy)


@pytest.mark.parametrize(
    ("reply", "error", "said"),
    [
        (bytes(2**20 + 1), ValueError, "more than 1048576 bytes"),
        (b"\xc1\xc1", ValueError, "no message of msgpack"),
        (pack([1]), ValueError, "a reply is a map"),
        (pack({"action": [1, 2]}), ValueError, "expected an array, got list"),
        (pack({"actions": np.zeros((10, 6))}), ValueError, r"expected \(H, 7 or more\)"),
        (pack({"actions": np.zeros(7)}), ValueError, r"expected \(H, 7 or more\)"),
        ("Traceback:\n  File x\nKeyError: 'image'\n", ValueError, "server failed: KeyError"),
    ],
)
def test_unsound_replies_are_faults(reply: Any, error: type[Exception], said: str) -> None:
    async def answer(connection: Any, number: int) -> None:
        await connection.send(reply if number == 1 else CHUNK)

    with answering(answer) as port:
        policy = RemotePolicy(name(port))
        with pytest.raises(error, match=said):
            plan(policy)
        assert plan(policy).spent_ms == {"server": 3.0}


@pytest.mark.parametrize(
    "told", [np.inf, -np.inf, np.nan, -1.0, 1e308, "3 ms", None, [3.0], {"ms": 3.0}]
)
def test_what_is_said_beside_the_actions_decides_nothing(told: Any) -> None:
    beside = {"server_timing": {"infer_ms": told}, "trunk_evaluations": told}

    async def answer(connection: Any, number: int) -> None:
        await connection.send(pack({"actions": np.zeros((10, 7)), **beside}))

    with answering(answer) as port:
        policy = RemotePolicy(name(port))
        question = Question(seen(), partial(np.random.default_rng, 0))
        (chunk,) = ask(policy, [question], CELL)
    assert isinstance(chunk, Chunk)
    assert (chunk.trunk_evaluations, chunk.spent_ms) == (0, {})


@pytest.mark.parametrize(
    ("last", "machine"),
    [
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB.", True),
        ("RuntimeError: CUDA error: unspecified launch failure\nCompile with `DSA`.", True),
        ("MemoryError", True),
        ("OSError: [Errno 28] No space left on device", True),
        ("RuntimeError: no idea", False),
        ("", False),
    ],
)
def test_a_servers_machine_is_not_its_policy(last: str, machine: bool) -> None:
    trace = f"Traceback:\n  File x\n    raise MemoryError\n{last}\n" if last else ""

    async def answer(connection: Any, number: int) -> None:
        await connection.send(trace if number == 1 else CHUNK)

    with answering(answer) as port:
        policy = RemotePolicy(name(port))
        with pytest.raises(ValueError, match="the server failed: ") as caught:
            plan(policy)
    assert of_machine(caught.value) == machine
    assert (last.split("\n")[0] or "?") in str(caught.value)


def test_a_late_reply_is_a_fault_and_never_the_next_answer() -> None:
    async def slow(connection: Any, number: int) -> None:
        await asyncio.sleep(0 if number == 0 else 0.6)
        await connection.send(CHUNK)

    with answering(slow) as port:
        policy = RemotePolicy(name(port, "?mapping=libero&deadline_s=0.2"))
        with pytest.raises(TimeoutError, match=r"no reply within 0\.2 s"):
            plan(policy)
        assert plan(policy).actions.shape == (1, 5, 7)


async def sound(connection: Any, number: int) -> None:
    await connection.send(CHUNK)


def test_a_foreign_server_needs_a_mapping() -> None:
    with answering(sound) as port:
        with pytest.raises(UsageError, match="aloha, droid, libero, or your own file"):
            RemotePolicy(name(port, ""))
        with pytest.raises(UsageError, match='no mapping "libera"; did you mean "libero"'):
            RemotePolicy(name(port, "?mapping=libera"))
        with pytest.raises(UsageError, match=r"expected \(H, 8 or more\)"):
            RemotePolicy(name(port, "?mapping=droid"))
        traits = RemotePolicy(name(port)).traits
    assert (traits.image_side, traits.execute, traits.steps, len(traits.weights)) == (224, 5, 0, 12)


def test_a_server_that_takes_no_such_pictures_is_told(tmp_path: Path) -> None:
    path = tmp_path / "large.toml"
    path.write_text(
        'summary = "large"\nimage_side = 640\nexecute = 2\n'
        '[observation]\na = ["front"]\n[action]\nkind = "pi0bench"\n'
    )
    with (
        answering(sound) as port,
        pytest.raises(UsageError, match=r"does not take the observ.*1228"),
    ):
        RemotePolicy(name(port, f"?mapping={path}"))


def test_chunks_must_be_long_enough() -> None:
    async def short(connection: Any, number: int) -> None:
        await connection.send(pack({"actions": np.zeros((4, 7))}))

    with answering(short) as port, pytest.raises(UsageError, match="chunks have 4 actions, and 5"):
        RemotePolicy(name(port))


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("openpi://", "give openpi://HOST:PORT"),
        ("openpi://a:b", "openpi://a:b"),
        ("openpi://127.0.0.1:1/path", "give openpi://HOST:PORT"),
        ("openpi://127.0.0.1:1?mappings=libero", 'did you mean "mapping"'),
        ("openpi://127.0.0.1:1?deadline_s=-1", "cannot be kept"),
        ("openpi://127.0.0.1:1?deadline_s=x", "could not convert"),
        ("openpi://127.0.0.1:1", "no openpi server at 127.0.0.1:1 .*pi0bench serve"),
    ],
)
def test_a_wrong_address_is_told(monkeypatch: pytest.MonkeyPatch, said: str, why: str) -> None:
    monkeypatch.setattr(connection, "FIRST_S", 0.2)
    with pytest.raises(UsageError, match=why):
        RemotePolicy(said)


@pytest.mark.parametrize("greeting", ["hello", b"\xc1", pack([1])])
def test_a_wrong_greeting_is_told(monkeypatch: pytest.MonkeyPatch, greeting: Any) -> None:
    monkeypatch.setattr(connection, "FIRST_S", 0.3)
    with answering(sound, greeting) as port, pytest.raises(UsageError, match="no openpi server"):
        RemotePolicy(name(port))


def test_another_policy_on_the_way_is_not_taken_for_the_first(swaying: Swaying) -> None:
    with serving(swaying) as port:
        policy = RemotePolicy(name(port, ""))
        policy._server._drop()
        swaying.name = "another"
        with pytest.raises(UsageError, match="another policy is served"):
            policy.plan([seen(32)], [np.random.default_rng(0)], 5, "euler")


def identity(greeting: dict[str, Any], options: str = "?mapping=libero") -> str:
    with answering(sound, pack(greeting)) as port:
        return RemotePolicy(name(port, options)).traits.weights


def test_another_model_behind_the_same_port_is_another_policy(tmp_path: Path) -> None:
    first = identity({"model": "pi0", "reset": np.zeros(3), "more": {"a": 1, "b": 2}})
    assert identity({"more": {"b": 2, "a": 1}, "reset": np.zeros(3), "model": "pi0"}) == first
    own = tmp_path / "mine.toml"
    text = (Path(key_mapping.__file__).parent / "mappings" / "libero.toml").read_text()
    own.write_text(text.replace("rotate_deg = 180", "rotate_deg = 0"))
    others = [
        identity({"model": "pi05", "reset": np.zeros(3), "more": {"a": 1, "b": 2}}),
        identity({"model": "pi0", "reset": np.ones(3), "more": {"a": 1, "b": 2}}),
        identity({}),
        identity({}, f"?mapping={own}"),
    ]
    assert len({first, *others}) == 5


@pytest.mark.parametrize(
    ("changes", "same"),
    [({}, True), ({"weights": "other"}, False), ({"code": "0" * 12}, False)],
    ids=["the same", "other weights", "other code"],
)
def test_a_run_is_not_continued_with_another_policy_of_ours(
    changes: dict[str, str], same: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(port: int, episodes: int) -> int:
        policies = (f"openpi://127.0.0.1:{port}",)
        settings = Settings(policies, ("reach_cube",), renderer="tiny", episodes=episodes)
        return run(settings, tmp_path, How(video=False), Console(quiet=True))

    before = {"weights": "0123456789ab", "code": code_digest()}
    with serving(Swaying(weights=before["weights"])) as port:
        assert measured(port, 1) == 0
        assert RunFolder(tmp_path).records()[0].cell.weights == before["weights"]
    after = {**before, **changes}
    monkeypatch.setattr(request_handler, "code_digest", lambda: after["code"])
    with serving(Swaying(weights=after["weights"]), port=port):
        if same:
            assert measured(port, 2) == 0
            return
        with pytest.raises(UsageError, match=r"weights\.openpi://.*: .0123456789ab. there, "):
            measured(port, 2)


def test_of_policies_without_weights_the_name_counts(swaying: Swaying) -> None:
    found = set()
    for own in ("one", "another", "one"):
        swaying.name = own
        with serving(swaying) as port:
            found.add(RemotePolicy(name(port, "")).traits.weights)
    assert len(found) == 2
