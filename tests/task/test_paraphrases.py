from __future__ import annotations

import re
from pathlib import Path

import pytest

from pi0bench.errors import UsageError
from pi0bench.task.paraphrases import KINDS, file, paraphrases
from pi0bench.task.task_files import task, task_ids

LONGEST = 16  # words that policies read; what follows is cut off


@pytest.mark.parametrize("task_id", task_ids())
def test_every_task_has_sentences_of_each_kind_that_fit_and_are_new(task_id: str) -> None:
    spec = task(task_id)
    rows = paraphrases([spec])[task_id]
    assert tuple(rows) == KINDS
    sentences = [sentence for kind in KINDS for sentence in rows[kind]]
    assert len(set(sentences)) == len(sentences) >= 9
    assert not set(sentences) & set(spec.instructions)
    lengths = [len(re.sub(r"\{[^}]*\}", "x", sentence).split()) for sentence in sentences]
    assert max(lengths) <= LONGEST


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("[reach_cube]", "[reach_cub]", 'no task "reach_cub"; did you mean "reach_cube"?'),
        ("{target.color}", "{target.colr}", 'no field "target.colr"; did you mean "target.color"?'),
        ("{target.color}", "{target.color", "expected '}' before end of string"),
        (
            "the {target.color} block",
            "a block",
            "does not say {target.color}, as every",
        ),
        ('"touch the {target.color} block"', "7", "close.1: must be text in quotes; got 7"),
        (' "touch the {target.color} block",', "", "must have 3 sentences or more; has 2"),
        ('"touch the {target.color} block"', '"touch the {target.color} cube"', "own instructions"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(
    old: str, new: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, _, rest = file().read_text("utf-8").partition("[reach_cube]")
    text = f"[reach_cube]{rest}"
    assert old in text
    path = tmp_path / "paraphrases.toml"
    path.write_text(before + text.replace(old, new, 1), "utf-8")
    monkeypatch.setattr("pi0bench.task.paraphrases.file", lambda: path)
    with pytest.raises(UsageError) as caught:
        paraphrases([task("reach_cube")])
    told = [line for line in str(caught.value).split("\n") if problem in line]
    assert len(told) == 1
    assert int(told[0].removeprefix(f"{path}:").split(":")[0]) > before.count("\n")


def test_a_task_without_any_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "paraphrases.toml"
    path.write_text("", "utf-8")
    monkeypatch.setattr("pi0bench.task.paraphrases.file", lambda: path)
    with pytest.raises(UsageError) as caught:
        paraphrases([task("reach_cube")])
    missing = "there are no paraphrases of this task; give close, free, wordy, 3 sentences each"
    assert str(caught.value) == f"{path}:1: reach_cube: {missing}, in tasks/paraphrases.toml"
