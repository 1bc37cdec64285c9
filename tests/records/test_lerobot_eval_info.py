from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pi0bench.cli import main
from pi0bench.errors import StorageError, UsageError
from pi0bench.records.lerobot_eval_info import eval_info, eval_infos
from pi0bench.records.lerobot_eval_info_reader import outcomes, read_eval_info
from pi0bench.records.record import Record
from pi0bench.report.comparison import compare
from pi0bench.report.comparison_input import entry
from tests.fake_records import cell, record, timing

AGGREGATE = ["avg_sum_reward", "avg_max_reward", "pc_success", "n_episodes", "video_paths"]


def measured(**changes: Any) -> list[Record]:
    """Four episodes of two tasks each, of which the odd ones succeed, but for one that was lost."""
    found = []
    for task in ("stack", "sort"):
        for episode in range(4):
            of = cell(**{"task": task, "episode": episode, "seed": 3, **changes})
            found.append(record(of, "success" if episode % 2 else "failure"))
    return [*found[:-2], record(found[-2].cell, "infra_error", fault="killed"), found[-1]]


def written(path: Path, info: Any) -> Path:
    path.write_text(info if isinstance(info, str) else json.dumps(info))
    return path


def modern(**metrics: Any) -> dict[str, Any]:
    """What lerobot-eval writes: groups of numbered tasks, no seeds."""
    given = {"sum_rewards": [1.0, 0.0], "max_rewards": [1.0, 0.0], "successes": [True, False]}
    task = {"task_group": "libero_10", "task_id": 3, "metrics": {**given, **metrics}}
    return {"per_task": [task], "per_group": {}, "overall": {"pc_success": 50.0, "n_episodes": 2}}


def older(*seeds: int | None) -> dict[str, Any]:
    rows = [
        {"episode_ix": i, "sum_reward": 0.0, "max_reward": 0.0, "success": i == 0, "seed": seed}
        for i, seed in enumerate(seeds)
    ]
    return {"per_episode": rows, "aggregated": {"pc_success": 100 / len(rows), "eval_s": 1.0}}


def keys(records: list[Record]) -> list[tuple[str, int, int, bool]]:
    cells = [(r.cell, r.status == "success") for r in records]
    return [(of.task, of.episode, of.seed, won) for of, won in cells]


def test_it_has_the_fields_that_lerobot_writes() -> None:
    records = measured()
    info = eval_info(records, [timing(r.cell) for r in records])
    assert list(info) == ["per_task", "per_group", "overall"]
    sort, stack = info["per_task"]
    assert (sort["task_group"], sort["task_id"], stack["task_group"]) == ("sort", 0, "stack")
    assert stack["metrics"] == {
        "sum_rewards": [0.0, 1.0, 0.0, 1.0],
        "max_rewards": [0.0, 1.0, 0.0, 1.0],
        "successes": [False, True, False, True],
        "video_paths": [],
        "episodes": [0, 1, 2, 3],
        "seeds": [3, 3, 3, 3],
    }
    assert sort["metrics"]["episodes"] == [0, 1, 3]
    assert list(info["per_group"]["sort"]) == AGGREGATE
    assert info["per_group"]["stack"]["pc_success"] == 50.0
    assert list(info["overall"]) == [*AGGREGATE, "eval_s", "eval_ep_s"]
    assert info["overall"]["n_episodes"] == 7
    assert info["overall"]["pc_success"] == pytest.approx(400 / 7)
    assert info["overall"]["eval_s"] == 7 * 3.25
    assert info["overall"]["eval_ep_s"] == 3.25


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    records = measured()
    ((name, data),) = eval_infos(records, []).items()
    assert name == "eval_info.json"
    (tmp_path / name).write_bytes(data)
    read = read_eval_info(tmp_path / name)
    assert sorted(keys(read)) == sorted(keys([r for r in records if r.final]))
    assert {r.cell.policy for r in read} == {tmp_path.name}


def test_each_condition_has_a_file_of_its_own() -> None:
    records = [
        *measured(),
        *measured(steps=2),
        *measured(policy="a/b", steps=0, solver="none", variation="light-2"),
    ]
    assert sorted(eval_infos(records, [])) == [
        "eval_info/a_b-light-2.json",
        "eval_info/pi0-10-euler.json",
        "eval_info/pi0-2-euler.json",
    ]
    assert eval_infos([record(status="infra_error", fault="killed")], []) == {}


