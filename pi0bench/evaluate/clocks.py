"""Virtual time: what goes on while a policy plans, and when it looks again.

Time is counted in control steps and no clock is read: a plan can be followed `delay` steps after
the look that it is made of. An episode goes in turns of equally many steps, each of which begins
with a look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pi0bench.errors import UsageError, unknown
from pi0bench.evaluate.look_rules import grain
from pi0bench.policy.policy_protocol import Traits
from pi0bench.records.record import FIXED_LOOK, STILL, Cell

Guidance = Literal["", "soft", "hard", "prefix", "choice"]


@dataclass(frozen=True)
class Clock:
    """What goes on while a policy plans.

    Attributes:
        overlaps: the plan before goes on meanwhile; else the robot holds still.
        waits: the world stands still too, so that there is no delay.
        averages: what is carried out is the mean of all plans that have come, not the newest.
        guidance: how the plan before draws the next one to itself: "soft" or "hard", as a "prefix"
            that was learned, or by a "choice" of several; "" not at all.
    """

    overlaps: bool = False
    waits: bool = False
    averages: bool = False
    guidance: Guidance = ""

    @property
    def leans(self) -> bool:
        """True when plans lean on those before even where there is no delay."""
        return self.averages or self.guidance in ("soft", "choice")


CLOCKS: dict[str, Clock] = {
    STILL: Clock(waits=True),
    "hold": Clock(),
    "async": Clock(overlaps=True),
    "ensemble": Clock(overlaps=True, averages=True),
    "inpaint": Clock(overlaps=True, guidance="hard"),
    "rtc": Clock(overlaps=True, guidance="soft"),
    "prefix": Clock(overlaps=True, guidance="prefix"),
    "bid": Clock(overlaps=True, guidance="choice"),
}
"""By name: the world waits; stop and think; naive asynchronous execution; temporal ensembling
(Zhao et al. 2023, ACT); a hard mask, as Diffuser fills in what is known (Janner et al. 2022);
real-time chunking (Black et al. 2025); the same by policies that have learned to begin with what
is under way (Black et al. 2025, arXiv 2512.05964); and bidirectional decoding's choice of several
plans (Liu et al. 2024)."""


@dataclass(frozen=True)
class Pace:
    """How looks, plans and actions follow each other.

    Attributes:
        clock: a name in `CLOCKS`.
        delay: control steps from a look until its plan can be followed, d.
        execute: actions of a plan until the next, s, or at most as many.
        look: when it looks again, a name in `RULES`.
    """

    clock: str
    delay: int
    execute: int
    look: str = FIXED_LOOK

    @classmethod
    def of(cls, cell: Cell, traits: Traits) -> Pace:
        """The pace of a cell, for a policy of these traits."""
        return cls(cell.clock, cell.delay, cell.execute or traits.execute, cell.look)

    @property
    def overlaps(self) -> bool:
        """True when the plan before goes on while the next is made."""
        return CLOCKS[self.clock].overlaps

    @property
    def averages(self) -> bool:
        """True when the mean of all plans that have come is carried out."""
        return CLOCKS[self.clock].averages

    @property
    def guidance(self) -> Guidance:
        """How the plan before draws the next one to itself."""
        return CLOCKS[self.clock].guidance

    @property
    def whole(self) -> bool:
        """True when all that a plan says is needed, however much that is."""
        return self.averages or bool(self.guidance) or self.look != FIXED_LOOK

    @property
    def period(self) -> int:
        """Control steps from one look to the next, or at most as many."""
        return self.execute + (0 if self.overlaps else self.delay)

    @property
    def grain(self) -> int:
        """Control steps of which there are several, or one, from each look to the next."""
        return self.period if self.look == FIXED_LOOK else grain(self.execute)

    @property
    def actions(self) -> int:
        """Actions of a plan that are needed at least."""
        return self.execute + (self.delay if self.overlaps else 0)

    def impossible(self, traits: Traits) -> str:
        """Why a policy of these traits cannot keep this pace, and what would do; "" if it can."""
        if self.look != FIXED_LOOK and self.clock != STILL:
            return f"--look {self.look}: the world must wait, as it does with --clock {STILL}"
        if self.guidance == "choice" and not traits.draws:
            return "its plans are not drawn by chance, so that there is one alone"
        if self.guidance == "prefix" and self.delay > traits.prefix_steps:
            if not traits.prefix_steps:
                return "it has not learned to begin with what is under way; pi0_prefix has"
            return f"delay {self.delay}: it has learned to begin with {traits.prefix_steps} actions"
        if self.guidance in ("soft", "hard") and not traits.guidable:
            return "nothing guides its head; flow matching and diffusion would work"
        least = max(self.delay, 1) if self.overlaps else 1
        most = traits.horizon - (self.actions - self.execute)
        if least <= self.execute <= most:
            return ""
        said = f"delay {self.delay}, execute {self.execute}: "
        if self.execute < least:
            said += "a plan would be asked for before the last one has come"
        else:
            said += f"takes chunks of {self.actions} actions, and there are {traits.horizon}"
        if least > most:
            return f"{said}; a delay of at most {traits.horizon // 2} would work"
        return f"{said}; --execute {least} to {most} would work"


def known_delays(clocks: Sequence[str], delays: Sequence[int]) -> None:
    """See that clocks and delays go together.

    Raises:
        UsageError: there is no such clock, a world that waits has a delay, or none has one.
    """
    for name in clocks:
        if name not in CLOCKS:
            raise UsageError(f"--clock: {unknown('clock', name, CLOCKS)}")
    moving = [name for name in clocks if not CLOCKS[name].waits]
    if any(delays) and not moving:
        others = ", ".join(name for name, clock in CLOCKS.items() if not clock.waits)
        raise UsageError(f"--delay: the world of --clock {STILL} waits; name one of {others}")
    bare = [name for name in moving if not CLOCKS[name].leans]
    if bare and not any(delays):
        raise UsageError(f"--clock {bare[0]}: takes a --delay, such as 1 2 4, in control steps")


def paces(
    policy: str,
    traits: Traits,
    clocks: Sequence[str],
    delays: Sequence[int],
    executes: Sequence[int],
    looks: Sequence[str] = (FIXED_LOOK,),
) -> tuple[list[Pace], list[str]]:
    """Return every pace that is asked for and possible, each once, and why others are not.

    Without a delay nothing can go on while a policy plans, so that such a pace is the one of the
    world that waits, unless plans lean on those before.

    Args:
        policy: its name.
        traits: of the policy.
        clocks: names in `CLOCKS`.
        delays: in control steps; of worlds that wait each is 0.
        executes: actions of a plan until the next; the policy's own when empty.
        looks: when the robot looks again, names in `RULES`.

    Raises:
        UsageError: a clock and a delay are possible with none of the executes.
    """
    found: dict[Pace, None] = {}
    left_out: list[str] = []
    for clock in clocks:
        for delay in (0,) if CLOCKS[clock].waits else delays:
            asked = [
                Pace(clock if delay or CLOCKS[clock].leans else STILL, delay, execute, look)
                for execute in executes or (traits.execute,)
                for look in (looks if traits.horizon > 1 else (FIXED_LOOK,))
            ]
            why = {pace: pace.impossible(traits) for pace in asked}
            problems = [f"--clock {clock}: {policy}, {said}" for said in why.values() if said]
            if len(problems) == len(asked):
                raise UsageError("\n".join(problems))
            left_out += problems
            found |= dict.fromkeys(pace for pace, said in why.items() if not said)
    return list(found), list(dict.fromkeys(left_out))
