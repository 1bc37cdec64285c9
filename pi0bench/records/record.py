"""One episode as data: what was asked (`Cell`), what came out (`Record`), how long it took."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from dataclasses import dataclass, field

from pi0bench.files.json_lines import dump, fields_of, load

NOMINAL = "nominal"
"""The variation that departs in nothing from the task's file."""

STILL = "still"
"""The clock of a world that waits while the policy plans."""

FINAL = ("success", "failure", "policy_fault")
"""Statuses that measure the policy."""

TO_RUN_AGAIN = ("env_fault", "infra_error", "cancelled")
"""Statuses that say nothing about the policy; a resumed run repeats these episodes."""


FIXED_LOOK = "fixed"
"""The rule by which a robot looks again after equally many actions of each plan."""

USUAL_HZ = 20
"""Control steps a second, where nothing else is said."""

_UNSAID = {
    **{"clock": STILL, "delay": 0, "execute": 0},
    **{"control_hz": USUAL_HZ, "coarsen": 1, "look": FIXED_LOOK},
}
"""What is left out of a cell's JSON, so that cells without it keep their names."""


@dataclass(frozen=True)
class Cell:
    """Everything that an episode's outcome may depend on; all randomness follows from it.

    Attributes:
        policy: its name.
        weights: hash of its weights.
        task: its id.
        task_hash: of its file.
        engine: the physics.
        renderer: which one draws what the policy sees.
        variation: how the episode departs from the task file.
        seed: of all randomness.
        episode: number of the start state.
        steps: of the sampler; 0 without one.
        solver: the sampler; "none" without one.
        clock: what goes on while the policy plans, a name in `pi0bench.evaluate.clocks.CLOCKS`.
        delay: control steps from a look until the plan that is made of it can be followed.
        execute: actions of a plan until the next; 0 for as many as the policy says itself.
        control_hz: control steps a second, of the benchmark's own tasks.
        coarsen: of the points of a plan's trajectory every so many-th is kept.
        look: when the robot looks again, a name in `pi0bench.evaluate.look_rules.RULES`.
    """

    policy: str
    weights: str
    task: str
    task_hash: str
    engine: str
    renderer: str
    variation: str
    seed: int
    episode: int
    steps: int
    solver: str
    clock: str = STILL
    delay: int = 0
    execute: int = 0
    control_hz: int = USUAL_HZ
    coarsen: int = 1
    look: str = FIXED_LOOK

    def key(self) -> str:
        """Return the cell's name: the first 16 hex digits of the sha256 of its canonical JSON."""
        return _key(self)

    def told(self) -> dict[str, str | int]:
        """Return its fields, without those of its time that are usual."""
        return {name: value for name, value in vars(self).items() if _UNSAID.get(name) != value}


