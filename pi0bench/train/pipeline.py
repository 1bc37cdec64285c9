"""`pi0bench demos` and `pi0bench train`: each step is skipped when its file is already there."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from pi0bench.bounds import bounded, countable
from pi0bench.errors import UsageError, unknown
from pi0bench.policies import card as cards
from pi0bench.policies.folders import EYES_CARD, WEIGHTS, folders
from pi0bench.train.progress import bar

if TYPE_CHECKING:
    from pi0bench.train.worlds.world import Disturbance, Task


def demonstrations(
    suites: Sequence[str],
    episodes: int,
    out: Path,
    seed: int,
    workers: int,
    console: Console,
    how: Disturbance | None = None,
) -> Path:
    """Record demonstrations of suites into one file, or continue doing so.

    They are disturbed as their world does when `how` is None.

    Raises:
        UsageError: the file holds other demonstrations.
    """
    from pi0bench.train import demos
    from pi0bench.train.arrays import read
    from pi0bench.train.worlds.choose import make

    engine, specs = _tasks(suites)
    bounded("--seed", seed)
    countable(episodes, len(specs))
    how = how or make(engine).disturbance
    wanted = {
        "seed": seed,
        "tasks": {spec.id: spec.hash for spec in specs},
        "asked": episodes,
        "disturbance": vars(how),
    }
    if out.exists():
        _, about = read(out)
        if {key: about.get(key) for key in wanted} != wanted:
            raise UsageError(f"{out}: holds demonstrations made otherwise; name another --out")
        console.print(f"{out}: {len(about['episodes'])} demonstrations are there")
        return out
    with bar(console, "demonstrations") as show:
        asked = {"seed": seed, "engine": engine, "how": how, "workers": workers}
        demos.collect(specs, episodes, out, **asked, progress=show)
    _, about = read(out)
    for spec in specs:
        kept = [row for row in about["episodes"] if row["task"] == spec.id]
        modes = Counter(row["mode"] for row in kept if row["mode"])
        told = "".join(f", {name} {count}" for name, count in sorted(modes.items()))
        console.print(f"  {spec.id}: {len(kept)} of {episodes} episodes succeeded{told}")
    return out


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
        UsageError: see `pi0bench.train.lerobot.export`.
    """
    from pi0bench.envs.episode import OWN
    from pi0bench.envs.render.choose import choose, made
    from pi0bench.train import lerobot
    from pi0bench.train.worlds.choose import make, world_of
    from pi0bench.train.worlds.world import Disturbance

    lerobot.check(out, side)
    engine = world_of(suites)
    source, calm = out.with_name(f"{out.name}.npz"), Disturbance(share=0.0)
    demonstrations(suites, episodes, source, seed, workers, console, calm)
    drawer = OWN if OWN in make(engine).renderers else choose("auto", engine)[0]
    with made([drawer]) as (renderer,), bar(console, "pictures") as show:
        lerobot.export(source, out, renderer, side, show)
    console.print(f"{out}: a LeRobotDataset v3")
    return out


def _tasks(suites: Sequence[str]) -> tuple[str, Sequence[Task]]:
    """The engine in which suites are demonstrated, and their tasks, each once, sorted."""
    from pi0bench.train.worlds.choose import make, world_of

    engine = world_of(suites)
    return engine, make(engine).tasks(suites)


def members(group: str) -> list[str]:
    """The policies of a comparison group that have weights of their own, teachers first.

    Raises:
        UsageError: no card says that it belongs to the group.
    """
    found = {name: cards.read(folder) for name, folder in folders().items()}
    groups = {card["group"] for card in found.values() if "group" in card}
    if group not in groups:
        raise UsageError(unknown("group", group, groups))
    own = [n for n, c in found.items() if c.get("group") == group and "same_as" not in c]
    return sorted(own, key=lambda name: ("teacher" in found[name]["head"], name))


def train(
    names: Sequence[str],
    data: Path,
    workers: int,
    console: Console,
    device: str = "cpu",
    features: Path | None = None,
) -> None:
    """Train eyes or policies by their cards; what they learn from is made first if it is missing.

    Args:
        names: folders of policies/; eyes and teachers before those that need them.
        data: folder of what is learned from.
        workers: processes and threads.
        console: told how far it has come.
        device: on "cuda" policies are trained side by side, by `pi0bench.train.together`.
        features: the file that policies learn from, in place of their recording.

    Raises:
        UsageError: no card has a name, or a name has nothing to be trained.
    """
    import torch

    eyes, policies = folders(EYES_CARD), folders()
    for name in names:
        if name not in (known := {**eyes, **policies}):
            raise UsageError(unknown("card", name, known))
    if device == "cpu":
        torch.set_num_threads(workers)
    for name in names:
        if name in eyes:
            _train_eyes(name, data, workers, console, device)
        elif device == "cpu":
            source = _learned_from(name, data, workers, console, device, features)
            _train_policy(name, source, data, console, device)
    if device != "cpu":
        from pi0bench.train.make import fit_policies

        own = [name for name in names if name in policies]
        taught = [name for name in own if _teacher(name)]
        for group in ([name for name in own if name not in taught], taught):
            sources = {
                name: _learned_from(name, data, workers, console, device, features)
                for name in group
            }
            for path in fit_policies(sources, device, say=console.print):
                console.print(f"{path}: written")


