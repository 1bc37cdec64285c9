"""Results for other programs: JSON on standard output, files of JUnit XML."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pi0bench.files.durable import write_atomic


def print_json(found: Mapping[str, Any]) -> None:
    """Print one JSON object, alone on standard output."""
    sys.stdout.write(json.dumps(found, indent=2, allow_nan=False) + "\n")


def write_junit(path: Path, xml: str) -> None:
    """Write a file of JUnit XML, whole or not at all."""
    write_atomic(path, xml.encode())
