"""Tuning from Python: what `pi0bench tune` does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from pi0bench.api import measuring
from pi0bench.api.run_results import Run
from pi0bench.content.folders import add_folders
from pi0bench.errors import UsageError, unknown
from pi0bench.evaluate.task_sources import suite as tasks_of
from pi0bench.machine.worker_count import processes
from pi0bench.policy.policy_folders import folders
from pi0bench.report.kept_table import keep
from pi0bench.report.terminal_screen import console as standard_output
from pi0bench.task.variation_files import DEVELOPMENT
from pi0bench.train import pipeline
from pi0bench.train.rate_trials import (
    FIRST,
    Outcome,
    Rates,
    after,
    best,
    held_out_error,
    is_trained,
    write_card,
)

if TYPE_CHECKING:
    from rich.console import Console

TRIALS = "trials.csv"


def tune(
    policies: Sequence[str],
    suite: str = "tabletop",
    *,
    episodes: int = 20,
    out: Path | str = Path("runs/trials"),
    data: Path | str = Path("data"),
    features: Path | str | None = None,
    workers: int | None = None,
    content: Iterable[Path | str] = (),
    console: Console | None = None,
) -> pd.DataFrame:
    """Try four pairs of learning rates for each policy, or continue where the same call stopped.

    Muon's rate is 1e-3, 3e-3 and 1e-2 with AdamW's at 3e-3, and AdamW's is 1e-3 with the best of
    them; each is trained for a quarter of the card's steps and judged by its success on start
    states that are neither learned from nor evaluated on. No card is changed.

    Args:
        policies: Names, each with a trunk and weights of its own.
        suite: The tasks to judge by.
        episodes: Start states of each task.
        out: Gets `trials.csv`, the cards and weights of the trials, and two runs for each policy.
        data: Folder of what is learned from; what is missing there is made first.
        features: What is learned from, a file of features that a training left.
        workers: Processes; as many as there are cores when None.
        content: Folders with policies, heads or tasks of your own.
        console: Where it is said what happens; standard output when None.

    Returns:
        What `trials.csv` says, a row a trial: policy, lr, muon_lr, success of n episodes, the error
        of actions on held-out demonstrations, and whether it is the best of its policy.

    Raises:
        UsageError: there is no such policy, or nothing to be tuned in one.
    """
    out, said, hands = Path(out), console or standard_output(), processes(workers)
    (out / "policies").mkdir(parents=True, exist_ok=True)  # without it there is no content
    add_folders([*map(Path, content), out])
    for name in policies:
        if name not in (known := folders()):
            raise UsageError(unknown("policy", name, known))
    source = None if features is None else Path(features)
    outcomes: dict[str, dict[Rates, Outcome]] = {policy: {} for policy in policies}
    for what, rates_of in (("muon", _muon), ("adamw", _adamw)):
        trials = {
            policy: {rates: write_card(policy, rates, out) for rates in rates_of(done)}
            for policy, done in outcomes.items()
        }
        names = [name for of in trials.values() for name in of.values()]
        missing = [name for name in names if not is_trained(out / "policies" / name)]
        if missing:
            pipeline.train(missing, Path(data), hands, said, features=source)
        for policy, of in trials.items():
            run = measuring.run(
                list(of.values()),
                suite,
                episodes=episodes,
                variations=(DEVELOPMENT.name,),
                out=out / "runs" / f"{policy}_{what}",
                workers=hands,
                video=False,
                console=said,
            )
            outcomes[policy] |= _outcomes(of, run, out / "policies")
    return _written(outcomes, len(tasks_of(suite)) * episodes, out / TRIALS)


def _muon(_: Mapping[Rates, Outcome]) -> Sequence[Rates]:
    return FIRST


def _adamw(done: Mapping[Rates, Outcome]) -> Sequence[Rates]:
    return [after(best(done))]


def _outcomes(trials: Mapping[Rates, str], run: Run, homes: Path) -> dict[Rates, Outcome]:
    """What a policy's trials came to in a run."""
    table = run.success(["policy"])
    success = dict(zip(table["policy"], table["rate"], strict=True))
    return {
        rates: Outcome(success[name], held_out_error(homes / name))
        for rates, name in trials.items()
    }


def _written(outcomes: Mapping[str, Mapping[Rates, Outcome]], n: int, path: Path) -> pd.DataFrame:
    """The trials as a table, which is written; what it said of other policies stays."""
    rows = [
        {
            "policy": policy,
            **vars(rates),
            **vars(outcome),
            "n": n,
            "best": rates == best(of),
        }
        for policy, of in outcomes.items()
        for rates, outcome in of.items()
    ]
    found = pd.DataFrame(rows)
    keep(found, path)
    return found
