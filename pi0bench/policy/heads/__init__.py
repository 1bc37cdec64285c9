"""Heads: the ways of generating actions that the benchmark compares."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pi0bench.errors import UsageError, unknown
from pi0bench.policy.heads.autoregressive_tokens import TokenSequenceHead
from pi0bench.policy.heads.energy_based import EnergyBasedHead
from pi0bench.policy.heads.energy_score import EnergyScoreHead
from pi0bench.policy.heads.external_heads import find_heads, head_file, load_head
from pi0bench.policy.heads.gaussian_path_head import GaussianPathHead
from pi0bench.policy.heads.head import Head, Target
from pi0bench.policy.heads.masked_tokens import MaskedTokensHead
from pi0bench.policy.heads.mixture import MixtureHead
from pi0bench.policy.heads.normalizing_flow import NormalizingFlowHead
from pi0bench.policy.heads.parallel_tokens import ParallelTokensHead
from pi0bench.policy.heads.regression import RegressionHead
from pi0bench.policy.heads.span_head import SpanHead
from pi0bench.policy.normalisation import ActionSpace
from pi0bench.policy.typed_tables import problems

HEADS: dict[str, type[Head]] = {
    "regression": RegressionHead,
    "gaussian_path": GaussianPathHead,
    "span": SpanHead,
    "energy_score": EnergyScoreHead,
    "energy_based": EnergyBasedHead,
    "mixture": MixtureHead,
    "normalizing_flow": NormalizingFlowHead,
    "parallel_tokens": ParallelTokensHead,
    "masked_tokens": MaskedTokensHead,
    "token_sequence": TokenSequenceHead,
}


def build_head(
    config: Mapping[str, object], space: ActionSpace, width: int, tokenizer: Mapping[str, Any]
) -> Head:
    """Build the head that a card's `[head]` table describes.

    Args:
        config: `kind`, a name in `HEADS` or of others, and that head's own options.
        space: of the actions.
        width: W, the action expert's width.
        tokenizer: what `fit_tokenizer` found in the data.

    Raises:
        UsageError: the table says something that no head knows.
    """
    kind, options = parse(config)
    make: type = kind
    return make(space, width, **options, **tokenizer)


def fit_tokenizer(
    config: Mapping[str, object], target: Target, space: ActionSpace
) -> dict[str, Any]:
    """What the head of a card must know of the demonstrations' chunks, as JSON values."""
    kind, options = parse(config)
    return kind.fit_tokenizer(target, space, options)


def parse(config: Mapping[str, object]) -> tuple[type[Head], dict[str, Any]]:
    """The kind of head that a card's `[head]` table names, and its options, all of them known.

    Raises:
        UsageError: the table says something that no head knows, or in another type; a line each.
    """
    options = dict(config)
    name = options.pop("kind", None)
    others = find_heads()
    if taken := HEADS.keys() & others:
        raise UsageError(f"{others[taken.pop()]}: the name is taken by the benchmark's own head")
    if not isinstance(name, str) or name not in {*HEADS, *others}:
        raise UsageError(f"head.kind: {unknown('head', str(name), {*HEADS, *others})}")
    kind = HEADS[name] if name in HEADS else load_head(others[name])
    schema = kind.options()
    if wrong := [f"{place}: {what}" for place, what in problems(options, schema, "head")]:
        raise UsageError("\n".join(wrong))
    if isinstance(schema, type) and not issubclass(schema, Head):
        schema(**options)  # which checks that they go together
    return kind, options


def files_of_head(config: Mapping[str, object]) -> list[Path]:
    """The file of a card's head where it is of others; of the benchmark's own none."""
    source = find_heads().get(str(config.get("kind")))
    return [] if source is None else [head_file(source)]
