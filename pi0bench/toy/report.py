"""The toy's results as tables: in the terminal and as a Markdown page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pi0bench.report.number_format import NOTHING, in_markdown, markdown_table, whole
from pi0bench.report.terminal_grid import Column, Line, print_grid
from pi0bench.toy import world
from pi0bench.toy.measure import Mean, Measured
from pi0bench.toy.recipes import SHOWN, STEPS, WAYS, Key, Settings, Way
from pi0bench.toy.statements import Statement, number, rate

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class Results:
    """All that was measured.

    Attributes:
        settings: what decided it.
        found: by way and steps.
        passes: of the trunk that each took for a path.
        bends: straightness of each way's equation.
        statements: what it shows.
    """

    settings: Settings
    found: Mapping[Key, Measured]
    passes: Mapping[Key, int]
    bends: Mapping[str, Mean]
    statements: Sequence[Statement]


def print_results(results: Results, console: Console) -> None:
    """Print success by way and steps; straightness is on the page."""
    n = results.settings.starts
    heads = ["no steps", *_step_words()]
    goes = ["", "", *["between"] * (len(STEPS) - 2), ""]
    columns = [Column("way", "name")]
    columns += [Column(head, goes=going) for head, going in zip(heads, goes, strict=True)]
    lines = [
        Line([way.name, *(_whole(results.found.get((way.name, k))) for k in (0, *STEPS))])
        for way in (SHOWN, *WAYS)
    ]
    console.print(
        f"at the goal and never in the wall, % of n = {n} with 95 % intervals", style="italic"
    )
    print_grid(columns, lines, console, "The page beside the pictures has everything.")


def markdown(results: Results) -> str:
    """The page."""
    settings = results.settings
    names = ["way", "no steps", *_step_words(), "straightness"]
    details = ["way", "sampler", "steps", "trunk passes", "at the goal, wall not touched"]
    details += ["touches the wall", "upper gap, of those at the goal", "energy distance"]
    blocks = [
        "# Two-dimensional navigation",
        f"From within {world.SCATTER} of {world.START} to within {world.ARRIVED} of {world.GOAL}, "
        f"{world.WAYPOINTS} waypoints at once, past a wall with two gaps, of which "
        f"{100 * world.UPPER_SHARE:.0f} % of {settings.demonstrations} demonstrations take the "
        "upper one whatever the start. Heads as in policies/, on a trunk of two layers, "
        f"{settings.fit_steps} gradient steps each. n = {settings.starts} starts, the same for "
        f"all; seed {settings.seed}.",
        "\n".join(f"- {in_markdown(str(statement))}" for statement in results.statements),
        "## Paths at the goal that never touch the wall",
        markdown_table(names, _by_steps(results), words=1),
        f"[low, high] is the 95 % interval, for n = {settings.starts} Clopper and Pearson's. "
        "Straightness is ∫ E|x₁ - x₀ - v|² dt of the equation that the sampler solves, a number "
        f"of the path, on its {settings.starts} solutions by the midpoint rule with Student's "
        "interval (Liu et al. 2023); 0 is straight. DDPM's and the score's equations are curved "
        "by their paths, not by what was learned alone. One training stands behind each number.",
        "## All that was measured",
        markdown_table(details, _details(results), words=2),
        "The energy distance is the squared one between the paths and as many fresh "
        "demonstrations, in the room's lengths, the mean of ten parts with Student's interval; it "
        "is estimated without bias, so that equals come out around 0.",
    ]
    return "\n\n".join(blocks) + "\n"


def _by_steps(results: Results) -> Iterable[list[str]]:
    for way in (SHOWN, *WAYS):
        cells = [_rate(results, way, steps) for steps in (0, *STEPS)]
        bend = results.bends.get(way.name)
        yield [way.name, *cells, NOTHING if bend is None else number(bend)]


def _details(results: Results) -> Iterable[list[str]]:
    for way in (SHOWN, *WAYS):
        for steps in way.steps:
            found = results.found[way.name, steps]
            yield [
                way.name,
                way.solver or NOTHING,
                str(steps) if steps else NOTHING,
                str(results.passes.get(found.key, NOTHING)),
                f"{found.succeeded.k}/{found.succeeded.n} = {rate(found.succeeded)}",
                rate(found.touched),
                rate(found.upper),
                number(found.distance),
            ]


def _whole(found: Measured | None) -> str:
    if found is None:
        return ""
    share = found.succeeded
    low, high = whole(share.interval.low), whole(share.interval.high)
    return f"{whole(share.rate)} [{low}, {high}]"


def _rate(results: Results, way: Way, steps: int) -> str:
    found = results.found.get((way.name, steps))
    return rate(found.succeeded) if found else ""


def _step_words() -> list[str]:
    return [f"{steps} step{'' if steps == 1 else 's'}" for steps in STEPS]
