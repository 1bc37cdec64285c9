"""How far two samples are from being of one distribution."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def squared_energy_distance(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """2 E|A - B| - E|A - A'| - E|B - B'| of samples (N, D) and (M, D), two rows each at least.

    The means are unbiased, so that by chance it can be below 0.

    Source: Székely and Rizzo 2013, "Energy statistics", eq. 5.
    """
    # Every worker imports this file, most never compare anything, and this takes a second.
    from scipy.spatial.distance import cdist, pdist

    return float(2 * cdist(a, b).mean() - pdist(a).mean() - pdist(b).mean())
