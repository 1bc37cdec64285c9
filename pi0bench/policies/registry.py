"""Every policy by its name: the baselines, and one for each folder of trained weights."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from pi0bench.errors import UsageError, unknown
from pi0bench.policies import baselines
from pi0bench.policies.policy import Policy, Traits
from pi0bench.policies.policy_folders import CARD, folders

BASELINES: dict[str, Callable[[], Policy]] = {
    "expert": baselines.Expert,
    "random": baselines.Random,
    "zero": baselines.Zero,
}

REMOTE = "openpi://"
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
    """See that there is such a policy; a remote one is only asked when it is loaded.

    Raises:
        UsageError: there is none.
    """
    if name not in names() and not name.startswith(REMOTE):
        raise UsageError(unknown("policy", name, names()))


def load(name: str, world: str = "") -> Policy:
    """The policy of that name, with its weights.

    openpi://HOST:PORT is one on a server, PACKAGE:NAME another package's, of its entry points.

    Args:
        name: of the policy.
        world: the engine to act in; a policy that learned there too has other weights for it.

    Raises:
        UsageError: no policy has that name, or its card or weights are wrong.
    """
    check(name)
    if name in BASELINES:
        return BASELINES[name]()
    if name.startswith(REMOTE):
        return _remote(name)
    if name in (plugins := _plugins()):
        return _imported(name, plugins[name])
    from pi0bench.policies.learned_policy import load_policy

    return load_policy(folders()[own_in(name, world)])


def own_in(name: str, world: str) -> str:
    """The folder of a trained policy's weights for a world: NAME/WORLD where there is one."""
    own = f"{name}/{world}"
    return own if own in folders() else name


def strangers(policies: Iterable[str], world: str) -> list[str]:
    """Those of the trained policies that have not learned in a world."""
    trained = folders().keys()
    own = {name: own_in(name, world) for name in policies if name in trained}
    return [name for name, used in own.items() if not used.endswith(f"/{world}")]


def _remote(name: str) -> Policy:
    try:
        from pi0bench.openpi.remote_policy import RemotePolicy
    except ModuleNotFoundError as error:
        raise UsageError(f'{name}: {error}; pip install "pi0bench[openpi]"') from None
    return RemotePolicy(name)


def _plugins() -> dict[str, EntryPoint]:
    """Other packages' policies, by package, colon and name; nothing is imported."""
    found = entry_points(group=PLUGINS)
    return {f"{entry.dist.name}:{entry.name}": entry for entry in found if entry.dist}


def _imported(name: str, entry: EntryPoint) -> Policy:
    try:
        policy = entry.load()()
        policy.name = name
        if not isinstance(policy.traits, Traits) or not callable(policy.plan):
            raise TypeError("a policy has a name, traits (Traits) and plan")
    except Exception as error:
        raise UsageError(f"{name}: {entry.value} is no policy: {error!r}") from error
    return policy


def origins() -> dict[str, str]:
    """The package and version that each of other packages' policies comes from."""
    return {n: f"{e.dist.name}=={e.dist.version}" for n, e in _plugins().items() if e.dist}


def summary(name: str) -> str:
    """One line about the policy, from its card; no weights are read."""
    if name in BASELINES:
        return _SUMMARIES.get(name, "")
    if name in (known := origins()):
        return f"Of {known[name]}."
    said = _parsed(folders()[name] / CARD)
    return "its card cannot be read" if said is None else str(said.get("summary", ""))


def _parsed(path: Path) -> dict[str, Any] | None:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
