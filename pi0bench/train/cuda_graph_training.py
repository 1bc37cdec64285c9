"""Many trainings at once on one GPU: each is a CUDA graph of one step, and has a stream.

A step of a policy of a million parameters is some two thousand kernels of a few microseconds, so
that a GPU waits for Python most of the time and is never full. Captured as a graph a step costs one
launch, and the graphs of several trainings fill the GPU side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.distributions import Distribution

from pi0bench.data.training_arrays import Batch
from pi0bench.errors import Pi0benchError
from pi0bench.train.batch_order import Groups, order
from pi0bench.train.fit_config import FitConfig
from pi0bench.train.interim_weights import Interim
from pi0bench.train.learning_curve import Measured
from pi0bench.train.optimizers import learning_rate_shares, optimizers
from pi0bench.train.weight_average import average_weight

AT_ONCE = 10
_LISTS: Any = torch  # what optimizers do to lists of tensors has no public name or type
_WARM_UP = 3  # steps before a capture, in which libraries set themselves up


@dataclass(frozen=True)
class Member:
    """One training.

    Attributes:
        name: to be told by.
        network: its network, in place.
        loss_of: a batch and a generator on the device to a scalar, without waiting for the device.
        items: all of the training data on the device, each tensor with N rows.
        groups: the rows by what they are of; every batch has as many of each group.
        config: how to train.
        matrices: the parameters that Muon trains.
        interim: what is done with the averaged weights before the end.
    """

    name: str
    network: nn.Module
    loss_of: Callable[[Batch, Generator], Tensor]
    items: Batch
    groups: Groups
    config: FitConfig
    matrices: Sequence[nn.Parameter]
    interim: Interim = field(default_factory=Interim)


@dataclass(frozen=True)
class Trained:
    """What became of a member.

    Attributes:
        average: the moving average of its weights, on the CPU.
        losses: of all steps, (steps,).
        measured: what its `interim` found.
    """

    average: Batch
    losses: Tensor
    measured: Measured


def fit_together(
    members: Sequence[Member],
    device: str = "cuda",
    at_once: int = AT_ONCE,
    say: Callable[[str], None] = print,
) -> Iterator[tuple[Member, Trained]]:
    """Train members side by side, `at_once` at a time; order and schedule are those of `fit`.

    Noise comes from the device's own generator, so the weights are not those of `fit`, to the bit.
    On "cpu" the steps run one after the other without graphs, which is for tests.

    Yields:
        Each member when its group is ready, with what became of it.

    Raises:
        Pi0benchError: a loss is not finite.
    """
    for start in range(0, len(members), at_once):
        group = members[start : start + at_once]
        say(f"training {', '.join(member.name for member in group)}")
        with _unchecked():
            steppers = [_Stepper(member, device) for member in group]
            for _ in range(max(member.config.steps for member in group)):
                for stepper in steppers:
                    stepper.advance()
            trained = [stepper.finish() for stepper in steppers]
        yield from zip(group, trained, strict=True)


class _Stepper:
    """A training whose every step is the same work on the same memory, but for its number."""

    def __init__(self, member: Member, device: str) -> None:
        self._member, self._config = member, member.config
        self._cuda = torch.device(device).type == "cuda"
        network = member.network.to(device).train()
        self._parameters = [p for p in network.parameters() if p.requires_grad]
        self._optimizers = optimizers(self._parameters, member.matrices, self._config, fixed=True)
        groups = [group for optimizer in self._optimizers for group in optimizer.param_groups]
        self._rates = [(group["lr"], float(group["lr"])) for group in groups]
        self._done = 0
        self._measured: Measured = {}
        self._step = torch.zeros(1, dtype=torch.int64, device=device)
        self._losses = torch.zeros(self._config.steps, device=device)
        self._generator = Generator(device).manual_seed(self._config.seed)
        self._tables = {k: x.to(device) for k, x in _tables(member).items()}
        self._start = [p.detach().clone() for p in self._parameters]
        self._average = [p.detach().clone() for p in self._parameters]
        self._stream = torch.cuda.Stream() if self._cuda else None
        self._graph = self._captured() if self._cuda else None

    def advance(self) -> None:
        """Take the next step, if there is one."""
        steps, interim = self._config.steps, self._member.interim
        if self._done < steps:
            self._done += 1
            with self._on_stream():
                self._work() if self._graph is None else self._graph.replay()
                if interim.due(self._done, steps):
                    network = deepcopy(self._member.network)
                    network.load_state_dict(self._named_state())
                    for name, value in interim.look(self._done, steps, network).items():
                        self._measured.setdefault(name, []).append((self._done, value))

    def finish(self) -> Trained:
        """Wait for the last step."""
        with self._on_stream():
            losses = self._losses.cpu()
        if not bool(losses.isfinite().all()):
            at = int((~losses.isfinite()).nonzero()[0])
            raise Pi0benchError(f"{self._member.name}: the loss is not finite at step {at}")
        state = {name: x.detach().cpu().clone() for name, x in self._named_state().items()}
        return Trained(state, losses, self._measured)

    def _named_state(self) -> Mapping[str, Tensor]:
        averages = dict(zip(map(id, self._parameters), self._average, strict=True))
        state: Batch = self._member.network.state_dict(keep_vars=True)
        return {name: averages.get(id(x), x) for name, x in state.items()}

    def _on_stream(self) -> Any:
        return nullcontext() if self._stream is None else torch.cuda.stream(self._stream)

    def _captured(self) -> torch.cuda.CUDAGraph:
        """The graph of a step; the steps that warm up are taken back."""
        torch.cuda.synchronize()
        with self._on_stream():
            for _ in range(_WARM_UP):
                self._work()
        torch.cuda.synchronize()
        self._rewind()
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(self._generator)
        with torch.cuda.graph(graph, stream=self._stream):
            self._work()
        torch.cuda.synchronize()
        return graph

    @torch.no_grad()
    def _rewind(self) -> None:
        """Everything as before the first step, in the same memory."""
        for parameters in (self._parameters, self._average):
            _LISTS._foreach_copy_(parameters, self._start)
        for optimizer in self._optimizers:
            for state in optimizer.state.values():
                for x in state.values():
                    x.zero_()
        self._step.zero_()
        self._member.network.zero_grad(set_to_none=True)

    def _work(self) -> None:
        """One step, from the step's number alone."""
        now = {name: table[self._step][0] for name, table in self._tables.items()}
        batch = {name: x.index_select(0, now["order"]) for name, x in self._member.items.items()}
        loss = self._member.loss_of(batch, self._generator)
        self._member.network.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self._parameters, self._config.clip)
        for rate, top in self._rates:
            rate.copy_(now["share"] * top)
        for optimizer in self._optimizers:
            optimizer.step()
        with torch.no_grad():
            away = _LISTS._foreach_sub(self._parameters, self._average)
            _LISTS._foreach_mul_(away, now["average"])
            _LISTS._foreach_add_(self._average, away)
            self._losses.index_copy_(0, self._step, loss.detach()[None])
            self._step += 1


def _tables(member: Member) -> Batch:
    """By step: the items, (steps, B); the share of the rates and the average's weight, (steps,)."""
    config = member.config
    rows = order(config.seed, member.groups, 0, config.steps * config.batch)
    return {
        "order": torch.from_numpy(rows.reshape(config.steps, -1)),
        "share": torch.tensor(learning_rate_shares(config)),
        "average": average_weight(torch.arange(config.steps), config.ema),
    }


@contextmanager
def _unchecked() -> Iterator[None]:
    """Distributions that do not look at their arguments, for which a GPU would wait."""
    before = Distribution._validate_args  # pyright: ignore[reportPrivateUsage]
    Distribution.set_default_validate_args(False)
    try:
        yield
    finally:
        Distribution.set_default_validate_args(before)
