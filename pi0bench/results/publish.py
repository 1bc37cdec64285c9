"""Published results: runs put side by side, and pages made of them and of nothing else."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pi0bench.errors import UsageError
from pi0bench.results import manifest, quality
from pi0bench.results.claims import Claim, claims
from pi0bench.results.claims import markdown as claims_markdown
from pi0bench.results.evidence import Evidence
from pi0bench.results.files import write_atomic
from pi0bench.results.lerobot import eval_infos
from pi0bench.results.pages import FIGURE, STEPS, TABLE, Pages, pages
from pi0bench.results.sentences import RULE
from pi0bench.results.steps import who
from pi0bench.results.store import COMPRESSED, EPISODES, TIMINGS, RunFolder
from pi0bench.results.text import NOTHING, in_markdown, markdown_table, percent, percents, plain

README, CLAIMS, VIDEOS = "README.md", "claims.md", "videos"


def publish(runs: Sequence[Path], out: Path) -> list[Path]:
    """Copy finished runs into `out`, a folder each by its name, and write the pages.

    Raises:
        UsageError: a folder holds no run or an unfinished one, or two have one name.
    """
    if not runs:
        raise UsageError("publish: name the folders of finished runs")
    names = [run.name for run in runs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"publish: two runs are called {', '.join(twice)}; rename a folder")
    for run in runs:
        _must_be_finished(RunFolder(run))
    for run in runs:
        _copy(RunFolder(run), out / run.name)
    return report(out)


def report(folder: Path) -> list[Path]:
    """Write the pages of a run's folder or of published results again, from their records alone.

    Returns:
        The files written.

    Raises:
        UsageError: the folder holds neither.
    """
    if (folder / manifest.NAME).exists():
        run = RunFolder(folder)
        others = eval_infos(run.records(), run.timings())
        return _write(folder, {**pages(run).files, **others})
    runs = sorted(path.parent for path in folder.glob(f"*/{manifest.NAME}"))
    if not runs:
        raise UsageError(f"{folder}: holds neither a run nor published runs")
    read = {run.name: pages(RunFolder(run)) for run in runs}
    folders = [RunFolder(run) for run in runs]
    evidence = Evidence(
        records=list({r.cell.key(): r for f in folders for r in f.records()}.values()),
        timings=list({t.key: t for f in folders for t in f.timings()}.values()),
        qualities=[q for run in runs for q in quality.read(run)],
    )
    judged = claims(evidence)
    text = _readme(folder.name, read, {f.root.name: f.manifest() for f in folders}, judged)
    own = {README: text.encode(), CLAIMS: claims_markdown(judged).encode()}
    written = [path for run in runs for path in _write(run, read[run.name].files)]
    return written + _write(folder, own)


def _must_be_finished(run: RunFolder) -> None:
    done = [record.cell for record in run.records() if record.final]
    if manifest.plan_hash(done) != run.manifest().get("plan"):
        raise UsageError(f"{run.root}: episodes are missing; finish the run first")


def _copy(run: RunFolder, out: Path) -> None:
    write_atomic(out / manifest.NAME, run.path(manifest.NAME).read_bytes())
    records, timings = run.records(), run.timings()
    lines = {
        EPISODES: [record.to_line() for record in records],
        TIMINGS: [timing.to_line() for timing in timings],
    }
    for name, rows in lines.items():
        data = "".join(f"{row}\n" for row in rows).encode()
        write_atomic(out / (name + COMPRESSED), gzip.compress(data, mtime=0))
    found = quality.read(run.root)
    if found:
        data = "".join(f"{one.to_line()}\n" for one in found).encode()
        write_atomic(out / quality.QUALITY, data)
    for video in sorted(run.path(VIDEOS).glob("*.mp4")):
        write_atomic(out / VIDEOS / video.name, video.read_bytes())


def _write(folder: Path, files: Any) -> list[Path]:
    for name, data in files.items():
        write_atomic(folder / name, data)
    return [folder / name for name in files]


def _readme(
    name: str,
    runs: dict[str, Pages],
    manifests: dict[str, dict[str, Any]],
    judged: Sequence[Claim],
) -> str:
    blocks = [f"# Results {name}", "Made by `pi0bench publish` from the records beside this page."]
    for run, read in runs.items():
        blocks += [f"## {run}", _success(read)]
        if read.verdicts:
            blocks.append("\n".join(f"- {in_markdown(line)}" for line in read.verdicts))
        links = [f"[{run}/{file}]({run}/{file})" for file in (TABLE, STEPS) if file in read.files]
        blocks.append("All numbers: " + ", ".join(links) + ".")
        if FIGURE in read.files:
            blocks.append(f"![{run}]({run}/{FIGURE})")
    worlds = _worlds(runs.values())
    if worlds:
        blocks += ["## Physics and renderer", worlds]
    listed = "\n".join(f"- {claim.says} **{claim.verdict.capitalize()}.**" for claim in judged)
    blocks += ["## Claims", listed, f"What each rests on: [{CLAIMS}]({CLAIMS})."]
    commands = "\n".join(f"    {manifests[run]['command']}" for run in runs)
    blocks += ["## Make it again", commands, *map(in_markdown, _common(runs.values()))]
    return "\n\n".join(blocks) + "\n"


def _success(read: Pages) -> str:
    """One row a condition: the mean over the tasks, and each task's successes."""
    tasks = sorted({row.task for profile in read.profiles for row in profile.tasks})
    several = len(tasks) > 1
    names = ["policy", "solver", "steps", "evaluations/re-plan", "ms/re-plan p50"]
    names.append("mean" if several else "success")
    lines = []
    for profile in read.profiles:
        condition, total = profile.condition, profile.total
        of_task = {row.task: f"{row.successes}/{row.n}" for row in profile.tasks}
        lines.append(
            [
                *who(condition),
                plain(total.evaluations, 1),
                NOTHING if total.replan_ms is None else f"{total.replan_ms[0]:.1f}",
                f"{percent(total.rate)} {percents(total.interval)}",
                *([of_task.get(task, NOTHING) for task in tasks] if several else []),
            ]
        )
    return markdown_table([*names, *(tasks if several else [])], lines, words=2)


def _worlds(runs: Iterable[Pages]) -> str:
    """Policies that were measured in several worlds under one condition, a column a world."""
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for read in runs:
        for profile in read.profiles:
            condition, total = profile.condition, profile.total
            world = " / ".join(condition.world)
            rate = f"{percent(total.rate)} {percents(total.interval)}"
            text = f"{rate}, {total.task}, n = {total.n}"
            found.setdefault(tuple(who(condition)), {}).setdefault(world, text)
    several = {key: of for key, of in found.items() if len(of) > 1}
    worlds = sorted({world for of in several.values() for world in of})
    lines = [
        [*asked, *(of.get(world, NOTHING) for world in worlds)] for asked, of in several.items()
    ]
    return markdown_table(["policy", "solver", "steps", *worlds], lines, words=2) if lines else ""


def _common(runs: Iterable[Pages]) -> list[str]:
    """The rule of the verdicts and the footers' sentences, each once."""
    rules = [RULE for read in runs if read.verdicts]
    return list(dict.fromkeys([*rules, *(line for read in runs for line in read.footer)]))
