from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pi0bench.import_hook import on_arrival


@pytest.fixture
def guest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "pi0bench_guest.py").write_text("here = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    monkeypatch.delitem(sys.modules, "pi0bench_guest", raising=False)
    return "pi0bench_guest"


def test_a_package_that_comes_later_is_met_once_when_it_is_whole(guest: str) -> None:
    met: list[bool] = []
    before = [*sys.meta_path]
    on_arrival(guest, lambda: met.append(sys.modules[guest].here))
    import json.tool  # another package, of no interest  # noqa: F401

    assert met == []
    __import__(guest)
    assert met == [True]
    assert sys.meta_path == before
    del sys.modules[guest]
    __import__(guest)
    assert met == [True]


def test_a_package_that_is_there_is_met_at_once(guest: str) -> None:
    __import__(guest)
    met: list[str] = []
    on_arrival(guest, lambda: met.append(guest))
    assert met == [guest]


def test_a_package_that_breaks_is_met_when_it_is_mended(guest: str, tmp_path: Path) -> None:
    met: list[str] = []
    on_arrival(guest, lambda: met.append(guest))
    file = tmp_path / "pi0bench_guest.py"
    file.write_text("1 / 0  # broken\n")
    with pytest.raises(ZeroDivisionError):
        __import__(guest)
    assert met == []
    file.write_text("here = True\n")
    __import__(guest)
    assert met == [guest]


def test_a_package_that_is_missing_stays_so() -> None:
    before = [*sys.meta_path]
    on_arrival("pi0bench_nobody", lambda: None)
    with pytest.raises(ModuleNotFoundError):
        __import__("pi0bench_nobody")
    sys.meta_path[:] = before
