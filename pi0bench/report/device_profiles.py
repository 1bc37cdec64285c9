"""How long one plan for one robot takes on a device, by its parts, and how many control steps.

A profile is a file, envs/devices/NAME.toml or one that `pi0bench bench --profile` wrote. Times are
whole microseconds, and so is all that is computed of them, since a float may round a delay away or
up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit

from pi0bench.content.folders import files_of
from pi0bench.content.toml_errors import Complaints
from pi0bench.content.toml_files import opened
from pi0bench.errors import UsageError, unknown
from pi0bench.files.atomic import replacing

KINDS = ("measured", "borrowed")
"""Of weights that are here, on a machine that is named; or published, of a larger model."""

STATISTICS = ("p50", "p95", "mean", "roofline")
PARTS = ("eyes", "prefix", "step", "head", "overhead")
GUIDED = "guided_step"
_WORDS = ("summary", "device", "model", "source")
_MOST_US = 60_000_000
_US = 1_000_000


@dataclass(frozen=True)
class DeviceProfile:
    """What a plan takes on a device.

    Attributes:
        name: of the file.
        hash: of its bytes, 12 hex digits.
        summary: a sentence.
        kind: one of `KINDS`.
        device: that computes.
        model: that is computed.
        statistic: what its times are of, one of `STATISTICS`.
        source: where the times come from.
        latency_us: microseconds of each of `PARTS`, `step` for each evaluation of the action
            expert; and, where it is known, of a step that is guided.
    """

    name: str
    hash: str
    summary: str
    kind: str
    device: str
    model: str
    statistic: str
    source: str
    latency_us: Mapping[str, int]

    def plan_us(self, evaluations: int, guided: bool = False) -> int | None:
        """Microseconds of a plan; None where it is not known what a guided step takes.

        Args:
            evaluations: passes through the action expert.
            guided: whether a gradient is taken through each.
        """
        step_us = self.latency_us.get(GUIDED if guided else "step")
        if step_us is None:
            return None
        fixed_us = sum(self.latency_us[part] for part in PARTS if part != "step")
        return fixed_us + evaluations * step_us

    def delay(self, evaluations: int, control_hz: int, guided: bool = False) -> int | None:
        """Control steps from a look to its plan: the time over the steps' length, rounded up."""
        plan_us = self.plan_us(evaluations, guided)
        return None if plan_us is None else -(-plan_us * control_hz // _US)


def names() -> tuple[str, ...]:
    """Every profile that can be asked for."""
    return tuple(sorted(_files()))


def device_profile(name: str) -> DeviceProfile:
    """The profile of that name, or in that file, if the name ends in .toml.

    Raises:
        UsageError: there is none, or its file is wrong.
    """
    if name.endswith(".toml"):
        return load(Path(name))
    if name not in (known := _files()):
        raise UsageError(f"--device-profile: {unknown('device profile', name, known)}")
    return load(known[name])


def load(path: Path) -> DeviceProfile:
    """Read a profile.

    Raises:
        UsageError: the file is wrong; one line a problem, `file:line: where: what`.
    """
    it, digest = opened(path)
    known = (*_WORDS, "kind", "statistic", "latency_us")
    it.keys("", it.raw, known, required=known)
    words = {name: _text(it, name) for name in _WORDS}
    kind = it.one_of("kind", it.raw.get("kind"), "kind", KINDS)
    statistic = it.one_of("statistic", it.raw.get("statistic"), "statistic", STATISTICS)
    table = it.table("latency_us", it.raw.get("latency_us", {}))
    it.keys("latency_us", table, (*PARTS, GUIDED), required=PARTS)
    latency_us = {part: _whole_us(it, f"latency_us.{part}", us) for part, us in table.items()}
    if it.problems:
        raise UsageError("\n".join(it.problems))
    return DeviceProfile(
        path.stem, digest, kind=kind, statistic=statistic, latency_us=latency_us, **words
    )


def write(profile: DeviceProfile, path: Path) -> None:
    """Write a profile's file, whatever its name and hash are."""
    words = {name: getattr(profile, name) for name in (*_WORDS[:1], "kind", *_WORDS[1:])}
    text = {**words, "statistic": profile.statistic, "latency_us": dict(profile.latency_us)}
    with replacing(path) as partial:
        partial.write_text(tomlkit.dumps(text), "utf-8")


def _text(it: Complaints, where: str) -> str:
    value = it.raw.get(where, "")
    return value if it.expect(where, value, str, "text") else ""


def _whole_us(it: Complaints, where: str, value: Any) -> int:
    if not it.expect(where, value, int, "whole microseconds"):
        return 0
    return int(it.number(where, value, 0, _MOST_US))


def _files() -> dict[str, Path]:
    return files_of("envs", "devices/*.toml")
