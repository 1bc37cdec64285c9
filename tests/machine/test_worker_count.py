from __future__ import annotations

from pathlib import Path

import pytest

from pi0bench.errors import UsageError
from pi0bench.machine import worker_count
from pi0bench.machine.worker_count import GRANTS, processes


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(worker_count, "_cores", lambda: 8)
    monkeypatch.setattr(worker_count, "_CGROUPS", tmp_path)
    monkeypatch.setattr(worker_count, "_OWN", tmp_path / "own")
    for name in GRANTS:
        monkeypatch.delenv(name, raising=False)


def test_what_is_asked_for_counts() -> None:
    assert processes(11) == 11
    with pytest.raises(UsageError, match="--workers: 0 is too few"):
        processes(0)


@pytest.mark.parametrize("name", GRANTS)
@pytest.mark.parametrize(("said", "wanted"), [("1", 1), ("3", 3), ("64", 8), ("2(x3)", 8), ("", 8)])
def test_schedulers_grants_count(
    name: str, said: str, wanted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, said)
    assert processes(None) == wanted
    assert processes(5) == 5


@pytest.mark.parametrize(
    ("own", "files", "wanted"),
    [
        ("0::/\n", {"cpu.max": "250000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "max 100000\n"}, 8),
        ("0::/\n", {"cpu.max": "50000 100000\n"}, 1),
        ("0::/job/step\n", {"job/cpu.max": "300000 100000\n", "job/step/cpu.max": "max 9\n"}, 3),
        # A container does not see the host's folders that its own group is named by.
        ("0::/docker/abc\n", {"cpu.max": "400000 100000\n"}, 4),
        (
            "3:cpu,cpuacct:/job\n0::/\n",
            {"cpu/job/cpu.cfs_quota_us": "200000", "cpu/job/cpu.cfs_period_us": "100000"},
            2,
        ),
        ("1:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 8),
        ("nonsense\n", {}, 8),
    ],
)
def test_control_groups_quotas_count(
    own: str, files: dict[str, str], wanted: int, tmp_path: Path
) -> None:
    (tmp_path / "own").write_text(own)
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert processes(None) == wanted
