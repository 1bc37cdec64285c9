"""The suites: tags that task files carry, each with a sentence about it."""

from __future__ import annotations

import tomllib

from pi0bench.content import folder


def suites() -> dict[str, str]:
    """What each suite is, in words, by its name."""
    return tomllib.loads((folder("tasks") / "suites.toml").read_text("utf-8"))
