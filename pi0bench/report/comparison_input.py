"""What is handed in to be compared: a run's folder, or another tool's file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pi0bench.errors import UsageError
from pi0bench.records import lerobot_eval_info, lerobot_eval_info_reader, manifest
from pi0bench.records.policy_roles import KNOWN, Roles
from pi0bench.records.record import Record
from pi0bench.records.run_folder import COMPRESSED, EPISODES, RunFolder

_WANTED = f"give the folder of a run, or a file such as {lerobot_eval_info.NAME}"


@dataclass(frozen=True)
class Entry:
    """Outcomes, and what must be known of how they came to be.

    Attributes:
        records: of all episodes that count.
        sequential: True when the run looked at its results on the way, to stop early.
        roles: of its policies.
        note: that episodes are missing, in a sentence; empty when none is.
    """

    records: Sequence[Record]
    sequential: bool = False
    roles: Roles = field(default_factory=lambda: KNOWN)
    note: str = ""


def entry(path: Path) -> Entry:
    """Read what lies at `path`.

    Raises:
        UsageError: nothing does, or it holds no measured episode; the message says what would work.
    """
    if not path.exists():
        raise UsageError(f"{path}: no such file or folder; {_WANTED}")
    folder, own = RunFolder(path), (path / manifest.NAME).exists()
    kept = [name for name in (EPISODES, EPISODES + COMPRESSED) if (path / name).exists()]
    if path.is_dir() and not own and not kept and not (path / lerobot_eval_info.NAME).exists():
        inside = sorted(str(found.parent) for found in path.glob(f"*/{manifest.NAME}"))
        raise UsageError(
            f"{path}: holds no run; {f'name {_either(inside)}' if inside else _WANTED}"
        )
    records = lerobot_eval_info_reader.outcomes(path)
    if not any(record.final for record in records):
        raise UsageError(f"{path}: holds no measured episode; measure some first")
    if not own:
        return Entry(records)
    of = folder.manifest()
    counted = [record for record in records if manifest.counts(of, record.cell)]
    plan = manifest.plan(of)
    return Entry(counted, plan.sequential, plan.roles, _note(path, of, counted))


def _note(path: Path, of: Mapping[str, Any], records: Sequence[Record]) -> str:
    done = [record.cell for record in records if record.final]
    if manifest.complete(of, done):
        return ""
    planned = of.get("planned", len(done))
    count = f"{planned - len(done)} of {planned} planned " if planned > len(done) else ""
    return (
        f"{path}: INCOMPLETE: {count}episodes are missing, and nothing here counts them; the run's "
        "command continues it."
    )


def _either(paths: Sequence[str]) -> str:
    *most, last = paths
    return f"{', '.join(most)} or {last}" if most else last
