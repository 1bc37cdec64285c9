"""A table in a CSV file that grows: new rows take the place of those of the same name."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from pi0bench.files.atomic import replacing


def keep(rows: pd.DataFrame, path: Path) -> None:
    """Write rows into a table; what it says of other names, in the first column, stays.

    Args:
        rows: with the name in their first column.
        path: of the CSV file, which may be missing.
    """
    name = rows.columns[0]
    if path.exists():
        others = pd.read_csv(path).set_index(name)
        others = others.drop(index=list(rows[name].unique()), errors="ignore")
        rows = pd.concat([others.reset_index(), rows], ignore_index=True)
    with replacing(path) as partial:
        rows.to_csv(partial, index=False, float_format="%.4g")
