"""Runs and comparisons as GitHub shows them on the page of a workflow."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pi0bench.files.durable import storage
from pi0bench.report.comparison import Comparison
from pi0bench.report.comparison_tables import markdown as comparison_markdown
from pi0bench.report.markdown_table import headline_markdown
from pi0bench.report.number_format import in_markdown
from pi0bench.report.run_report import INCOMPLETE, RunReport

VARIABLE = "GITHUB_STEP_SUMMARY"


def run_summary(report: RunReport) -> str:
    """Return a row for each condition and what follows from them, as Markdown."""
    said = "\n".join(f"- {in_markdown(line)}" for line in report.sentences)
    blocks = [
        "## pi0bench",
        "" if report.complete else f"**{INCOMPLETE}**",
        headline_markdown(report.headline) if report.profiles else "Nothing was measured.",
        *report.headline.notes,
        said,
        *map(in_markdown, report.footer),
    ]
    return "\n\n".join(filter(None, blocks)) + "\n"


def comparison_summary(found: Comparison) -> str:
    """Return the standings and sentences, as Markdown."""
    return f"## pi0bench compare\n\n{comparison_markdown(found)}"


def append_summary(text: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Append to the file that GITHUB_STEP_SUMMARY names, if it is set; True when it is.

    Raises:
        StorageError: the file cannot be written.
    """
    name = environment.get(VARIABLE)
    if name:
        path = Path(name)
        with storage(path), path.open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")
    return bool(name)
