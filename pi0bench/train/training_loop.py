"""The training loop, once for every network; killed and run again, it ends with the same bits."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

import numpy as np
import torch
from torch import Generator, Tensor, nn

from pi0bench.errors import UsageError
from pi0bench.files.atomic import replacing
from pi0bench.train.checkpoint import CHECKPOINT, Training, restore, store
from pi0bench.train.muon import Muon

CURVE = "curve.csv"
CURVE_EVERY = 10  # steps between two rows; reading a loss makes a GPU wait
AVERAGED = 100  # steps over which the curve's loss is averaged

Batch = dict[str, Tensor]


class Batches(Protocol):
    """Training data that can be indexed."""

    def __len__(self) -> int:
        """The number of items."""
        ...

    def gather(self, indices: np.ndarray) -> Batch:
        """The items at `indices` (N,), each tensor with N rows."""
        ...


@dataclass(frozen=True)
class FitConfig:
    """How to train; everything but `checkpoint_every_s` decides the result.

    Attributes:
        steps: of the optimiser.
        batch: items a step.
        lr: AdamW's learning rate at its height.
        muon_lr: Muon's, for the weights that it trains.
        warmup: steps over which the learning rates rise.
        weight_decay: AdamW's.
        clip: greatest norm of a gradient.
        ema: share of the moving average that is kept at a step.
        seed: of order, noise and times.
        source: what is trained on what; a checkpoint of something else is not taken up.
        checkpoint_every_s: seconds between two checkpoints.
    """

    steps: int
    batch: int
    lr: float = 1e-3
    muon_lr: float = 1e-2
    warmup: int = 200
    weight_decay: float = 1e-4
    clip: float = 1.0
    ema: float = 0.999
    seed: int = 0
    source: str = ""
    checkpoint_every_s: float = 60.0


def fit(
    module: nn.Module,
    loss_of: Callable[[Batch, Generator], Tensor],
    batches: Batches,
    config: FitConfig,
    folder: Path,
    progress: Callable[[int, int, float], None] | None = None,
    device: str = "cpu",
    matrices: Sequence[nn.Parameter] = (),
) -> Batch:
    """Train `module` in place, from the checkpoint in `folder` where there is one.

    Args:
        module: the network; its random state, if any, must come from `loss_of`'s generator.
        loss_of: a batch on `device` and a CPU generator, seeded from (seed, step), to a scalar.
        batches: the data.
        config: how to train.
        folder: gets the checkpoint and `curve.csv` (step, running mean of the loss, lr, seconds).
        progress: called with (step, steps, loss) at every row of the curve.
        device: "cpu" or "cuda"; the same bits after a resume are promised on "cpu" only.
        matrices: the parameters that Muon trains; AdamW trains the rest.

    Returns:
        The moving average of the module's state dict, on the CPU.
    """
    if len(batches) < 1 or config.steps < 1 or config.batch < 1:
        raise UsageError(f"fit: {len(batches)} items, {config.steps} steps of {config.batch}")
    module.to(device).train()
    parameters = [p for p in module.parameters() if p.requires_grad]
    chosen = optimizers(parameters, matrices, config)
    settings = {k: v for k, v in asdict(config).items() if k != "checkpoint_every_s"}
    settings["items"] = len(batches)
    run = Training(module, chosen, settings, device)
    run.ema = {name: x.detach().clone() for name, x in module.state_dict().items()}
    run.loss = run.loss.to(device)
    folder.mkdir(parents=True, exist_ok=True)
    restore(run, folder / CHECKPOINT)
    _trim(folder / CURVE, run.step)
    began, saved = monotonic() - run.seconds, run.seconds
    with (folder / CURVE).open("a") as curve:
        while run.step < config.steps:
            batch = batches.gather(order(config.seed, len(batches), run.step, config.batch))
            generator = Generator().manual_seed(_seed(config.seed, run.step))
            loss = loss_of({name: x.to(device) for name, x in batch.items()}, generator)
            module.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, config.clip)
            share = lr_share(run.step, config)
            for optimizer in chosen:
                for group in optimizer.param_groups:
                    group["lr"] = share * group["top_lr"]
                optimizer.step()
            _average(run, loss, config.ema)
            run.step, run.seconds = run.step + 1, monotonic() - began
            done = run.step == config.steps
            if done or run.step % CURVE_EVERY == 0:
                mean = run.loss.item()
                curve.write(f"{run.step},{mean:.6g},{share * config.lr:.6g},{run.seconds:.1f}\n")
                curve.flush()
                if progress is not None:
                    progress(run.step, config.steps, mean)
            if done or run.seconds - saved >= config.checkpoint_every_s:
                store(run, folder / CHECKPOINT)
                saved = run.seconds
    return {name: x.cpu() for name, x in run.ema.items()}


def order(seed: int, count: int, step: int, batch: int) -> np.ndarray:
    """The item numbers (batch,) of a step: a window of all epochs' permutations, one by one."""
    at = np.arange(step * batch, (step + 1) * batch)
    chosen = np.empty(batch, np.int64)
    for epoch in range(int(at[0]) // count, int(at[-1]) // count + 1):
        here = at // count == epoch
        chosen[here] = _permutation(seed, count, epoch)[at[here] % count]
    return chosen


@lru_cache(maxsize=2)
def _permutation(seed: int, count: int, epoch: int) -> np.ndarray:
    return np.random.default_rng([seed, epoch]).permutation(count)


def _seed(seed: int, step: int) -> int:
    """A generator seed for one step, unrelated to its neighbours'."""
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0]) >> 1


