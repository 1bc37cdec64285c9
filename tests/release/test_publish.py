from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pi0bench.errors import UsageError
from pi0bench.records.record import Cell, Record, Timing
from pi0bench.records.run_folder import RunFolder
from pi0bench.release.publish import publish
from pi0bench.release.regenerate_release import report

Cells = Callable[..., Cell]
Records = Callable[..., Record]


@pytest.fixture
def runs(tmp_path: Path, make_cell: Cells, make_record: Records) -> list[Path]:
    """Two finished runs: several step counts, and one condition in another engine."""
    asked = {
        "steps": [
            make_cell(e, task=task, steps=steps, policy=policy, solver=solver)
            for policy, solver in (("flow", "euler"), ("ddim", "ddim"))
            for task in ("stack", "sort", "lift")
            for steps in (1, 5, 10)
            for e in range(8)
        ],
        "bullet": [make_cell(e, engine="pybullet", policy="flow") for e in range(8)],
    }
    for name, cells in asked.items():
        manifest = {
            "command": f"pi0bench run {name}",
            "settings": {
                "engine": "mujoco",
                "renderer": "gl",
                "episodes": 8,
                "seed": 0,
                "tasks": sorted({cell.task for cell in cells}),
            },
            "versions": {"torch": "2"},
            "machine": {"system": "Linux", "processor": "x86_64"},
        }
        with RunFolder.open(tmp_path / name, manifest, cells) as folder:
            for i, cell in enumerate(cells):
                status = "success" if i % 3 else "failure"
                folder.append(make_record(cell, status), Timing(cell.key(), 0.1, 5.0 + i % 7))
    return [tmp_path / name for name in asked]


def content(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_what_is_published_is_made_again_byte_for_byte(runs: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "results" / "0.1"
    publish(runs, out)
    first = content(out)
    assert {"README.md", "claims.md", "index.html"} <= set(first)
    assert {"steps/steps.png", "steps/table.tex", "steps/episodes.jsonl.gz"} <= set(first)
    for name in first:
        if name.endswith((".md", ".png", ".tex", ".csv", ".html")):
            (out / name).unlink()
    report([out])
    assert content(out) == first
    again = tmp_path / "again"
    publish(runs[::-1], again / "0.1")
    assert content(again / "0.1") == first


def test_the_page_says_all_worlds_and_all_claims(runs: list[Path], tmp_path: Path) -> None:
    publish(runs, tmp_path / "0.1")
    page = (tmp_path / "0.1" / "README.md").read_text()
    assert "pybullet / gl / nominal" in page
    assert "pi0bench run steps" in page
    assert page.count("- Flow") + page.count("- Five steps") == 5
    claims = (tmp_path / "0.1" / "claims.md").read_text()
    assert "p50 " in claims
    assert "within 20 ms" in claims


def test_one_page_shows_all_runs_the_largest_first(runs: list[Path], tmp_path: Path) -> None:
    publish(runs, tmp_path / "0.1")
    page = (tmp_path / "0.1" / "index.html").read_text()
    assert page.index('<section class="run" id="run-steps">') < page.index('id="run-bullet">')
    assert 'href="steps/table.tex"' in page
    assert page.count('<details class="claim">') == 7
    assert not list((tmp_path / "0.1").glob("*/index.html"))


def test_nothing_is_left_of_a_run_that_had_the_name_before(
    runs: list[Path], tmp_path: Path
) -> None:
    film, out = runs[0] / "videos" / "flow-sort-failure-0.mp4", tmp_path / "results" / "0.1"
    film.parent.mkdir()
    film.write_bytes(b"one")
    publish(runs[:1], out)
    film.rename(film.with_name("flow-sort-failure-3.mp4"))
    publish(runs[:1], out)
    assert [path.name for path in (out / "steps" / "videos").iterdir()] == [
        "flow-sort-failure-3.mp4"
    ]


def test_an_unfinished_run_is_not_published(runs: list[Path], tmp_path: Path) -> None:
    path = runs[0] / "episodes.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(UsageError, match="episodes are missing; finish the run first"):
        publish(runs, tmp_path / "0.1")
    assert not (tmp_path / "0.1").exists()


def test_what_is_no_result_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="neither a run nor published runs"):
        report([tmp_path])
    with pytest.raises(UsageError, match="report: name the folders"):
        report([])
    with pytest.raises(UsageError, match="name the folders"):
        publish([], tmp_path)


def test_what_is_withdrawn_is_said_on_top_of_every_page(runs: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "0.1"
    publish(runs, out)
    assert "notice" not in (out / "index.html").read_text().partition("</style>")[2]
    notice = "**Withdrawn.** See [why](claims.md).\n\n| was | is |\n| --- | ---: |\n| 1 | <b>2 |"
    (out / "WITHDRAWN.md").write_text(f"{notice}\n")
    report([out])
    for page, title in (("README.md", "# Results 0.1"), ("claims.md", "# Claims")):
        assert (out / page).read_text().startswith(f"{title}\n\n{notice}\n\n")
    page = (out / "index.html").read_text()
    told = '<p><strong>Withdrawn.</strong> See <a href="claims.md">why</a>.</p>\n<table>'
    assert page.index("<h1>") < page.index(told) < page.index('id="claims"')
    assert "&lt;b&gt;2" in page
