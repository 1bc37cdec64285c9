from __future__ import annotations

import io
import re
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

from pi0bench.cli import main
from pi0bench.errors import UsageError
from pi0bench.policy.heads.gaussian_path_head import GaussianPathHead
from pi0bench.policy.heads.noise_schedules import NOISE_SCHEDULES
from pi0bench.toy import learn, run, world
from pi0bench.toy.measure import Mean, Measured, Share
from pi0bench.toy.network import Navigator
from pi0bench.toy.recipes import JOBS, WAYS, Settings, head
from pi0bench.toy.statements import statements
from pi0bench.toy.worker import train_all

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = Settings(fit_steps=3, demonstrations=300, pairs=100, starts=20)


def passes(card: str, steps: int) -> int:
    """How many the trunk takes for a path."""
    if card == "energy_based":
        return 2 + 32 * steps
    return steps or (2 if card == "mip" else 1)


@pytest.mark.parametrize("cards", JOBS, ids="+".join)
def test_the_same_seed_gives_the_same_paths(cards: tuple[str, ...]) -> None:
    short = replace(TINY, fit_steps=2)
    first, again = train_all(cards, short), train_all(cards, short)
    other = train_all(cards, replace(short, seed=1))
    for one, same, different in zip(first, again, other, strict=True):
        for key, paths in one.paths.items():
            assert paths.shape == (TINY.starts, world.WAYPOINTS, 2)
            assert np.isfinite(paths).all()
            assert np.array_equal(paths, same.paths[key])
            assert not np.array_equal(paths, different.paths[key])
            assert one.passes[key] == passes(one.card, key[1])
        without = ("bc", "mip", "nflow", "energy_score", "energy_based", "mixture")
        assert (one.bends is None) == (one.card in without)


def test_every_way_has_a_job_and_a_sampler_of_its_head() -> None:
    trained = [card for job in JOBS for card in job]
    assert sorted(trained) == sorted({way.card for way in WAYS})
    _, scale = learn.demonstrated(TINY)
    for way in WAYS:
        solvers = Navigator(head(way.card), scale).head.solvers
        assert way.solver in (solvers or ("",))


def test_every_path_and_every_coupling_is_there() -> None:
    _, scale = learn.demonstrated(TINY)
    heads = {way.card: Navigator(head(way.card), scale).head for way in WAYS}
    gaussian = [one for one in heads.values() if isinstance(one, GaussianPathHead)]
    recipes = [one.path.options for one in gaussian]
    assert {one.path for one in recipes} == set(NOISE_SCHEDULES)
    assert {one.coupling for one in recipes} == {"independent", "reflow", "from_nothing"}


def test_network_numbers_have_about_unit_variance_around_the_mean_path() -> None:
    lessons, scale = learn.demonstrated(replace(TINY, demonstrations=5000))
    numbers = lessons.tensors["numbers"]
    assert numbers.mean(0).abs().max() < 1e-4
    assert numbers.std(0).max() < 1.001
    assert numbers[:, 2:-2].std(0).min() > 0.999  # the ends hardly vary, and are not blown up
    paths = scale.restore(numbers).double().numpy()
    starts = lessons.tensors["starts"].double().numpy()
    assert world.judge(starts, paths).succeeded.all()


def test_a_teachers_pairs_are_what_it_makes_of_their_noise() -> None:
    lessons, scale = learn.demonstrated(TINY)
    teacher = learn.train(head("flow"), scale, lessons, TINY)
    pairs = learn.pairs(teacher, TINY)
    rows = pairs.gather(np.array([0, 7]))
    made = teacher.sample(rows["starts"], lambda: rows["noise"], 10, "heun").actions
    torch.testing.assert_close(made, rows["numbers"])


