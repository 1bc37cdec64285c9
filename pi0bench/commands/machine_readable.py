"""Results for other programs: JSON on standard output, JUnit XML, a summary for GitHub."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pi0bench.files.durable import write_atomic

SUMMARY = "GITHUB_STEP_SUMMARY"
"""The variable that names the file to which GitHub's actions append what they have to say."""


def print_json(found: Mapping[str, Any]) -> None:
    """Print one JSON object, alone on standard output."""
    sys.stdout.write(json.dumps(found, indent=2, allow_nan=False) + "\n")


def write_junit(path: Path, xml: str) -> None:
    """Write a file of JUnit XML, whole or not at all."""
    write_atomic(path, xml.encode())


def summarise(markdown: str) -> None:
    """Append to the summary of a job on GitHub; elsewhere do nothing."""
    if name := os.environ.get(SUMMARY):
        with Path(name).open("a", encoding="utf-8") as file:
            file.write(f"{markdown}\n")
