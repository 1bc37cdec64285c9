"""The training loop, once for every network; killed and run again, it ends with the same bits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from time import monotonic
from typing import Protocol

import numpy as np
import torch
from torch import Generator, Tensor, nn

from pi0bench.data.training_arrays import Batch
from pi0bench.errors import UsageError
from pi0bench.train.batch_order import Groups, order
from pi0bench.train.checkpoint import CHECKPOINT, Training
from pi0bench.train.fit_config import FitConfig
from pi0bench.train.interim_weights import Interim
from pi0bench.train.learning_curve import AVERAGED, CURVE_EVERY, LearningCurve
from pi0bench.train.optimizers import optimizers, schedule
from pi0bench.train.weight_average import averaged

Progress = Callable[[int, int, float], None] | None
"""Told the step, of how many, and the loss."""


class Batches(Protocol):
    """Training data that can be indexed."""

    @property
    def groups(self) -> Groups:
        """Items by what they are of; every batch has as many of each group."""
        ...

    def gather(self, indices: np.ndarray) -> Batch:
        """The items at `indices` (N,), each tensor with N rows."""
        ...


def fit(
    module: nn.Module,
    loss_of: Callable[[Batch, Generator], Tensor],
    batches: Batches,
    config: FitConfig,
    folder: Path,
    progress: Progress = None,
    device: str = "cpu",
    matrices: Sequence[nn.Parameter] = (),
    interim: Interim | None = None,
) -> Batch:
    """Train `module` in place, from the checkpoint in `folder` where there is one.

    Args:
        module: the network; its random state, if any, must come from `loss_of`'s generator.
        loss_of: a batch on `device` and a CPU generator, seeded from (seed, step), to a scalar.
        batches: the data.
        config: how to train.
        folder: gets the checkpoint and the learning curve.
        progress: called at every row of the curve.
        device: "cpu" or "cuda"; the same bits after a resume are promised on "cpu" only.
        matrices: the parameters that Muon trains; AdamW trains the rest.
        interim: what is done with the averaged weights before the end.

    Returns:
        The moving average of the module's state dict, on the CPU.
    """
    groups = batches.groups
    items = sum(map(len, groups))
    if items < 1 or config.steps < 1 or config.batch < 1:
        raise UsageError(f"fit: {items} items, {config.steps} steps of {config.batch}")
    module.to(device).train()
    parameters = [p for p in module.parameters() if p.requires_grad]
    chosen = optimizers(parameters, matrices, config)
    settings = {k: v for k, v in asdict(config).items() if k != "checkpoint_every_s"}
    run = Training(
        module,
        averaged(module, config.ema),
        chosen,
        [schedule(optimizer, config) for optimizer in chosen],
        {**settings, "items": items},
        torch.zeros((), dtype=torch.float64, device=device),
    )
    folder.mkdir(parents=True, exist_ok=True)
    run.restore(folder / CHECKPOINT)
    began, saved = monotonic() - run.seconds, run.seconds
    interim = interim or Interim()
    with closing(LearningCurve(folder, run.step, interim.names)) as curve:
        while run.step < config.steps:
            batch = batches.gather(order(config.seed, groups, run.step, config.batch))
            generator = Generator().manual_seed(_seed(config.seed, run.step))
            loss = loss_of({name: x.to(device) for name, x in batch.items()}, generator)
            module.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, config.clip)
            rate = run.schedules[0].get_last_lr()[0]
            for part in (*run.optimizers, *run.schedules):
                part.step()
            run.average.update_parameters(module)
            run.loss.lerp_(loss.detach().double(), 1 / min(run.step + 1, AVERAGED))
            run.step, run.seconds = run.step + 1, monotonic() - began
            done = run.step == config.steps
            found = interim.look(run.step, config.steps, run.average.module)
            if found or done or run.step % CURVE_EVERY == 0:
                mean = run.loss.item()
                curve.add(run.step, mean, float(rate), run.seconds, found)
                if progress is not None:
                    progress(run.step, config.steps, mean)
            if done or run.seconds - saved >= config.checkpoint_every_s:
                run.store(folder / CHECKPOINT)
                saved = run.seconds
    return {name: x.cpu() for name, x in run.average.module.state_dict().items()}


def _seed(seed: int, step: int) -> int:
    """A generator seed for one step, unrelated to its neighbours'."""
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0]) >> 1
