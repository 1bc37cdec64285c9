"""Reads the card of a policy, or of a keypoint encoder: what it is, checked and typed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pi0bench.content.toml_errors import Complaints, brief
from pi0bench.content.toml_files import opened
from pi0bench.errors import UsageError, unknown
from pi0bench.policy.architectures import ARCHITECTURES
from pi0bench.policy.card_tables import CHUNK_S, MOTION_S, KeypointCard, PolicyCard
from pi0bench.policy.heads import parse
from pi0bench.policy.keypoint_encoder import COARSE_PX
from pi0bench.policy.policy_folders import CARD, EYES_CARD, folders, weights_name
from pi0bench.policy.typed_tables import build, problems
from pi0bench.policy_role import role


def read(folder: Path) -> PolicyCard:
    """The card of a policy; one that says `same_as` takes over the other's tables.

    Raises:
        UsageError: the card is missing or wrong; one line a problem, `file:line: where: what`.
    """
    it = opened(folder / CARD)[0]
    raw = it.raw
    if "same_as" in raw:
        _folder(it, "same_as", raw["same_as"], CARD)
        _refuse(it)
        home = folders()[raw["same_as"]]
        other = opened(home / CARD)[0].raw
        if "same_as" in other:
            it.say("same_as", f"{raw['same_as']} has no weights of its own")
            _refuse(it)
        tables = {key for key in raw if isinstance(raw[key], dict)}
        raw = {**other, **raw, **{key: {**other.get(key, {}), **raw[key]} for key in tables}}
    for place, what in problems(raw, PolicyCard):
        it.say(place, what)
    _refuse(it)
    card = build(PolicyCard, raw)
    _check(it, card)
    _refuse(it)
    return card


def _check(it: Complaints, card: PolicyCard) -> None:
    """Complain of names that nothing has, and of tables that its architecture needs."""
    if card.eyes is not None:
        _folder(it, "eyes.name", card.eyes.name, EYES_CARD)
    with _said(it):
        role(card.role, "role")
    for name in card.training.learns:
        if name not in card.training.suites:
            it.say("training.learns", unknown("suite", name, card.training.suites))
    if card.head:
        with _said(it):
            parse(card.head)
    _check_time(it, card)
    if card.network.kind not in ARCHITECTURES:
        it.say("network.kind", unknown("architecture", card.network.kind, ARCHITECTURES))
        return
    for table in ARCHITECTURES[card.network.kind].tables:
        if not getattr(card, table):
            it.say(table, f'an architecture "{card.network.kind}" needs this table')


def _check_time(it: Complaints, card: PolicyCard) -> None:
    """Complain of numbers of control steps that no demonstration has, or no plan."""
    hz, length, execute = card.chunk.control_hz, card.chunk.length, card.chunk.execute
    if hz < 1:
        it.say("chunk.control_hz", f"must be 1 or more; got {hz}")
        return
    if not 1 <= length <= (most := round(CHUNK_S * hz)):
        it.say("chunk.length", f"must be 1 to {most}, {CHUNK_S} s at {hz} Hz; got {length}")
    if not 1 <= execute <= length:
        it.say("chunk.execute", f"must be 1 to the length, {length}; got {execute}")
    apart = round(MOTION_S * hz)
    if card.eyes and card.eyes.motion_steps not in (0, apart):
        said = f"must be 0, or {apart}, which is {MOTION_S} s at {hz} Hz"
        it.say("eyes.motion_steps", f"{said}; got {card.eyes.motion_steps}")


def read_keypoint_card(folder: Path) -> KeypointCard:
    """The card of a keypoint encoder.

    Raises:
        UsageError: the card is missing or wrong; one line a problem, `file:line: where: what`.
    """
    it = opened(folder / EYES_CARD)[0]
    for place, what in problems(it.raw, KeypointCard):
        it.say(place, what)
    _refuse(it)
    card = build(KeypointCard, it.raw)
    if card.eyes.side < COARSE_PX or card.eyes.side % COARSE_PX:
        it.say("eyes.side", f"must be a multiple of {COARSE_PX}; got {card.eyes.side}")
    _refuse(it)
    return card


def weights_path(folder: Path, card: PolicyCard, number: int = 0) -> Path:
    """The file of a policy's weights, its own or those of the one that it is the same as.

    Args:
        folder: of the policy.
        card: its card.
        number: of the training.
    """
    home = folders()[card.same_as] if card.same_as else folder
    return home / weights_name(number)


def _folder(it: Complaints, where: str, name: Any, card: str) -> None:
    """Complain of a name that is no folder's with such a card; it is never a path."""
    known = folders(card)
    if name not in list(known):
        it.say(where, unknown("folder", brief(name), known))


@contextmanager
def _said(it: Complaints) -> Iterator[None]:
    """Complain of what is raised, lines of `where: what`."""
    try:
        yield
    except UsageError as error:
        for line in str(error).splitlines():
            it.say(*line.split(": ", 1))


def _refuse(it: Complaints) -> None:
    if it.problems:
        raise UsageError("\n".join(it.problems))
