"""The line between what the machine is to blame for and what a policy is."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from pi0bench.envs.world_protocol import EnvFault
from pi0bench.evaluate.ask_policy import Question, ask
from pi0bench.evaluate.episode_jobs import Measure
from pi0bench.evaluate.fault_attribution import describe, of_machine
from pi0bench.evaluate.plan_checks import PolicyFault
from pi0bench.evaluate.plan_timing import Stopwatch
from pi0bench.evaluate.worker import Worker
from pi0bench.policy.policy_protocol import PolicyLostError
from pi0bench.task.tabletop_episode import Tabletop
from tests.evaluate.test_ask_policy import CELL, QUESTIONS, sound

ALLOCATOR = (
    "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you "
    "tried to allocate 4000000000000000 bytes. Error code 12 (Cannot allocate memory)"
)
ASSERT = "CUDA error: device-side assert triggered"

MACHINES: dict[str, BaseException] = {
    "python": MemoryError(),
    "numpy": np._core._exceptions._ArrayMemoryError((9,), np.dtype(float)),  # pyright: ignore
    "torch": RuntimeError(ALLOCATOR),
    "gpu": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    "gpu in words": RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    "gpu, device": torch.AcceleratorError("CUDA error: unspecified launch failure"),
    "gpu, bits": RuntimeError("CUDA error: uncorrectable ECC error encountered"),
    "cublas": RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`"),
    "no gpu": RuntimeError("No CUDA GPUs are available"),
    "jax": RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 8 bytes."),
    "thread": RuntimeError("can't start new thread"),
    "files": RuntimeError("unable to open shared memory object </x>: Too many open files (24)"),
    "disk in words": OSError("write: No space left on device"),
    "refused": ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"),
    "lost": PolicyLostError("no server"),
    "group": ExceptionGroup("both", [ValueError("x"), MemoryError()]),
    **{
        errno.errorcode[number]: OSError(number, "x")
        for number in (errno.ENOMEM, errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE)
    },
}
POLICYS: dict[str, BaseException] = {
    "its own": RuntimeError("no idea"),
    "its own memory": RuntimeError("the memory bank is out of memory slots"),
    "shapes": RuntimeError("mat1 and mat2 shapes cannot be multiplied (1x3 and 4x5)"),
    "assert": torch.AcceleratorError(ASSERT),
    "arguments": RuntimeError("CUDA error: CUBLAS_STATUS_INVALID_VALUE when calling `cublasGemm`"),
    "file": FileNotFoundError(errno.ENOENT, "No such file or directory", "weights.pt"),
    "permission": PermissionError(errno.EACCES, "Permission denied"),
    "slow": TimeoutError("no reply within 30 s"),
    "exit": SystemExit(1),
    "group": ExceptionGroup("both", [ValueError("x"), KeyError("y")]),
}


def chained(inner: BaseException, how: str) -> BaseException:
    """A RuntimeError that comes from another error."""
    try:
        try:
            raise inner
        except BaseException as error:
            if how == "from":
                raise RuntimeError("inference failed") from error
            if how == "from none":
                raise RuntimeError("inference failed") from None
            raise RuntimeError("inference failed")  # noqa: B904
    except RuntimeError as outer:
        return outer


@pytest.mark.parametrize("name", MACHINES)
def test_trouble_of_the_machine_is_never_the_policys(name: str, scripted: Any) -> None:
    error = MACHINES[name]
    for raised in (error, chained(error, "from"), chained(error, "while handling")):
        assert of_machine(raised)

        def fail(*_: Any, of: BaseException = raised) -> Any:
            raise of

        with pytest.raises(type(raised)):
            ask(scripted(fail), QUESTIONS, CELL)


@pytest.mark.parametrize("name", POLICYS)
def test_what_the_policy_raised_is_its_own(name: str, scripted: Any) -> None:
    error = POLICYS[name]
    for raised in (error, chained(error, "from"), chained(MemoryError(), "from none")):
        assert not of_machine(raised)

        def fail(*_: Any, of: BaseException = raised) -> Any:
            raise of

        (answer,) = ask(scripted(fail), QUESTIONS[:1], CELL)
        assert isinstance(answer, PolicyFault)
        assert str(answer) == describe(raised)


def test_what_torch_says_without_memory_is_known(scripted: Any) -> None:
    with pytest.raises(RuntimeError, match="can't allocate memory"):
        ask(scripted(lambda *_: torch.empty(10**15)), QUESTIONS, CELL)


def test_an_error_that_is_its_own_cause_ends_the_search() -> None:
    one, other = RuntimeError("a"), RuntimeError("b")
    one.__cause__, other.__cause__ = other, one
    assert not of_machine(one)


def test_a_panic_that_is_no_exception_is_a_fault(scripted: Any) -> None:
    class Panic(BaseException):
        """As libraries in Rust raise them."""

    def fail(*_: Any) -> Any:
        raise Panic("index out of bounds")

    (answer,) = ask(scripted(fail), QUESTIONS[:1], CELL)
    assert str(answer) == "Panic: index out of bounds"
    assert Stopwatch().times(scripted(fail), QUESTIONS[0], CELL) == {}


@pytest.mark.parametrize("harm", [MACHINES["torch"], MACHINES["gpu"], MACHINES["EMFILE"]])
def test_what_passes_is_tried_again_and_what_stays_is_not_measured(
    harm: BaseException, scripted: Any, cells_of: Callable[..., Any]
) -> None:
    left = [2]

    def act(observations: Any, *_: Any) -> Any:
        if left[0] > 0:
            left[0] -= 1
            raise harm
        return sound(observations)

    policy = scripted(act)
    job = Measure(cells_of(policy, episodes=2))
    statuses = [end.record.status for end in Worker({"scripted": policy}).do(job)]
    assert statuses == ["failure"] * 2
    left[0] = 1000
    lost = [*Worker({"scripted": policy}).do(job)]
    assert [(end.record.status, end.timing.attempts) for end in lost] == [("infra_error", 3)] * 2


def test_a_world_that_lacks_memory_is_no_faulty_world(
    scripted: Any, cells_of: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = scripted(sound)
    job = Measure(cells_of(policy, episodes=1))
    for cause, status in ((MemoryError(), "infra_error"), (ValueError("x"), "env_fault")):

        def step(*_: Any, cause: Exception = cause) -> Any:
            raise EnvFault("step 0") from cause

        monkeypatch.setattr(Tabletop, "step", step)
        (end,) = Worker({"scripted": policy}).do(job)
        assert end.record.status == status


def test_words_of_threads_are_those_of_python(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("threading._start_new_thread", refuse)
    with pytest.raises(RuntimeError) as caught:
        threading.Thread(target=print).start()
    assert of_machine(caught.value)


def test_the_clock_takes_no_run_down(scripted: Any) -> None:
    def alone(observations: Any, *_: Any) -> Any:
        if len(observations) == 1:
            raise RuntimeError("one is too few")
        return sound(observations)

    policy, questions = scripted(alone), list[Question](QUESTIONS)
    assert Stopwatch().times(policy, questions[0], CELL) == {}
