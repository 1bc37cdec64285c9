"""What sampler steps do, in tables: verdicts, success and cost, the reasons why, modes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import groupby

from pi0bench.report.competing_policies import headings
from pi0bench.report.condition_profile import Profile
from pi0bench.report.enough_steps import Verdict
from pi0bench.report.headline_table import FAULTS, who
from pi0bench.report.mode_counts import Choice, Split, demonstrated
from pi0bench.report.number_format import (
    NOTHING,
    in_markdown,
    markdown_table,
    percent,
    percents,
    plain,
)
from pi0bench.report.statistical_methods import FIXED, Analysis
from pi0bench.report.verdict_sentences import rule, sentences

WHO = ("policy", "solver", "steps")
COSTS = (*WHO, "evaluations/re-plan", "success", "n", "ms/re-plan p50", "eyes ms", "prefix ms")
COSTS += ("ms/evaluation", "n timed")
WHYS = (*WHO, "RMSE", "energy distance", "reference steps", "n chunks", "jerk m/s³", "jump m/s")

COST = (
    "Evaluations are passes through the trunk's action expert for one chunk of actions. "
    "Milliseconds are medians over the timed episodes of one robot's first re-plan: the whole, "
    "and of it what went into the eyes, into the prefix, and into each evaluation."
)
WHY = (
    "Distances are between the chunks that these steps sample and those that the reference's "
    "steps sample from the same states and noises, in units of an action ([-1, 1] in each "
    "dimension): root mean square error chunk by chunk, and energy distance of the chunks as a "
    "set; means over tasks. Jerk is the root mean square third derivative of the commanded tool "
    "position; jump is the change of commanded velocity where one chunk follows another; both are "
    "medians over episodes with the interval from order statistics."
)
MODES = (
    "Shares are of the episodes that took a mode, successful or not, with {shares}. "
    "Distance is total variation: the share that would have to move to give the "
    "demonstrations' split. It is above 0 by chance alone, the more so the smaller n; and a "
    "policy that chooses by the start state alone can have the right split as well."
)


def steps_markdown(
    profiles: Sequence[Profile],
    choices: Sequence[Choice],
    verdicts: Sequence[Verdict],
    footer: Sequence[str],
    figure: str = "",
    kind: Analysis = FIXED,
) -> str:
    """Return the tables as Markdown.

    Args:
        profiles: of all conditions.
        choices: on the tasks with modes.
        verdicts: of the policies with several step counts.
        footer: sentences for the end.
        figure: file name of the figure to show, if there is one.
        kind: the statistics of the run.
    """
    blocks = ["# What sampler steps do"]
    if figure:
        blocks.append(f"![Success against evaluations and milliseconds, and why]({figure})")
    if verdicts:
        said = "\n".join(f"- {in_markdown(line)}" for line in sentences(verdicts, kind))
        blocks += ["## How few steps are enough", said, in_markdown(rule(kind))]
    faulty = any(profile.total.faults for profile in profiles)
    costs = (*COSTS, FAULTS) if faulty else COSTS
    blocks += ["## Success and cost", *_by_world(profiles, costs, partial(_cost, faulty=faulty))]
    blocks.append(in_markdown(COST))
    blocks += ["## Why", *_by_world(profiles, WHYS, _why), in_markdown(WHY)]
    if choices:
        blocks += ["## Which way was taken", *_modes(choices, kind)]
        blocks.append(in_markdown(MODES.format(shares=kind.shares)))
    return "\n\n".join([*blocks, *map(in_markdown, footer)]) + "\n"


def _by_world(
    profiles: Sequence[Profile], names: Sequence[str], line: Callable[[Profile], list[str]]
) -> Iterator[str]:
    """Yield a table for each engine, renderer and variation, under its name."""
    for world, group in groupby(profiles, key=lambda p: p.condition.world):
        here = list(group)
        above = headings([("", p.total.role) for p in here])
        lines = [[*who(p.condition), *line(p)] for p in here]
        table = markdown_table(names, lines, words=2, above=above)
        yield f"**{in_markdown(' / '.join(world))}**\n\n{table}"


def _cost(profile: Profile, faulty: bool) -> list[str]:
    total = profile.total
    parts = (profile.eyes_ms, profile.prefix_ms, profile.each_ms)
    return [
        plain(total.evaluations),
        f"{percent(total.rate)} {percents(total.interval)}" if total.n else NOTHING,
        str(total.n),
        NOTHING if total.replan_ms is None else f"{total.replan_ms[0]:.1f}",
        *(NOTHING if ms is None else f"{ms:.2f}" for ms in parts),
        str(total.timed),
        *([str(total.faults)] if faulty else []),
    ]


def _why(profile: Profile) -> list[str]:
    distance = profile.distance
    smooth = [
        NOTHING if profile.jerk_m_s3 is None else profile.jerk_m_s3.told(1),
        NOTHING if profile.jump_m_s is None else profile.jump_m_s.told(3),
    ]
    if distance is None:
        return [NOTHING] * 4 + smooth
    reference = ", ".join(map(str, distance.reference_steps))
    numbers = [f"{distance.rmse:.4f}", f"{distance.energy:.4f}", reference, str(distance.chunks)]
    return numbers + smooth


def _modes(choices: Sequence[Choice], kind: Analysis) -> Iterator[str]:
    """Yield a table for each task and world: the demonstrations, then each condition."""
    for (world, task), group in groupby(choices, key=lambda c: (c.condition.world, c.task)):
        chosen = list(group)
        modes = [mode for mode, _ in chosen[0].taken.counts]
        lines = [
            [name, NOTHING, NOTHING, *_shares(split, FIXED), str(split.n), NOTHING]
            for name, split in demonstrated(chosen)
        ]
        for choice in chosen:
            distance = choice.shown and choice.taken.distance(choice.shown)
            shares = [*_shares(choice.taken, kind), f"{choice.taken.n} of {choice.episodes}"]
            far = NOTHING if distance is None else f"{distance:.2f}"
            lines.append([*who(choice.condition), *shares, far])
        names = [*WHO, *modes, "n", "distance"]
        title = in_markdown(f"{task}, {' / '.join(world)}")
        yield f"**{title}**\n\n{markdown_table(names, lines, words=2)}"


def _shares(split: Split, kind: Analysis) -> list[str]:
    return [
        f"{percent(count / split.n)} {percents(kind.rate(count, split.n, 0.95))}"
        if split.n
        else NOTHING
        for _, count in split.counts
    ]
