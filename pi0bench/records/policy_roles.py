"""Which of the measured policies compete, as manifests say it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pi0bench.errors import UsageError
from pi0bench.policy_role import Role, role

Roles = Mapping[str, Role]
"""By policy; one that is not in it competes."""

KNOWN: Roles = {
    "blind": Role.CONTROL,
    "expert": Role.PRIVILEGED,
    "pi0_zero": Role.CONTROL,
    "random": Role.CONTROL,
    "zero": Role.CONTROL,
}
"""What is measured before manifests said roles, and what comes without a manifest."""


def roles(manifest: Mapping[str, Any] | None) -> Roles:
    """What the manifest says of the comparison; for none, and one from before, the known names.

    Raises:
        UsageError: it says of a policy what no policy can be.
    """
    said = manifest.get("roles") if manifest else None
    if said is None:
        return KNOWN
    if not isinstance(said, dict):
        raise UsageError("manifest.json: roles: not an object of policies with their roles")
    return {name: role(one, f"manifest.json: roles: {name}") for name, one in said.items()}
