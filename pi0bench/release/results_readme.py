"""The page of published results in Markdown, as a forge shows it first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote

from pi0bench.release.claims import Claim
from pi0bench.release.publisher_notes import Told
from pi0bench.report.headline_table import (
    FAULTS,
    rate,
    who,
)
from pi0bench.report.markdown_table import headline_markdown
from pi0bench.report.number_format import NOTHING, in_markdown, markdown_table, printable
from pi0bench.report.run_files import FIGURES, LATEX, REALTIME, SHEET, STEPS, TABLE
from pi0bench.report.run_report import RunReport
from pi0bench.report.trainings_table import trainings_markdown
from pi0bench.report.verdict_sentences import rule

README, CLAIMS, WITHDRAWN = "README.md", "claims.md", "WITHDRAWN.md"
LINKED = (TABLE, STEPS, REALTIME, LATEX, SHEET)


def readme(
    name: str,
    runs: Mapping[str, RunReport],
    files: Mapping[str, Mapping[str, bytes]],
    judged: Sequence[Claim],
    told: Told,
) -> str:
    """Return the page in Markdown that says what published runs say, and what is told of them.

    Args:
        name: of the results.
        runs: by name.
        files: their tables and figures, by the same names.
        judged: claims.
        told: what is told beside the records.
    """
    blocks = [
        f"# Results {in_markdown(name)}",
        *filter(None, [told.notice]),
        "Made by `pi0bench publish` from the records beside this page.",
    ]
    for run, read in runs.items():
        title, place = in_markdown(run), quote(run)
        blocks += [f"## {title}", headline_markdown(read.headline), *read.headline.notes]
        blocks += trainings_markdown(read.trained, "###")
        if read.sentences:
            blocks.append("\n".join(f"- {in_markdown(line)}" for line in read.sentences))
        links = [f"[{title}/{file}]({place}/{file})" for file in LINKED if file in files[run]]
        blocks.append("All numbers: " + ", ".join(links) + ".")
        shown = [picture for picture in FIGURES if picture in files[run]]
        blocks += [f"![{title}]({place}/{picture})" for picture in shown]
    names, lines = worlds(runs.values())
    if lines:
        blocks += ["## Physics and renderer", markdown_table(names, lines, words=2)]
    if told.trials:
        blocks += ["## Trainings", told.trials]
    listed = "\n".join(f"- {claim.says} **{claim.verdict.capitalize()}.**" for claim in judged)
    blocks += ["## Claims", listed, f"What each rests on: [{CLAIMS}]({CLAIMS})."]
    commands = "\n".join(f"    {printable(read.manifest['command'])}" for read in runs.values())
    blocks += ["## Make it again", commands, *map(in_markdown, common(runs.values()))]
    return "\n\n".join(blocks) + "\n"


def worlds(runs: Iterable[RunReport]) -> tuple[list[str], list[list[str]]]:
    """Policies that were measured in several worlds under one condition, a column a world.

    Returns:
        The names of the columns, and the rows; none where each policy has one world.
    """
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for read in runs:
        for profile in read.profiles:
            condition, total = profile.condition, profile.total
            world = " / ".join(condition.world)
            text = f"{rate(total)}, {total.task}, n = {total.n}"
            text += f", {FAULTS}: {total.faults}" if total.faults else ""
            found.setdefault(who(condition), {}).setdefault(world, text)
    several = {key: of for key, of in found.items() if len(of) > 1}
    known = sorted({world for of in several.values() for world in of})
    lines = [[*key, *(of.get(world, NOTHING) for world in known)] for key, of in several.items()]
    return ["policy", "solver", "steps", *known], lines


def common(runs: Iterable[RunReport]) -> list[str]:
    """The rule of the verdicts and the footers' sentences, each once."""
    rules = [rule(read.analysis) for read in runs if read.verdicts]
    return list(dict.fromkeys([*rules, *(line for read in runs for line in read.footer)]))
