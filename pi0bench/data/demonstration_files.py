"""Files of demonstrations, for `pi0bench demos`: what is recorded is not recorded again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from pi0bench.argument_bounds import bounded, countable
from pi0bench.data.progress_bar import bar
from pi0bench.envs.controller import DEFAULT_HZ, known_rate
from pi0bench.errors import UsageError

if TYPE_CHECKING:
    from pi0bench.data.worlds.world import Disturbance, Task


def demonstrations(
    suites: Sequence[str],
    episodes: int,
    out: Path,
    seed: int,
    workers: int,
    console: Console,
    how: Disturbance | None = None,
    control_hz: int = DEFAULT_HZ,
) -> Path:
    """Record demonstrations of suites into one file, or continue doing so.

    They are disturbed as their world does when `how` is None.

    Raises:
        UsageError: the file holds other demonstrations.
    """
    from pi0bench.data import record_demonstrations as demos
    from pi0bench.data.array_files import read

    engine, specs = tasks(suites)
    known_rate("chunk.control_hz", control_hz)
    bounded("--seed", seed)
    countable(episodes, len(specs))
    if out.exists():
        _, about = read(out)
        described = wanted(suites, episodes, seed, how, control_hz)
        if {key: about.get(key) for key in described} != described:
            raise UsageError(f"{out}: holds demonstrations made otherwise; name another --out")
        console.print(f"{out}: {len(about['episodes'])} demonstrations are there")
        return out
    with bar(console, "demonstrations") as show:
        asked = {"seed": seed, "engine": engine, "how": how, "workers": workers}
        asked["control_hz"] = control_hz
        demos.collect(specs, episodes, out, **asked, progress=show)
    _, about = read(out)
    for spec in specs:
        kept = [row for row in about["episodes"] if row["task"] == spec.id]
        modes = Counter(row["mode"] for row in kept if row["mode"])
        told = "".join(f", {name} {count}" for name, count in sorted(modes.items()))
        console.print(f"  {spec.id}: {len(kept)} of {episodes} episodes succeeded{told}")
    return out


def wanted(
    suites: Sequence[str],
    episodes: int,
    seed: int,
    how: Disturbance | None = None,
    control_hz: int = DEFAULT_HZ,
) -> dict[str, Any]:
    """What a file of these demonstrations says of itself (see `demonstrations`)."""
    from pi0bench.data.record_demonstrations import described
    from pi0bench.data.worlds.choose import make

    engine, specs = tasks(suites)
    how = how or make(engine).disturbance
    return described(specs, episodes, seed, engine, how, control_hz)


def dataset(
    suites: Sequence[str],
    episodes: int,
    out: Path,
    seed: int,
    workers: int,
    side: int,
    console: Console,
) -> Path:
    """Record undisturbed demonstrations of suites as a LeRobotDataset, or continue doing so.

    The states that they are drawn from stay beside it, in a file of the same name.

    Raises:
        UsageError: see `pi0bench.data.lerobot_export.export`.
    """
    from pi0bench.data import lerobot_export
    from pi0bench.data.worlds.choose import make, world_of
    from pi0bench.data.worlds.world import Disturbance
    from pi0bench.envs.episode_protocol import OWN
    from pi0bench.envs.render.choose_renderer import choose, made

    lerobot_export.check(out, side)
    engine = world_of(suites)
    source, calm = out.with_name(f"{out.name}.npz"), Disturbance(share=0.0)
    demonstrations(suites, episodes, source, seed, workers, console, calm)
    drawer = OWN if OWN in make(engine).renderers else choose("auto", engine)[0]
    with made([drawer]) as (renderer,), bar(console, "pictures") as show:
        lerobot_export.export(source, out, renderer, side, show)
    console.print(f"{out}: a LeRobotDataset v3")
    return out


def tasks(suites: Sequence[str]) -> tuple[str, Sequence[Task]]:
    """The engine in which suites are demonstrated, and their tasks, each once, sorted."""
    from pi0bench.data.worlds.choose import make, world_of

    engine = world_of(suites)
    return engine, make(engine).tasks(suites)