def optimizers(
    parameters: Sequence[nn.Parameter],
    matrices: Sequence[nn.Parameter],
    config: FitConfig,
    fixed: bool = False,
) -> list[torch.optim.Optimizer]:
    """AdamW and, where there are matrices for it, Muon; each group knows its greatest rate.

    Args:
        parameters: all that are trained.
        matrices: those that Muon trains; AdamW trains the rest.
        config: how to train.
        fixed: whether rates are tensors and every step is the same work, as a CUDA graph needs.
    """
    apart = {id(matrix) for matrix in matrices}
    rest = [p for p in parameters if id(p) not in apart]

    def rate(value: float) -> Any:
        return torch.tensor(value, device=parameters[0].device) if fixed else value

    found: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(
            rest,
            lr=rate(config.lr),
            betas=(0.9, 0.95),
            weight_decay=config.weight_decay,
            fused=True,
            capturable=fixed and parameters[0].is_cuda,
        )
    ]
    if matrices:
        found.append(Muon(matrices, lr=rate(config.muon_lr)))
    for optimizer, top in zip(found, (config.lr, config.muon_lr), strict=False):
        for group in optimizer.param_groups:
            group["top_lr"] = top
    return found


def lr_share(step: int, config: FitConfig) -> float:
    """Rise linearly over the warm-up, then fall along a cosine to 5 %."""
    fraction = (step - config.warmup) / max(1, config.steps - config.warmup)
    cosine = 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * max(0.0, fraction)))
    return min((step + 1) / max(1, config.warmup), cosine)


@torch.no_grad()
def _average(run: Training, loss: Tensor, ema: float) -> None:
    """Move the averages of weights and loss."""
    weight = average_weight(run.step, ema)
    for name, x in run.module.state_dict().items():
        if x.is_floating_point():
            run.ema[name].lerp_(x, weight)
        else:
            run.ema[name].copy_(x)
    run.loss.lerp_(loss.detach().double(), 1 / min(run.step + 1, AVERAGED))


def average_weight(step: int, ema: float) -> float:
    """How far the average moves at a step; further early, so that no start lingers."""
    return 1 - min(ema, (1 + step) / (10 + step))


def _trim(path: Path, step: int) -> None:
    """Keep the curve's rows up to `step`: later ones, and one torn by a kill, come again."""
    rows = path.read_text().splitlines(keepends=True)[1:] if path.exists() else []
    kept = [r for r in rows if r.endswith("\n") and r.count(",") == 3 and _step(r) <= step]
    with replacing(path) as partial:
        partial.write_text("step,loss,lr,seconds\n" + "".join(kept))


def _step(row: str) -> float:
    first = row.split(",")[0]
    return int(first) if first.isdigit() else math.inf
