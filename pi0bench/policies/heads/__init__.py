"""Heads: the ways of generating actions that the benchmark compares."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pi0bench.errors import UsageError, unknown
from pi0bench.policies.heads.autoregressive_tokens import TokenSequenceHead
from pi0bench.policies.heads.external_heads import find_heads, head_file, load_head
from pi0bench.policies.heads.gaussian_path import GaussianPathHead
from pi0bench.policies.heads.head import Head, Target
from pi0bench.policies.heads.normalizing_flow import NormalizingFlowHead
from pi0bench.policies.heads.parallel_tokens import ParallelTokensHead
from pi0bench.policies.heads.regression import RegressionHead
from pi0bench.policies.normalisation import ActionSpace

HEADS: dict[str, type[Head]] = {
    "regression": RegressionHead,
    "gaussian_path": GaussianPathHead,
    "normalizing_flow": NormalizingFlowHead,
    "parallel_tokens": ParallelTokensHead,
    "token_sequence": TokenSequenceHead,
}


def build_head(
    config: Mapping[str, object], space: ActionSpace, width: int, studied: Mapping[str, Any]
) -> Head:
    """Build the head that a card's `[head]` table describes.

    Args:
        config: `kind`, a name in `HEADS` or of others, and that head's own options.
        space: of the actions.
        width: W, the action expert's width.
        studied: what `study_head` found in the data.

    Raises:
        UsageError: the table says something that no head knows.
    """
    kind, options = parse(config)
    make: type = kind
    return make(space, width, **options, **studied)


def study_head(config: Mapping[str, object], target: Target, space: ActionSpace) -> dict[str, Any]:
    """What the head of a card must know of the demonstrations' chunks, as JSON values."""
    kind, options = parse(config)
    return kind.study(target, space, options)


def parse(config: Mapping[str, object]) -> tuple[type[Head], dict[str, Any]]:
    """The kind of head that a card's `[head]` table names, and its options, all of them known.

    Raises:
        UsageError: the table says something that no head knows.
    """
    options = dict(config)
    name = options.pop("kind", None)
    others = find_heads()
    if taken := HEADS.keys() & others:
        raise UsageError(f"{others[taken.pop()]}: the name is taken by the benchmark's own head")
    if not isinstance(name, str) or name not in {*HEADS, *others}:
        raise UsageError(f"head.kind: {unknown('head', str(name), {*HEADS, *others})}")
    kind = HEADS[name] if name in HEADS else load_head(others[name])
    known = kind.options()
    wrong = [option for option in options if option not in known]
    if wrong:
        raise UsageError("\n".join(f"head: {unknown('option', o, known)}" for o in wrong))
    return kind, options


def files_of_head(card: Mapping[str, Any]) -> list[Path]:
    """The file of a card's head where it is of others; of the benchmark's own none."""
    source = find_heads().get(card.get("head", {}).get("kind"))
    return [] if source is None else [head_file(source)]