def measured(name: str, steps: int, k: int, touched: int) -> Measured:
    share = Share(k, 500)
    distance = Mean(0.0, share.interval, 10)
    return Measured((name, steps), share, Share(touched, 500), Share(k // 2, k), distance)


def found(one_step: int, bend: float) -> list[bool]:
    cells = [
        measured("flow", 1, one_step, 500 - one_step),
        measured("flow", 10, 495, 5),
        measured("rectified flow", 1, 500 - one_step, one_step),
        measured("self-consistent", 1, 500 - one_step, one_step),
        measured("regression", 0, 0, 500 - one_step),
        measured("MIP", 0, 0, 500),
        measured("energy score", 0, 495, 5),
        measured("mixture of Gaussians", 0, 500 - one_step, one_step),
    ]
    bends = {"flow": bend, "rectified flow": 0.1}
    width = Share(0, 500).interval
    means = {
        name: Mean(value, replace(width, low=value - 0.01, high=value + 0.01), 500)
        for name, value in bends.items()
    }
    judged = statements({cell.key: cell for cell in cells}, means)
    for statement in judged:
        assert f": {'supported' if statement.holds else 'not supported'}. " in str(statement)
    return [statement.holds for statement in judged]


def test_a_statement_is_supported_only_by_its_numbers() -> None:
    assert found(one_step=5, bend=0.2) == [True, True, True, True, True, False, True, True]
    assert found(one_step=95, bend=0.115) == [False] * 6 + [True, False]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ("--workers 0", "--workers: 0 is too few; give a number from 1"),
        ("--seed -1", "--seed: -1 is negative; give a number from 0"),
    ],
)
def test_bad_input_exits_2_and_says_what_would_work(
    args: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["toy", *args.split()]) == UsageError.exit_code
    assert capsys.readouterr().err == f"pi0bench: {message}\n"
    assert not list(tmp_path.iterdir())


def play(out: Path, settings: Settings, workers: int = 2) -> tuple[run.Results, str]:
    console = Console(file=io.StringIO(), width=100)
    results = run.run(out, settings, workers, console)
    assert isinstance(console.file, io.StringIO)
    return results, console.file.getvalue()


@pytest.mark.slow
def test_workers_change_no_byte_of_what_is_written(tmp_path: Path) -> None:
    for workers in (1, 2):
        play(tmp_path / str(workers), TINY, workers)
    names = (run.TABLE, run.PATHS, run.FIELD)
    one, two = ([(tmp_path / str(w) / name).read_bytes() for name in names] for w in (1, 2))
    assert one == two


@pytest.mark.slow
def test_the_toy_shows_what_it_is_to_show(tmp_path: Path) -> None:
    began = time.monotonic()
    results, told = play(tmp_path, Settings())
    took = time.monotonic() - began
    assert [statement.holds for statement in results.statements][:5] == [True] * 5
    assert results.found["demonstrations", 0].succeeded.rate == 1
    for way in ("flow", "π0", "DDPM", "DDIM", "DPM-Solver++", "score SDE", "score ODE"):
        best = results.found[way, 100]
        assert best.succeeded.interval.low > 0.95, way
        # Both gaps are used, about as often as in the demonstrations.
        assert abs((best.upper.rate or 0) - world.UPPER_SHARE) < 0.15, way
    assert results.found["normalizing flow", 0].succeeded.interval.low > 0.9
    for way in (("energy score", 0), ("mixture of Gaussians", 0), ("energy by ranking", 1)):
        assert results.found[way].succeeded.interval.low > 0.8, way
    page = (tmp_path / run.TABLE).read_text("utf-8")
    assert "One step of plain flow is poor: supported." in page
    assert len(re.findall(r"^\| ", page, re.MULTILINE)) == 2 * 2 + 20 + 76
    assert "One step of plain flow is poor: supported." in " ".join(told.split())
    assert max(map(len, told.splitlines())) <= 100
    assert all((tmp_path / name).stat().st_size > 50_000 for name in (run.PATHS, run.FIELD))
    assert took < 600  # two minutes on two quiet cores
