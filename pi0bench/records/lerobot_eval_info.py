"""Writes outcomes as LeRobot's `eval_info.json`, for tools that read what `lerobot-eval` writes.

The layout is that of lerobot's `eval_policy_all` (src/lerobot/scripts/lerobot_eval.py). Each of our
tasks is a group of its own with the single task 0. Two lists are ours, `episodes` and `seeds`:
without them a reader could not tell which start state an outcome belongs to.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from pi0bench.files.short_names import short_name
from pi0bench.records.condition import Condition, measured
from pi0bench.records.record import NOMINAL, Record, Timing

NAME, SEVERAL = "eval_info.json", "eval_info"


def eval_infos(records: Sequence[Record], timings: Sequence[Timing]) -> dict[str, bytes]:
    """One file for a single condition, else a folder with one for each; contents by name."""
    files = {
        _name(of): eval_info(group, timings) for of, group in sorted(measured(records).items())
    }
    if len(files) == 1:
        files = dict(zip((NAME,), files.values(), strict=True))
    return {
        name: f"{json.dumps(info, indent=2, allow_nan=False)}\n".encode()
        for name, info in files.items()
    }


def _name(of: Condition) -> str:
    varied = () if of.variation == NOMINAL else (of.variation,)
    timing = filter(None, [of.timing.replace(" ", "-")])
    name = short_name("-".join((of.policy, *of.sampler, *varied, *timing)))
    return f"{SEVERAL}/{name}.json"


def eval_info(records: Sequence[Record], timings: Sequence[Timing]) -> dict[str, Any]:
    """What `lerobot-eval` would say of these episodes; those that measured nothing are left out.

    An episode's reward is 1 at its success and 0 before, so its sum and its maximum are equal.

    Args:
        records: of one condition, one or more of them final.
        timings: of these episodes, and perhaps of others.
    """
    tasks: dict[str, list[Record]] = {}
    final = (record for record in records if record.final)
    for record in sorted(final, key=lambda r: (r.cell.task, r.cell.seed, r.cell.episode)):
        tasks.setdefault(record.cell.task, []).append(record)
    ended = [record for group in tasks.values() for record in group]
    keys = {record.cell.key() for record in ended}
    took_s = sum(timing.wall_s for timing in timings if timing.key in keys)
    return {
        "per_task": [
            {"task_group": task, "task_id": 0, "metrics": _metrics(group)}
            for task, group in tasks.items()
        ],
        "per_group": {task: _aggregate(group) for task, group in tasks.items()},
        "overall": {
            **_aggregate(ended),
            "eval_s": took_s,
            "eval_ep_s": took_s / len(ended),
        },
    }


def _metrics(records: Sequence[Record]) -> Mapping[str, Any]:
    rewards = [float(record.status == "success") for record in records]
    return {
        "sum_rewards": rewards,
        "max_rewards": rewards,
        "successes": [record.status == "success" for record in records],
        "video_paths": [],
        "episodes": [record.cell.episode for record in records],
        "seeds": [record.cell.seed for record in records],
    }


def _aggregate(records: Sequence[Record]) -> Mapping[str, Any]:
    rate = fmean(record.status == "success" for record in records)
    return {
        "avg_sum_reward": rate,
        "avg_max_reward": rate,
        "pc_success": 100 * rate,
        "n_episodes": len(records),
        "video_paths": [],
    }
