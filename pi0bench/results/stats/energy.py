"""How far two samples are from being of one distribution."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist, pdist


def squared_energy_distance(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """2 E|A - B| - E|A - A'| - E|B - B'| of samples (N, D) and (M, D), two rows each at least.

    The means are unbiased, so that by chance it can be below 0.

    Source: Székely and Rizzo 2013, "Energy statistics", eq. 5.
    """
    return float(2 * cdist(a, b).mean() - pdist(a).mean() - pdist(b).mean())
