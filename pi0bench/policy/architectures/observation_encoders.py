"""Encoders of an observation: what is seen, felt and asked as one vector."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn

from pi0bench.policy.architectures.keypoint_tokens import KeypointTokens
from pi0bench.policy.architectures.pointnet import PointNet
from pi0bench.policy.architectures.post_norm_transformer import EncoderLayer
from pi0bench.policy.architectures.state_projection import StateProjection
from pi0bench.policy.network import ObservationBatch
from pi0bench.policy.normalisation import normalise_points
from pi0bench.policy.weight_init import initialise


class ObservationEncoder(nn.Module, ABC):
    """Observations to a condition, (B, width)."""

    width: int

    def initialise(self, generator: Generator) -> None:
        """Draw new weights, in place."""
        initialise(self, generator)

    def matrices(self) -> list[nn.Parameter]:
        """The weight matrices that Muon trains; none by default."""
        return []

    @abstractmethod
    def forward(self, batch: ObservationBatch) -> Tensor:
        """Observations (see `network.ObservationBatch`) to (B, width)."""


class MeanTextEmbedding(nn.Module):
    """The mean embedding of the words of an instruction; 0 when there are none."""

    def __init__(self, vocab_size: int, width: int) -> None:
        super().__init__()
        self.table = nn.Embedding(vocab_size, width)

    def forward(self, ids: Tensor, valid: Tensor) -> Tensor:
        """Word ids and their validity, (B, L), to (B, W)."""
        said = self.table(ids).masked_fill(~valid[..., None], 0)
        return said.sum(1) / valid.sum(1, keepdim=True).clamp(min=1)


class KeypointObservationEncoder(ObservationEncoder):
    """One token of what is asked and felt, and those of the eyes, through a transformer.

    A flattened observation would leave it to the U-Net to find out which object is meant.

    Args:
        keypoints: names of those of the keypoint encoder (see `NetworkSpec`).
        vocab_size: rows of the text embedding.
        motion: it is known how keypoints move.
        lag: it is told how far the hand lags behind where it is sent.
        width: of the tokens and of the condition, which is what becomes of the first.
        layers: of the transformer.
    """

    def __init__(
        self,
        keypoints: Sequence[int],
        vocab_size: int,
        motion: bool,
        lag: bool,
        width: int = 128,
        layers: int = 2,
    ) -> None:
        super().__init__()
        self.width = width
        self.keypoint_tokens = KeypointTokens(keypoints, width, motion)
        self.text_embedding = MeanTextEmbedding(vocab_size, width)
        self.state_proj = StateProjection(width, lag)
        self.layers = nn.ModuleList(EncoderLayer(width, 8, 2 * width) for _ in range(layers))

    def initialise(self, generator: Generator) -> None:
        """See `ObservationEncoder.initialise`."""
        super().initialise(generator)
        nn.init.normal_(self.keypoint_tokens.embedding, generator=generator)

    def matrices(self) -> list[nn.Parameter]:
        """The transformer's."""
        return [p for p in self.layers.parameters() if p.ndim == 2]

    def forward(self, batch: ObservationBatch) -> Tensor:
        """See `ObservationEncoder.forward`; needs `features`."""
        seen = self.keypoint_tokens(batch)
        said = self.text_embedding(batch["prompt_tokens"], batch["prompt_mask"])
        asked = said + self.state_proj(batch["proprio"])
        x = torch.cat([asked[:, None], seen], dim=1)
        there = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
        for layer in self.layers:
            x = layer(x, there)
        return x[:, 0]


class PointObservationEncoder(ObservationEncoder):
    """A cloud through a PointNet, the state through two layers, and the mean word, side by side.

    Args:
        vocab_size: rows of the text embedding.
        lag: it is told how far the hand lags behind where it is sent.
        part: width of each of the three.
    """

    def __init__(self, vocab_size: int, lag: bool, part: int = 64) -> None:
        super().__init__()
        self.width = 3 * part
        self.text_embedding = MeanTextEmbedding(vocab_size, part)
        self.pointnet = PointNet(out=part)
        self.state_mlp = nn.Sequential(StateProjection(part, lag), nn.ReLU(), nn.Linear(part, part))

    def forward(self, batch: ObservationBatch) -> Tensor:
        """See `ObservationEncoder.forward`; needs `points`."""
        seen = self.pointnet(normalise_points(batch["points"]))
        said = self.text_embedding(batch["prompt_tokens"], batch["prompt_mask"])
        return torch.cat([seen, self.state_mlp(batch["proprio"]), said], dim=-1)
