"""Every policy by its name: the baselines, and one for each folder of trained weights."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from operator import attrgetter
from pathlib import Path
from typing import Any

from pi0bench.errors import UsageError, unknown
from pi0bench.policy import baselines
from pi0bench.policy.policy_folders import CARD, WEIGHTS, folders
from pi0bench.policy.policy_protocol import Policy, Traits
from pi0bench.training_names import parted

BASELINES: dict[str, Callable[[], Policy]] = {
    "expert": baselines.Expert,
    "random": baselines.Random,
    "zero": baselines.Zero,
}

PLUGINS = "pi0bench.policies"
"""The group of entry points under which other packages offer policies."""

_SUMMARIES = {
    "expert": "The scripted demonstrator, which sees the simulator's state.",
    "random": "Uniformly random actions.",
    "zero": "Stays where it is.",
}


def names() -> tuple[str, ...]:
    """Names of the policies: baselines, then the trained ones, then other packages', sorted."""
    return (*BASELINES, *sorted(folders().keys() - BASELINES.keys()), *sorted(_plugins()))


def check(name: str) -> None:
    """See that there is such a policy; an importable one is only looked for when it is loaded.

    Raises:
        UsageError: there is none.
    """
    policy, number = parted(name)
    if policy not in names() and not _importable(name):
        raise UsageError(unknown("policy", name, names()))
    if number and policy not in folders():
        raise UsageError(f"{name}: {policy} was not trained")


def load(name: str, world: str = "") -> Policy:
    """The policy of that name, with its weights.

    NAME@1 is a policy's second training. PACKAGE:NAME is another package's, of its entry points;
    MODULE:NAME anything that can be imported, from the folder where the program runs too: a policy,
    or what makes one.

    Args:
        name: of the policy.
        world: the engine to act in; a policy that learned there too has other weights for it.

    Raises:
        UsageError: no policy has that name, or its card or weights are wrong.
    """
    check(name)
    if name in BASELINES:
        return BASELINES[name]()
    if name in (plugins := _plugins()):
        return _made(name, plugins[name].value, plugins[name].load)
    if _importable(name):
        return _made(name, name, partial(_attribute, name))
    from pi0bench.policy.learned_policy import load_policy

    policy, number = parted(name)
    return load_policy(folders()[own_in(policy, world)], number)


def must_be_policy(policy: Any, called: str) -> None:
    """See that an object is a policy.

    Raises:
        UsageError: it is not.
    """
    traits = getattr(policy, "traits", None)
    named = isinstance(getattr(policy, "name", None), str)
    if not (named and isinstance(traits, Traits) and callable(getattr(policy, "plan", None))):
        raise UsageError(f"{called} is no policy: one has a name, traits (Traits) and plan")


def own_in(name: str, world: str) -> str:
    """The folder of a trained policy's weights for a world: NAME/WORLD where there is one."""
    own = f"{name}/{world}"
    return own if own in folders() else name


def _plugins() -> dict[str, EntryPoint]:
    """Other packages' policies, by package, colon and name; nothing is imported."""
    found = entry_points(group=PLUGINS)
    return {f"{entry.dist.name}:{entry.name}": entry for entry in found if entry.dist}


def _importable(name: str) -> bool:
    module, colon, attribute = name.partition(":")
    parts = (*module.split("."), *attribute.split("."))
    return bool(colon) and all(part.isidentifier() for part in parts)


def _attribute(name: str) -> Any:
    """What an importable name stands for."""
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    module, _, attribute = name.partition(":")
    return attrgetter(attribute)(import_module(module))


def _made(name: str, where: str, find: Callable[[], Any]) -> Policy:
    """The policy that an import finds, or that what it finds makes."""
    try:
        found = find()
        policy = found if hasattr(found, "traits") and not isinstance(found, type) else found()
        policy.name = name
    except (Exception, SystemExit) as error:
        raise UsageError(f"{name}: {where} is no policy: {error!r}") from error
    must_be_policy(policy, f"{name}: {where}")
    return policy


def origin(name: str) -> str:
    """What another's policy comes from: a package and its version, or a file and its hash."""
    if entry := _plugins().get(name):
        return f"{entry.dist.name}=={entry.dist.version}" if entry.dist else ""
    if name in BASELINES or not _importable(name):
        return ""
    file = getattr(sys.modules.get(name.partition(":")[0]), "__file__", None)
    return f"{Path(file).name} {sha256(Path(file).read_bytes()).hexdigest()[:12]}" if file else ""


def summary(name: str) -> str:
    """One line about the policy, from its card, and whether it has weights; none are read."""
    if name in BASELINES:
        return _SUMMARIES.get(name, "")
    if name in _plugins():
        return f"Of {origin(name)}."
    said = _parsed(folders()[name] / CARD)
    if said is None:
        return "its card cannot be read"
    lacks = untrained(name)
    return f"{said.get('summary', '')}{f' No weights yet: train {lacks}.' if lacks else ''}"


def untrained(name: str) -> str:
    """The folder whose weights a policy of a card would have, were it trained; "" where it is."""
    if name not in (known := folders()):
        return ""
    card = _parsed(known[name] / CARD) or {}
    own = str(card.get("same_as", name))
    return own if own in known and not (known[own] / WEIGHTS).exists() else ""


def _parsed(path: Path) -> dict[str, Any] | None:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