@functools.lru_cache(maxsize=65536)
def _key(cell: Cell) -> str:
    canonical = json.dumps(cell.told(), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Record:
    """The outcome of one episode; equal in every run of the same cell on the same machine.

    Attributes:
        cell: what was asked.
        status: one of `FINAL` or `TO_RUN_AGAIN`.
        length: control steps executed.
        success_s: seconds until the goal began to hold for good, None without success.
        progress: partial credit in [0, 1], stages reached in order over all stages.
        instruction: the sentence that the policy was given.
        replans: how often the policy was asked for a chunk of actions.
        trunk_evaluations: forward passes of the trunk, over all re-plans.
        jerk_m_s3: root mean square of the third derivative of the commanded tool position, m/s³;
            None below three actions.
        jump_m_s: mean change of the commanded velocity from the last action of a chunk to the
            first of the next, m/s, for which to hold still is a chunk; None with a single chunk.
        mode: which of the task's modes it took, empty when none was or the task has none.
        fault: what went wrong, empty when nothing did.
        clipped: numbers of executed actions that were outside the legal range and brought to its
            edge; None in records that are older than the count.
        held: of its control steps, those in which the robot held still and waited for a plan.
        reaction_s: seconds from the moment at which a thing was knocked aside to the first command
            that is another than if it had not been; None without a knock, or a reaction to it.
    """

    cell: Cell
    status: str
    length: int
    success_s: float | None
    progress: float
    instruction: str
    replans: int
    trunk_evaluations: int
    jerk_m_s3: float | None = None
    jump_m_s: float | None = None
    mode: str = ""
    fault: str = ""
    clipped: int | None = field(default=None, compare=False)
    held: int = 0
    reaction_s: float | None = None

    def __post_init__(self) -> None:
        if self.status not in FINAL + TO_RUN_AGAIN:
            known = ", ".join(FINAL + TO_RUN_AGAIN)
            raise ValueError(f'status: no status "{self.status}"; known: {known}')
        if not 0.0 <= self.progress <= 1.0:
            raise ValueError(f"progress: {self.progress} is outside [0, 1]")
        # 1 and 1.0 are the same outcome and must be the same bytes.
        object.__setattr__(self, "progress", float(self.progress))
        if (self.success_s is not None) != (self.status == "success"):
            raise ValueError(f"success_s: {self.success_s} does not go with status {self.status}")
        for name in ("length", "replans", "trunk_evaluations", "held"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}: {getattr(self, name)} is negative")

    @property
    def final(self) -> bool:
        """True when the episode measured the policy and is not to be run again."""
        return self.status in FINAL

    def to_line(self) -> str:
        """Write the record as one line of JSON, led by its cell's key, without the newline."""
        # vars keep the order of the fields; asdict copies them one by one, which takes longer than
        # all the rest of an episode's bookkeeping.
        data = {"key": self.cell.key(), **vars(self), "cell": self.cell.told()}
        unsaid = {name for name, usual in _USUAL_OUTCOME.items() if data[name] == usual}
        return dump({name: value for name, value in data.items() if name not in unsaid})

    @classmethod
    def from_line(cls, line: str) -> Record:
        """Read what `to_line` wrote; ValueError says what is wrong."""
        data = load(line)
        key, cell = data.pop("key", None), data.pop("cell", None)
        if not isinstance(cell, dict):
            raise ValueError("cell: not an object")
        data["cell"] = Cell(**fields_of(Cell, {**_UNSAID, **cell}, "cell."))
        record = cls(**fields_of(cls, {**_USUAL_OUTCOME, **data}))
        if key != record.cell.key():
            raise ValueError(f"key: {key!r} does not belong to this cell ({record.cell.key()})")
        return record


@dataclass(frozen=True)
class Timing:
    """What differs between two runs of one cell: the time it took.

    Attributes:
        key: the cell's key.
        wall_s: wall-clock seconds of the whole episode.
        replan_ms: measured latency of one single-robot re-plan, None when none was measured.
        eyes_ms: the part of it that was spent on looking; None where it is not told apart.
        prefix_ms: on the prefix.
        sampler_ms: on all evaluations of the action expert.
        server_ms: on a remote policy's own work, all but the way there and back.
        attempts: how often the episode was begun, because something around the policy broke.
    """

    key: str
    wall_s: float
    replan_ms: float | None = None
    eyes_ms: float | None = None
    prefix_ms: float | None = None
    sampler_ms: float | None = None
    server_ms: float | None = None
    attempts: int = 1

    def to_line(self) -> str:
        """Write the timing as one line of JSON, without the newline; what is usual is unsaid."""
        data = vars(self)
        return dump({key: value for key, value in data.items() if (key, value) not in _USUAL})

    @classmethod
    def from_line(cls, line: str) -> Timing:
        """Read what `to_line` wrote; ValueError says what is wrong."""
        return cls(**fields_of(cls, {**dict(_USUAL), **load(line)}))


_USUAL = (("attempts", 1), ("server_ms", None))
_USUAL_OUTCOME = {"clipped": None, "held": 0, "reaction_s": None}


def contrast(there: Record, here: Record) -> str:
    """Say in which fields two records of one cell differ."""
    changes = [
        f"{part.name} {getattr(there, part.name)!r} there, {getattr(here, part.name)!r} here"
        for part in dataclasses.fields(Record)
        if part.compare and getattr(there, part.name) != getattr(here, part.name)
    ]
    return "; ".join(changes)
