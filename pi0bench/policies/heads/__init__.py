"""Heads: the ways of generating actions that the benchmark compares."""

from __future__ import annotations

import inspect
from collections.abc import Mapping

from pi0bench.errors import UsageError, unknown
from pi0bench.policies.heads.flow import FlowHead
from pi0bench.policies.heads.head import Head

HEADS: dict[str, type[Head]] = {"flow": FlowHead}


def build_head(config: Mapping[str, object], action_dim: int, width: int) -> Head:
    """Build the head that a card's `[head]` table describes.

    Args:
        config: `kind`, a name in `HEADS`, and that head's own options.
        action_dim: A, the dimensions of an action.
        width: W, the action expert's width.
    """
    options = dict(config)
    kind = options.pop("kind", None)
    if not isinstance(kind, str) or kind not in HEADS:
        raise UsageError(f"head.kind: {unknown('head', str(kind), HEADS)}")
    parameters = inspect.signature(HEADS[kind]).parameters.values()
    known = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
    wrong = [name for name in options if name not in known]
    if wrong:
        raise UsageError("\n".join(f"head: {unknown('option', name, known)}" for name in wrong))
    make: type = HEADS[kind]
    return make(action_dim, width, **options)
