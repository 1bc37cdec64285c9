"""Delays of devices: whole microseconds in, whole control steps out."""

from __future__ import annotations

from pathlib import Path

import pytest

from pi0bench.errors import UsageError
from pi0bench.report.device_profiles import KINDS, PARTS, DeviceProfile, device_profile, load, names

RATES_HZ = (10, 20, 25, 50)


def taking(fixed_us: int, step_us: int = 0, **others: int) -> DeviceProfile:
    us = {**dict.fromkeys(PARTS, 0), "prefix": fixed_us, "step": step_us, **others}
    return DeviceProfile("toy", "0", "", KINDS[0], "", "", "p50", "", us)


@pytest.mark.parametrize("hz", RATES_HZ)
@pytest.mark.parametrize("steps", [0, 1, 2, 7, 100])
def test_a_plan_of_whole_control_steps_is_no_later_and_a_microsecond_is(
    hz: int, steps: int
) -> None:
    exactly_us = steps * 1_000_000 // hz
    assert taking(exactly_us).delay(1, hz) == steps
    assert taking(exactly_us + 1).delay(1, hz) == steps + 1


def test_a_rate_that_divides_no_second_is_rounded_up_too() -> None:
    assert [taking(us).delay(1, 30) for us in (33_333, 33_334, 66_666, 66_667)] == [1, 2, 2, 3]


def test_more_evaluations_are_never_quicker() -> None:
    for name in names():
        delays = [device_profile(name).delay(count, 20) for count in range(1, 40)]
        assert delays == sorted(delays, key=lambda d: d or 0)


@pytest.mark.parametrize(
    ("name", "hz", "wanted"),
    [
        ("rtx4090-pi0", 20, (1, 1, 1, 1)),
        ("rtx4090-pi0", 50, (2, 2, 2, 2)),
        ("thor-pi0", 20, (1, 1, 2, 2)),
        ("thor-pi0", 50, (2, 2, 3, 4)),
        ("rtx4090-pi05", 20, (2, 2, 2, 3)),
        ("rtx4090-pi05", 50, (4, 4, 5, 6)),
        ("orin-pi05", 20, (3, 3, 4, 5)),
        ("orin-pi05", 50, (6, 7, 9, 11)),
    ],
)
def test_published_devices_are_as_late_as_is_known(
    name: str, hz: int, wanted: tuple[int, ...]
) -> None:
    assert tuple(device_profile(name).delay(count, hz) for count in (1, 5, 10, 20)) == wanted


def test_a_gradient_is_a_cost_of_its_own() -> None:
    profile = device_profile("rtx4090-pi05")
    assert [profile.delay(count, 20, guided=True) for count in (1, 5, 10, 20)] == [2, 2, 3, 5]
    assert device_profile("thor-pi0").delay(5, 20, guided=True) is None


def test_the_parts_of_the_published_plans_add_up() -> None:
    assert device_profile("rtx4090-pi05").plan_us(5) == 76_000
    assert device_profile("rtx4090-pi05").plan_us(5, guided=True) == 97_000
    assert device_profile("rtx4090-pi05-mobile").plan_us(5, guided=True) == 139_000
    assert device_profile("rtx4090-pi0").plan_us(10) == 31_100
    assert device_profile("thor-pi0").plan_us(10) == 52_600
    assert device_profile("orin-pi05").plan_us(1) == 119_100
    assert device_profile("orin-pi05").plan_us(10) == pytest.approx(165_700, abs=5)


def test_a_wrong_profile_says_everything_that_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'summary = "x"\nkind = "guessed"\ndevice = 3\nmodel = "m"\nstatistic = "p50"\n'
        "[latency_us]\neyes = 1.5\nprefix = -1\nstep = 2\nhead = 0\nheads = 0\n"
    )
    with pytest.raises(UsageError) as caught:
        load(path)
    said = str(caught.value).replace(str(path), "mine.toml").split("\n")
    assert said == [
        'mine.toml:1: source: "source" is missing',
        'mine.toml:2: kind: no kind "guessed"; known: borrowed, measured',
        "mine.toml:3: device: must be text; got 3",
        'mine.toml:6: latency_us: "overhead" is missing',
        "mine.toml:7: latency_us.eyes: must be whole microseconds; got 1.5",
        "mine.toml:8: latency_us.prefix: must be a number from 0 to 6e+07; got -1",
        'mine.toml:11: latency_us.heads: unknown key; did you mean "head"?',
    ]


def test_an_unknown_device_is_told_its_like() -> None:
    with pytest.raises(UsageError, match="did you mean"):
        device_profile("rtx4090-pi5")
