"""What went wrong, and the videos that show it."""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pi0bench.records.record import Record
from pi0bench.report.rollout_videos import VIDEOS, choose, file_name

MOST_BYTES = 6 * 1024 * 1024
"""So much of video does a page hold; what is beyond is named."""

MOST_FAULTS = 12


@dataclass(frozen=True)
class Film:
    """A video, whole, with what one sees."""

    record: Record
    uri: str

    @property
    def success(self) -> bool:
        """True when the episode ended in success."""
        return self.record.status == "success"


@dataclass(frozen=True)
class Gallery:
    """The videos of a run, a task's beside each other, failures first.

    Attributes:
        films: those that the page holds.
        left_out: how many more lie in the run's folder.
        bytes: what the films take as files.
    """

    films: tuple[Film, ...]
    left_out: int
    bytes: int


@dataclass(frozen=True)
class Fault:
    """Equal faults of one policy on one task."""

    policy: str
    task: str
    status: str
    text: str
    count: int


def gallery(root: Path, records: Sequence[Record], most_bytes: int = MOST_BYTES) -> Gallery:
    """Read the videos of the run in `root`; where they are too large, failures go first."""
    there = [r for r in choose(records) if (root / VIDEOS / file_name(r)).is_file()]
    kept: list[tuple[Record, bytes]] = []
    left = most_bytes
    for record in sorted(there, key=lambda r: r.status == "success"):
        data = (root / VIDEOS / file_name(record)).read_bytes()
        if len(data) <= left:
            kept.append((record, data))
            left -= len(data)
    kept.sort(key=lambda pair: _place(pair[0]))
    films = tuple(Film(record, data_uri("video/mp4", data)) for record, data in kept)
    return Gallery(films, len(there) - len(films), most_bytes - left)


def faults(records: Iterable[Record]) -> list[Fault]:
    """Return what went wrong and how often, the most frequent first."""
    counts = Counter(
        (r.cell.policy, r.cell.task, r.status, r.fault) for r in records if r.fault
    ).items()
    ordered = sorted(counts, key=lambda item: (-item[1], item[0]))
    return [Fault(*what, count) for what, count in ordered[:MOST_FAULTS]]


def data_uri(kind: str, data: bytes) -> str:
    """Return `data` as an address that needs no network."""
    return f"data:{kind};base64,{b64encode(data).decode()}"


def _place(record: Record) -> tuple[object, ...]:
    cell = record.cell
    return (cell.task, cell.variation, record.status == "success", cell.policy)