def _train_eyes(name: str, data: Path, workers: int, console: Console, device: str) -> None:
    from pi0bench.train.make import fit_eyes

    work = data / "training" / name
    scenes = _scenes(cards.read(folders(EYES_CARD)[name], EYES_CARD), data, workers, console)
    with bar(console, name) as show:
        path = fit_eyes(name, scenes, work, show, device)
    errors = cards.weights(path)[1]["errors_m"]
    for look, (median, p90) in errors.items():
        console.print(f"  {look}: off by {1000 * median:.1f} mm (median), {1000 * p90:.1f} (p90)")
    console.print(f"{path}: written; its curve is {work / 'curve.csv'}")


def _train_policy(name: str, source: Path, data: Path, console: Console, device: str) -> None:
    from pi0bench.train.make import fit_policy

    work = data / "training" / name
    with bar(console, name) as show:
        path = fit_policy(name, source, work, show, device)
    console.print(f"{path}: written; its curve is {work / 'curve.csv'}")


def _scenes(card: dict[str, Any], data: Path, workers: int, console: Console) -> list[Path]:
    source = _demonstrations(card["training"], data, workers, console)
    from pi0bench.train import scenes

    recipe = card["training"]
    with bar(console, "scenes") as show:
        return scenes.collect(
            _tasks(recipe["suites"])[1],
            source,
            recipe["scenes"],
            data / "scenes",
            side=card["eyes"]["side"],
            seed=recipe["seed"],
            workers=workers,
            progress=show,
        )


def _demonstrations(recipe: dict[str, Any], data: Path, workers: int, console: Console) -> Path:
    """A recipe's demonstrations, in a file named by what they were made from."""
    suites, count, seed = recipe["suites"], recipe["demonstrations"], recipe["seed"]
    tasks = hashlib.sha256(str([(t.id, t.hash) for t in _tasks(suites)[1]]).encode())
    out = data / f"demos-{'+'.join(suites)}-{count}-{seed}-{tasks.hexdigest()[:12]}.npz"
    return demonstrations(suites, count, out, seed, workers, console)


def _learned_from(
    name: str, data: Path, workers: int, console: Console, device: str, features: Path | None
) -> Path:
    """What a policy's card learns from: points, or features, or a teacher's answers to them."""
    card = cards.read(folders()[name])
    if "points" in card:
        return _points(card, data, workers, console)
    features = features or _features(card, data, workers, console)
    teacher = _teacher(name)
    if not teacher:
        return features
    weights = cards.digest(folders()[teacher] / WEIGHTS)
    called = f"{teacher.replace('/', '-')}-{weights}-{features.stem.removeprefix('features-')}"
    out = data / f"pairs-{called}.npz"
    if not out.exists():
        from pi0bench.train import reflow

        seed = card["training"]["seed"]
        with bar(console, f"pairs of {teacher}") as show:
            reflow.pairs(features, teacher, out, seed=seed, device=device, progress=show)
    return out


def _teacher(name: str) -> str | None:
    """The policy whose answers a policy learns from, if it has one."""
    return cards.read(folders()[name]).get("head", {}).get("teacher")


def _features(card: dict[str, Any], data: Path, workers: int, console: Console) -> Path:
    """The features of a card's eyes and demonstrations.

    The file is named by both, so that changed tasks or eyes are never learned from by mistake.
    """
    source = _demonstrations(card["training"], data, workers, console)
    eyes = card["eyes"]["name"]
    seen = cards.digest(folders(EYES_CARD)[eyes] / WEIGHTS)
    out = data / f"features-{source.stem.removeprefix('demos-')}-{seen}.npz"
    if out.exists():
        return out
    from pi0bench.train import features

    with bar(console, "features") as show:
        return features.encode(source, eyes, out, workers=workers, progress=show)


def _points(card: dict[str, Any], data: Path, workers: int, console: Console) -> Path:
    """The clouds of a card's demonstrations."""
    source = _demonstrations(card["training"], data, workers, console)
    count = int(card["points"]["count"])
    out = data / f"points-{source.stem.removeprefix('demos-')}-{count}.npz"
    if out.exists():
        return out
    from pi0bench.train import points

    with bar(console, "points") as show:
        return points.encode(source, count, out, workers=workers, progress=show)
