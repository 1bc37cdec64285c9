from __future__ import annotations

from pathlib import Path

import pandas as pd

from pi0bench.report.kept_table import keep


def test_rows_of_other_names_stay(tmp_path: Path) -> None:
    path = tmp_path / "new" / "table.csv"
    keep(pd.DataFrame([{"task": "a", "mm": 1.0}, {"task": "b", "mm": 2.0}]), path)
    keep(pd.DataFrame([{"task": "a", "mm": 3.00001}, {"task": "a", "mm": 4.0}]), path)
    assert path.read_text() == "task,mm\nb,2\na,3\na,4\n"
    keep(pd.DataFrame([{"task": "c", "of": "1 of 2"}]), path)
    assert path.read_text().splitlines()[-1] == "c,,1 of 2"
