"""Numbers of demonstrations that nobody learns from: what the loss does not tell, while training.

A network can learn to move well without learning which thing the words mean, and its loss hardly
shows it; so the words are swapped and the plan is asked where it heads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from pi0bench.data.training_arrays import Batch, Chunks
from pi0bench.policy.instruction_tokenizer import InstructionTokenizer, split
from pi0bench.policy.network import Network

COLOURS = ("red", "green", "blue")
ACTION_ERROR, WORDS = "action_error", "words"

_WINDOWS = 480  # whose actions are compared
_STEPS = 8  # actions of a plan that say where it heads
_THERE = 0.5  # presence above which a thing is taken to be in the scene


@dataclass(frozen=True)
class HeldOut:
    """Windows to be asked about.

    Attributes:
        windows: with the actions that were demonstrated.
        told: first windows of demonstrations, their instruction naming a thing by its colour.
        places: from the tool, seen from above, of a thing of each colour, (N, 3, 2), m; not
            numbers where there is none.
        named: which of them is, (N,).
    """

    windows: Batch
    told: Batch
    places: Tensor
    named: Tensor

    def measure(self, network: Network) -> dict[str, float]:
        """The mean absolute error of actions, and how often a plan heads for the named thing.

        Actions are drawn with the network's own sampler and steps and with the same noise each
        time. Their error is in the units of actions, of which the greatest is 1.
        """
        found = {}
        if len(valid := self.windows["valid"]):
            plans = _plan(network, self.windows)
            steps = plans.shape[1]
            away = (plans - self.windows["actions"][:, :steps]).abs().mean(-1)
            found[ACTION_ERROR] = float(away[valid[:, :steps]].mean())
        if len(self.named):
            heads = _plan(network, self.told)[:, :_STEPS, :2].sum(1)
            cosines = torch.einsum("nkc,nc->nk", self.places, heads) / self.places.norm(dim=-1)
            right = cosines.nan_to_num(-torch.inf).argmax(1) == self.named
            found[WORDS] = float(right.float().mean())
        return found


def held_out(data: Chunks) -> HeldOut:
    """What there is to ask about the demonstrations that are held out."""
    chosen = data.held_out
    starts = chosen[np.diff(data.arrays["episode"][chosen], prepend=-1) != 0]
    some = data.gather(np.random.default_rng(0).permutation(chosen)[:_WINDOWS])
    said = [data.about["sentences"][number] for number in data.arrays["said"][starts]]
    looks = list(data.about.get("looks", ()))
    rows, sentences, named, things = [], [], [], []
    for row, sentence in zip(starts, said, strict=True):
        for kind in _kinds(looks):
            keypoints = [looks.index(f"{colour} {kind}") for colour in COLOURS]
            there = data.arrays["features"][row, keypoints, 0] > _THERE
            for number, asked in _renamed(sentence, there):
                rows.append(row)
                sentences.append(asked)
                named.append(number)
                things.append(keypoints)
    told = data.gather(np.array(rows, np.int64))
    tokens, mask = InstructionTokenizer(data.vocabulary).encode(sentences, data.text_length)
    told = {**told, "prompt_tokens": tokens, "prompt_mask": mask}
    return HeldOut(some, told, _places(told, torch.tensor(things)), torch.tensor(named))


def _kinds(looks: Sequence[str]) -> list[str]:
    """The kinds of which there is a thing of every colour."""
    kinds = {look.removeprefix(f"{COLOURS[0]} ") for look in looks}
    return sorted(kind for kind in kinds if all(f"{c} {kind}" in looks for c in COLOURS))


def _renamed(sentence: str, there: NDArray[np.bool_]) -> list[tuple[int, str]]:
    """Each thing that is there, named in place of the one that the sentence names.

    There is nothing to tell apart where the sentence does not name one of several.
    """
    words = split(sentence)
    colours = [word for word in words if word in COLOURS]
    if len(colours) != 1 or there.sum() < 2 or not there[COLOURS.index(colours[0])]:
        return []
    found = []
    for number in map(int, np.flatnonzero(there)):
        swap = {colours[0]: COLOURS[number], COLOURS[number]: colours[0]}
        found.append((number, " ".join(swap.get(word, word) for word in words)))
    return found


def _places(told: Batch, things: Tensor) -> Tensor:
    """See `HeldOut.places`; of keypoints by their numbers, (N, 3)."""
    if not len(things):
        return torch.zeros(0, len(COLOURS), 2)
    features = told["features"].take_along_dim(things[..., None], 1)
    return features[..., 1:3].masked_fill(features[..., :1] <= _THERE, torch.nan)


def _plan(network: Network, seen: Batch) -> Tensor:
    """Chunks, (B, at most H, 7), with noise that is the same each time."""
    device = next(network.parameters()).device
    generator, shape = Generator().manual_seed(0), seen["actions"].shape

    def noise() -> Tensor:
        return torch.randn(shape, generator=generator).to(device)

    network.eval()
    solver = (*network.solvers, "")[0]
    with torch.inference_mode():
        encoded = network.encode({name: x.to(device) for name, x in seen.items()})
        return network.sample(encoded, noise, network.steps, solver).actions.cpu()
