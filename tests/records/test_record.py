from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable

import pytest

from pi0bench.records.record import FINAL, TO_RUN_AGAIN, Cell, Record, Timing


def timing_line(replan_ms: str) -> str:
    return Timing("k", 1.0, 0.5).to_line().replace("0.5", replan_ms)


def test_every_field_of_a_cell_is_in_its_key(make_cell: Callable[..., Cell]) -> None:
    cell = make_cell()
    keys = {cell.key()}
    for field in dataclasses.fields(Cell):
        other = 99 if field.type == "int" else "other"
        keys.add(dataclasses.replace(cell, **{field.name: other}).key())
    assert len(keys) == 1 + len(dataclasses.fields(Cell))


def test_the_key_never_changes(make_cell: Callable[..., Cell]) -> None:
    assert make_cell().key() == "9a0909a806ea88c0"


@pytest.mark.parametrize("status", FINAL + TO_RUN_AGAIN)
def test_a_record_comes_back_as_it_went(status: str, make_record: Callable[..., Record]) -> None:
    record = make_record(status=status, fault='line\n"two" \u2028 é \udc80')
    line = record.to_line()
    assert "\n" not in line
    assert line.isascii()
    assert Record.from_line(line) == record
    assert Record.from_line(line).to_line() == line


def test_equal_outcomes_are_equal_bytes(make_record: Callable[..., Record]) -> None:
    assert make_record(progress=1).to_line() == make_record(progress=1.0).to_line()


def test_a_single_attempt_is_unsaid() -> None:
    assert "attempts" not in Timing("k", 1.5).to_line()
    assert '"attempts":2' in Timing("k", 1.5, attempts=2).to_line()


def test_a_timing_comes_back_as_it_went() -> None:
    for timing in (
        Timing("k", 1.5),
        Timing("k", 3.0, 12.25),
        Timing("k", 3.0, 12.25, 4, 5, 3.5, 2),
    ):
        assert Timing.from_line(timing.to_line()) == timing


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("status", "won", 'status: no status "won"; known: success'),
        ("progress", 1.5, "progress: 1.5 is outside"),
        ("progress", "1", "progress: '1' is not float"),
        ("length", True, "length: True is not int"),
        ("length", -1, "length: -1 is negative"),
        ("success_s", None, "success_s: None does not go with status success"),
        ("extra", 1, r"fields: missing \[\], unknown \['extra'\]"),
        ("cell", [], "cell: not an object"),
        ("cell.episode", 1.0, "cell.episode: 1.0 is not int"),
        ("cell.episode", 5, "key: .* does not belong to this cell"),
        ("cell.policy", None, "cell.policy: None is not str"),
    ],
)
def test_a_wrong_record_says_what_is_wrong(
    path: str, value: object, message: str, make_record: Callable[..., Record]
) -> None:
    data = json.loads(make_record().to_line())
    *parents, name = path.split(".")
    inner = data
    for parent in parents:
        inner = inner[parent]
    inner[name] = value
    with pytest.raises(ValueError, match=message):
        Record.from_line(json.dumps(data))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "Expecting property name"),
        ("[1]", "not a JSON object"),
        ("[" * 100_000, "nested too deeply"),
        (timing_line("NaN"), "replan_ms: nan is not finite"),
        (timing_line("1e999"), "replan_ms: inf is not finite"),
        (
            '{"key":"k","wall_s":1}',
            r"missing \['eyes_ms', 'prefix_ms', 'replan_ms', 'sampler_ms'\]",
        ),
    ],
)
def test_a_wrong_line_says_what_is_wrong(line: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Timing.from_line(line)


def test_recording_loads_nothing_heavy() -> None:
    heavy = ("numpy", "scipy", "pandas", "matplotlib", "PIL", "imageio", "rich", "torch")
    code = (
        f"import sys, pi0bench.records.run_folder; print([m for m in {heavy} if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
