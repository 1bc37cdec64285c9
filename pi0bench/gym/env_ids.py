"""Gymnasium's environments by their ids: what is registered, and what makes it what it is."""

from __future__ import annotations

import functools
import hashlib
import re
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.metadata import packages_distributions, version

import gymnasium
from gymnasium.envs.registration import EnvSpec, find_highest_version, get_env_id, parse_env_id

from pi0bench.errors import UsageError, unknown
from pi0bench.gym.registration import register

SUCCESSES = ("end", "once")
_ASKED = re.compile(r"(?:(?P<module>[\w.]+):)?(?P<id>[^:?]+)(?:\?success=(?P<success>.*))?")


@dataclass(frozen=True)
class Named:
    """An environment that was asked for.

    Attributes:
        name: such that all names of one environment and success are the same.
        spec: what Gymnasium has registered.
        success: "end": the last `info` must say so; "once": any of them ends the episode with it.
        hash: of the name and of the versions of the packages that it comes from.
    """

    name: str
    spec: EnvSpec
    success: str
    hash: str


def find(name: str) -> Named:
    """What a name stands for: `[MODULE:]ID[?success=once]`.

    As in `gymnasium.make`, the module is imported, and without a version the newest is taken.

    Raises:
        UsageError: the module cannot be imported, no environment has that id, or there is no such
            success.
    """
    register()  # ours count too
    match = _ASKED.fullmatch(name)
    if match is None:
        raise UsageError(
            f'no Gymnasium environment "{name}"; give ID, MODULE:ID or ID?success=once'
        )
    module, env_id, success = match["module"] or "", match["id"], match["success"] or SUCCESSES[0]
    if success not in SUCCESSES:
        raise UsageError(f"{name}: {unknown('success', success, SUCCESSES)}")
    if module:
        _import(module)
    spec = _newest(env_id)
    if spec is None:
        raise UsageError(unknown("Gymnasium environment", env_id, gymnasium.registry))
    name = f"{module}:{spec.id}" if module else spec.id
    name += f"?success={success}" if success != SUCCESSES[0] else ""
    said = f"{name} {_origin(spec, module)}"
    # Its checks of the caller are not for us: we reset first, once.
    spec = replace(spec, disable_env_checker=True, order_enforce=False)
    return Named(name, spec, success, hashlib.sha256(said.encode()).hexdigest()[:12])


def _import(module: str) -> None:
    try:
        import_module(module)
    except (Exception, SystemExit) as error:
        raise UsageError(
            f"{module}: cannot be imported: {error!r}; install it, or put its folder on PYTHONPATH"
        ) from error


def _newest(env_id: str) -> EnvSpec | None:
    """The registered environment of that id; of an id without a version, the newest."""
    if env_id in gymnasium.registry:
        return gymnasium.registry[env_id]
    try:
        namespace, name, number = parse_env_id(env_id)
    except gymnasium.error.Error:
        return None
    if number is not None or (newest := find_highest_version(namespace, name)) is None:
        return None
    return gymnasium.registry[get_env_id(namespace, name, newest)]


def _origin(spec: EnvSpec, module: str) -> str:
    """The packages that an environment comes from, with their versions, and Gymnasium's own."""
    entry = spec.entry_point
    home = entry if isinstance(entry, str) else getattr(entry, "__module__", "")
    roots = {name.partition(":")[0].partition(".")[0] for name in (home, module)}
    return _versions(frozenset(roots))


@functools.cache
def _versions(roots: frozenset[str]) -> str:
    known = packages_distributions()
    names = sorted({"gymnasium", *(name for root in roots for name in known.get(root, ()))})
    return " ".join(f"{name}=={version(name)}" for name in names)
