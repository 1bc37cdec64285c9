"""What a robot feels of itself as a token."""

from __future__ import annotations

from torch import Tensor, nn

from pi0bench.policy.normalisation import normalise_state, state_dim


class StateProjection(nn.Linear):
    """A linear map of normalised proprioception.

    Args:
        width: of the token, W.
        lag: it is told how far the hand lags behind where it is sent.
    """

    def __init__(self, width: int, lag: bool) -> None:
        super().__init__(state_dim(lag), width)
        self._lag = lag

    def forward(self, input: Tensor) -> Tensor:
        """Proprioception, (B, 13), to tokens, (B, W)."""
        return super().forward(normalise_state(input, self._lag))
