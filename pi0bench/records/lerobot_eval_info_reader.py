"""Reads LeRobot's `eval_info.json`, in both of its layouts, as outcomes that can be compared."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pi0bench.errors import UsageError
from pi0bench.files.durable import storage
from pi0bench.records import manifest
from pi0bench.records.lerobot_eval_info import NAME
from pi0bench.records.record import Cell, Record
from pi0bench.records.run_folder import RunFolder

_MAX_BYTES = 256 * 2**20
_LAYOUTS = '"per_task" or "per_episode"'


def outcomes(path: Path) -> list[Record]:
    """The records of a run's folder, or the outcomes in an `eval_info.json` or a folder with one.

    Raises:
        UsageError: the file is not such a file.
    """
    if path.is_file():
        return read_eval_info(path)
    if not (path / manifest.NAME).exists() and (path / NAME).is_file():
        return read_eval_info(path / NAME)
    return RunFolder(path).records()


def read_eval_info(path: Path) -> list[Record]:
    """The outcomes in the file, one record an episode.

    It does not say what was measured, so policy and weights are named by the file (its folder when
    it is called eval_info.json), and what else it lacks is empty: the task's hash, which then goes
    with every version, engine, renderer and sentence.

    Raises:
        UsageError: it is not such a file; the message says where, what, and what would work.
    """
    with storage(path):
        if path.stat().st_size > _MAX_BYTES:
            raise UsageError(f"{path}: larger than {_MAX_BYTES} bytes; this is no {NAME}")
        text = path.read_bytes()
    try:
        return _records(json.loads(text), _source(path))
    except RecursionError:
        raise UsageError(f"{path}: nested too deeply; this is no {NAME}") from None
    except ValueError as error:
        what = "not JSON: " if isinstance(error, json.JSONDecodeError | UnicodeDecodeError) else ""
        raise UsageError(f"{path}: {what}{error}") from None


def _source(path: Path) -> str:
    return path.resolve().parent.name if path.name == NAME else path.stem


def _records(info: Any, source: str) -> list[Record]:
    found = _of(info, dict, "the file", "an object")
    if "per_task" in found:
        rows = _of_tasks(found["per_task"])
    elif "per_episode" in found:
        rows = _of_episodes(found["per_episode"])
    else:
        raise ValueError(f"neither {_LAYOUTS} in it; this is no {NAME}")
    if not rows:
        raise ValueError("no episode in it")
    twice = [key for key, count in Counter(row[:3] for row in rows).items() if count > 1]
    if twice:
        task, episode, seed = twice[0]
        raise ValueError(f"{task}: episode {episode} of seed {seed} is there twice")
    _agree(found, [success for *_, success in rows])
    return [_record(source, *row) for row in rows]


def _of_tasks(tasks: Any) -> list[tuple[str, int, int, bool]]:
    """Task, episode, seed and success of each, from the layout with tasks."""
    listed = [
        (_of(task, dict, f"per_task[{i}]", "an object"), f"per_task[{i}]")
        for i, task in enumerate(_of(tasks, list, "per_task", "a list"))
    ]
    names = [_task(task, where) for task, where in listed]
    rows = []
    for (task, where), name in zip(listed, names, strict=True):
        metrics = _of(task.get("metrics"), dict, f"{where}.metrics", "an object")
        inside = f"{where}.metrics"
        won = _of(metrics.get("successes"), list, f"{inside}.successes", "a list")
        numbers = _numbers(metrics, "episodes", range(len(won)), inside)
        seeds = _numbers(metrics, "seeds", [0] * len(won), inside)
        rows += [
            (name, numbers[i], seeds[i], _success(one, f"{inside}.successes[{i}]"))
            for i, one in enumerate(won)
        ]
    return rows


def _task(task: dict[str, Any], where: str) -> str:
    """A group's task 0 is called by the group's name, as we write it; others add their number."""
    group = _of(task.get("task_group"), str, f"{where}.task_group", "a text")
    number = _whole(task.get("task_id"), f"{where}.task_id")
    return f"{group}/{number}" if number else group


def _of_episodes(episodes: Any) -> list[tuple[str, int, int, bool]]:
    """The same, from the older layout of a single task, which it does not name."""
    rows: list[tuple[int, int, bool]] = []
    for i, one in enumerate(_of(episodes, list, "per_episode", "a list")):
        where = f"per_episode[{i}]"
        row = _of(one, dict, where, "an object")
        number = _whole(row.get("episode_ix", i), f"{where}.episode_ix")
        seed = _whole(0 if row.get("seed") is None else row["seed"], f"{where}.seed")
        rows.append((number, seed, _success(row.get("success"), f"{where}.success")))
    # LeRobot's seeds count the episodes up from the run's own.
    starts = {seed - number for number, seed, _ in rows}
    counted = len(starts) == 1 and min(starts) >= 0
    return [("", number, seed - number if counted else seed, won) for number, seed, won in rows]


def _numbers(
    metrics: dict[str, Any], name: str, otherwise: Sequence[int], where: str
) -> Sequence[int]:
    if name not in metrics:
        return otherwise
    found = _of(metrics[name], list, f"{where}.{name}", "a list")
    if len(found) != len(otherwise):
        raise ValueError(f"{where}.{name}: {len(found)} for {len(otherwise)} successes")
    return [_whole(number, f"{where}.{name}[{i}]") for i, number in enumerate(found)]


def _of(value: Any, kind: type, where: str, words: str) -> Any:
    if not isinstance(value, kind):
        raise ValueError(f"{where}: expected {words}, got {_short(value)}")
    return value


def _whole(value: Any, where: str) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{where}: expected a number from 0, got {_short(value)}")
    return value


def _success(value: Any, where: str) -> bool:
    if isinstance(value, bool | int | float) and value in (0, 1):
        return bool(value)
    raise ValueError(f"{where}: expected true or false, got {_short(value)}")


def _short(value: Any) -> str:
    return "nothing" if value is None else repr(value)[:60]


def _agree(info: dict[str, Any], won: Sequence[bool]) -> None:
    """See that the totals in it are those of its episodes."""
    where = "overall" if "overall" in info else "aggregated"
    totals = _of(info.get(where, {}), dict, where, "an object")
    for name, wanted in (("n_episodes", len(won)), ("pc_success", 100 * sum(won) / len(won))):
        said = totals.get(name, wanted)
        if type(said) not in (int, float) or not math.isclose(said, wanted, abs_tol=1e-6):
            raise ValueError(f"{where}.{name}: says {_short(said)}; its episodes say {wanted:g}")


def _record(source: str, task: str, episode: int, seed: int, success: bool) -> Record:
    cell = Cell(source, source, task, "", "", "", "", seed, episode, 0, "none")
    status, progress = ("success", 1.0) if success else ("failure", 0.0)
    return Record(cell, status, 0, 0.0 if success else None, progress, "", 0, 0)
