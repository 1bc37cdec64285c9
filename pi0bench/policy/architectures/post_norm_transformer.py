"""Transformer layers that normalise after each part, as DETR's and ACT's do; without dropout.

PyTorch's own layers are not used: their fast path gives other last bits than published records
have, and they hold q, k and v as one matrix, which Muon would train as one.

Letters: B rows, S tokens, T tokens that are seen, W a width.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class Attention(nn.Module):
    """Multi-head attention of tokens over others, with the residual and the norm after it."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.out = nn.Linear(width, width), nn.Linear(width, width)
        self.keys = nn.Linear(width, 2 * width)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, over: Tensor, valid: Tensor | None = None) -> Tensor:
        """Tokens (B, S, W) over others (B, T, W), of which valid (B, T) bool can be seen."""
        q = self.query(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        k, v = self.keys(over).unflatten(-1, (2 * self.heads, -1)).transpose(1, 2).chunk(2, dim=1)
        mask = None if valid is None else valid[:, None, None]
        attended = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.norm(x + self.out(attended.transpose(1, 2).flatten(2)))


class FeedForward(nn.Module):
    """Two layers, with the residual and the norm after them."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, S, W) to (B, S, W)."""
        return self.norm(x + self.down(functional.relu(self.up(x))))


class EncoderLayer(nn.Module):
    """Tokens see one another."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.attention, self.feed = Attention(width, heads), FeedForward(width, hidden)

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        """Tokens (B, S, W), of which valid (B, S) bool can be seen, to (B, S, W)."""
        return self.feed(self.attention(x, x, valid))


class DecoderLayer(nn.Module):
    """Queries see one another and then a memory."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.own, self.other = Attention(width, heads), Attention(width, heads)
        self.feed = FeedForward(width, hidden)

    def forward(self, x: Tensor, memory: Tensor, valid: Tensor) -> Tensor:
        """Queries (B, S, W) and a memory (B, T, W), of which valid (B, T) can be seen."""
        return self.feed(self.other(self.own(x, x), memory, valid))