def test_tasks_of_a_group_are_told_apart(tmp_path: Path) -> None:
    read = read_eval_info(written(tmp_path / "smolvla.json", modern()))
    assert keys(read) == [("libero_10/3", 0, 0, True), ("libero_10/3", 1, 0, False)]
    assert read[0].cell.policy == "smolvla"


@pytest.mark.parametrize(
    ("seeds", "read"),
    [
        ((1000, 1001, 1002), [1000, 1000, 1000]),
        ((7, 7, 7), [7, 7, 7]),
        ((0, 0, 0), [0, 0, 0]),
        ((None, None, None), [0, 0, 0]),
    ],
)
def test_the_older_layout_is_read_too(
    seeds: tuple[int | None, ...], read: list[int], tmp_path: Path
) -> None:
    found = read_eval_info(written(tmp_path / "eval_info.json", older(*seeds)))
    assert [r.cell.seed for r in found] == read
    assert [r.cell.episode for r in found] == [0, 1, 2]
    assert [r.status for r in found] == ["success", "failure", "failure"]


def test_a_run_is_compared_with_another_tools_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = [r for r in measured() if r.final]
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    theirs.mkdir()
    (ours / "episodes.jsonl").write_text("".join(f"{r.to_line()}\n" for r in records))
    (theirs / "eval_info.json").write_bytes(eval_infos(records, [])["eval_info.json"])
    found = compare({str(path): entry(path) for path in (ours, theirs)})
    assert found.n == 7
    assert [s.name for s in found.standings] == [
        "pi0 · 10 · euler · mujoco / gl / nominal",
        "theirs",
    ]
    for other in (theirs, theirs / "eval_info.json"):
        assert main(["compare", str(ours), str(other)]) == 0
        assert "theirs" in capsys.readouterr().out


def test_a_runs_folder_is_read_by_its_records(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{}")
    written(tmp_path / "eval_info.json", modern())
    assert outcomes(tmp_path) == []


DEEP = "[" * 100_000


@pytest.mark.parametrize(
    ("info", "message"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        (DEEP, "nested too deeply"),
        ([], r"the file: expected an object, got \[\]"),
        ({}, 'neither "per_task" or "per_episode" in it'),
        ({"per_task": []}, "no episode in it"),
        ({"per_task": {}}, r"per_task: expected a list, got \{\}"),
        ({"per_task": [1]}, r"per_task\[0\]: expected an object, got 1"),
        ({"per_task": [{"task_group": "a"}]}, r"per_task\[0\].task_id: .* got nothing"),
        ({"per_task": [{"task_group": 1, "task_id": 0}]}, r"task_group: expected a text, got 1"),
        (modern(successes=None), r"metrics.successes: expected a list, got nothing"),
        (modern(successes=[True, "no"]), r"successes\[1\]: expected true or false, got 'no'"),
        (modern(successes=[True, float("nan")]), r"successes\[1\]: .* got nan"),
        (modern(successes=[True, 0.5]), r"successes\[1\]: expected true or false, got 0.5"),
        (modern(seeds=[0]), r"metrics.seeds: 1 for 2 successes"),
        (modern(seeds=[0, -1]), r"seeds\[1\]: expected a number from 0, got -1"),
        (modern(episodes=[0, True]), r"episodes\[1\]: expected a number from 0, got True"),
        (modern(episodes=[4, 4]), "libero_10/3: episode 4 of seed 0 is there twice"),
        (modern(successes=[True]), "overall.n_episodes: says 2; its episodes say 1"),
        (modern(successes=[True, True]), "overall.pc_success: says 50.0; its episodes say 100"),
        ({"per_episode": [{"success": 2}]}, r"per_episode\[0\].success: .* got 2"),
        ({"per_episode": [{"success": True, "seed": "x"}]}, r"per_episode\[0\].seed: .* got 'x'"),
        ({**older(1, 2), "aggregated": []}, r"aggregated: expected an object"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(info: Any, message: str, tmp_path: Path) -> None:
    path = written(tmp_path / "eval_info.json", info)
    with pytest.raises(UsageError, match=message) as caught:
        read_eval_info(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert len(str(caught.value)) < len(str(path)) + 200


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "eval_info.json"
    path.write_bytes(b"\xff\xfe\x00{")
    with pytest.raises(UsageError, match="not JSON"):
        read_eval_info(path)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="No such file"):
        read_eval_info(tmp_path / "none.json")
