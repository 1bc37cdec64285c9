"""Where policies come from: folders of weights, other packages, a server, or the caller itself."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pi0bench.errors import UsageError
from pi0bench.policy import registry
from pi0bench.policy.policy_protocol import Policy

REMOTE = "openpi://"
PUBLISHED = ("pi0", "pi05")

_PROCESS = uuid.uuid4().hex[:12]
_given: list[Any] = []
"""Objects that were measured, kept so that no other one can be taken for them."""


def check(name: str) -> None:
    """See that there is such a policy; one of elsewhere is only asked for when it is loaded.

    Raises:
        UsageError: there is none.
    """
    if not (name.startswith(REMOTE) or _published(name)):
        registry.check(name)


def load(name: str, world: str = "") -> Policy:
    """The policy of that name (see `registry.load`).

    openpi://HOST:PORT is one on a server, pi0@FOLDER and pi05@FOLDER are published checkpoints.

    Args:
        name: of the policy.
        world: the engine to act in; a policy that learned there too has other weights for it.

    Raises:
        UsageError: no policy has that name, or its card or weights are wrong.
    """
    if _published(name):
        from pi0bench.pi0.published_policy import PublishedPi0

        return PublishedPi0(name)
    if not name.startswith(REMOTE):
        return registry.load(name, world)
    try:
        from pi0bench.openpi.remote_policy import RemotePolicy
    except ModuleNotFoundError as error:
        raise UsageError(f'{name}: {error}; pip install "pi0bench[openpi]"') from None
    return RemotePolicy(name)


def _published(name: str) -> bool:
    """Whether it is a checkpoint's, and not a second training of ours, as pi0@1 is."""
    model, at, folder = name.partition("@")
    return bool(at) and model in PUBLISHED and not folder.isdecimal()


def named(policies: Iterable[str | Policy]) -> tuple[tuple[str, ...], dict[str, Policy]]:
    """The names of all policies, and those that are objects, by name.

    Raises:
        UsageError: an object is no policy, or has a name that is taken.
    """
    names: list[str] = []
    objects: dict[str, Policy] = {}
    for policy in policies:
        if isinstance(policy, str):
            names.append(policy)
            continue
        registry.must_be_policy(policy, repr(policy))
        if policy.name in (*names, *registry.names()):
            raise UsageError(f"policies: {policy.name} is taken; give yours another name")
        names.append(policy.name)
        objects[policy.name] = policy
    return tuple(names), objects


def origins(names: Sequence[str], objects: Mapping[str, Policy]) -> dict[str, str]:
    """What a manifest says of where policies come from that have no folder of their own.

    An object may be anything by the next call, so that no other one continues its run.
    """
    found = {name: origin for name in names if (origin := registry.origin(name))}
    for name, policy in objects.items():
        if not any(policy is known for known in _given):
            _given.append(policy)
        number = next(i for i, known in enumerate(_given) if known is policy)
        found[name] = f"object {number} of process {_PROCESS}"
    return found
