"""The suites: tags that task files carry, each with a sentence about it."""

from __future__ import annotations

import tomllib

from pi0bench.content.folders import folders_of
from pi0bench.errors import UsageError

ALL = "all"
"""The suite of every task, which no task file has to name."""


def suites() -> dict[str, str]:
    """What each suite is, in words, by its name; the benchmark's own words win.

    Raises:
        UsageError: a file of suites cannot be read.
    """
    found = {ALL: "Every task, of folders of content too."}
    for folder in reversed(folders_of("tasks")):
        path = folder / "suites.toml"
        try:
            words = tomllib.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            raise UsageError(f"{path}: {error}") from None
        found |= {name: str(said) for name, said in words.items()}
    return found
