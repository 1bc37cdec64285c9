from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from pi0bench import doctor
from pi0bench.cli import main
from pi0bench.doctor import CHECKS, Finding, examine, lacking
from pi0bench.errors import UsageError
from pi0bench.policy import registry


def test_a_sound_machine_lacks_nothing_that_is_needed() -> None:
    found = examine()
    assert list(found) == list(CHECKS)
    assert not lacking(found)
    assert all(finding.says for finding in found.values())


def broken(name: str) -> None:
    raise UsageError(f"{name}: its weights are torn")


def missing(*_: Any, **__: Any) -> None:
    raise OSError("no such program")


def crashed(*_: Any, **__: Any) -> SimpleNamespace:
    return SimpleNamespace(returncode=-11, stderr="")


def hanging(*_: Any, **__: Any) -> None:
    raise subprocess.TimeoutExpired("probe", 60)


@pytest.mark.parametrize(
    ("check", "where", "what", "says", "needed"),
    [
        (doctor.weights, (registry, "load"), broken, "its weights are torn", True),
        (doctor.opengl, (subprocess, "run"), crashed, "does not work: ended with -11", False),
        (doctor.tiny_renderer, (subprocess, "run"), hanging, "does not answer within 60 s", True),
        (doctor.video, (subprocess, "run"), missing, "no ffmpeg: no such program", False),
        (
            doctor.disk,
            (shutil, "disk_usage"),
            lambda _: SimpleNamespace(free=1e8),
            "0.1 GB free",
            False,
        ),
        (doctor.threads, (doctor.os, "getloadavg"), lambda: (99.0,), "load 99.0", False),
        (
            doctor.packages,
            (doctor.metadata, "requires"),
            lambda _: ["numpy<1", "nosuch", "ray; extra == 'ray'"],
            "is not <1; nosuch is missing",
            True,
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_wrong_is_said_with_a_remedy(
    monkeypatch: pytest.MonkeyPatch,
    check: Callable[[], Finding],
    where: tuple[Any, str],
    what: Any,
    says: str,
    needed: bool,
) -> None:
    monkeypatch.setattr(*where, what)
    found = check()
    assert says in found.says
    assert found.remedy
    assert found.needed is needed


def test_a_renderer_that_crashes_takes_only_its_probe_along(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(doctor, "_PROBE", "import ctypes; ctypes.string_at(0)")
    assert "does not work" in doctor.opengl().says


def test_the_exit_code_says_whether_something_needed_is_lacking(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails() -> Finding:
        raise RuntimeError("[red]surprise")

    monkeypatch.setattr(doctor, "CHECKS", {"disk": lambda: Finding("little", "free some")})
    assert main(["doctor"]) == 0
    assert "hint" in capsys.readouterr().out
    monkeypatch.setattr(doctor, "CHECKS", {"GPU": fails})
    assert main(["doctor"]) == 6
    assert "RuntimeError: [red]surprise" in capsys.readouterr().out
