"""What whoever publishes results tells beside their records."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from pi0bench.errors import UsageError
from pi0bench.files.durable import read_words
from pi0bench.report.number_format import markdown_table

TABLE, TEXT = "trials.csv", "trials.md"


@dataclass(frozen=True)
class Told:
    """Markdown for the pages of published results, "" for what there is not.

    Attributes:
        notice: why they are withdrawn; it stands above everything.
        trials: the trainings from which the published ones were chosen.
    """

    notice: str = ""
    trials: str = ""


def trials(folder: Path) -> str:
    """Return as Markdown which trainings the folder of published results tells of, if it does.

    Raises:
        UsageError: a line of the table has not as many cells as the first.
    """
    return "\n\n".join(filter(None, [read_words(folder / TEXT), table(folder / TABLE)]))


def table(path: Path) -> str:
    """Return a CSV file as Markdown, "" where there is none.

    Raises:
        UsageError: a line has not as many cells as the first.
    """
    names, *lines = [row for row in csv.reader(io.StringIO(read_words(path))) if row] or [[]]
    for number, line in enumerate(lines, 2):
        if len(line) != len(names):
            raise UsageError(f"{path}:{number}: {len(line)} cells, where {len(names)} are named")
    words = [not all(line[i][:1].isdigit() for line in lines) for i in range(len(names))]
    left = next((i for i, is_word in enumerate(words) if not is_word), len(names))
    return markdown_table(names, lines, left) if names else ""
