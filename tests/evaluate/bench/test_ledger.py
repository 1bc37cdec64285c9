from __future__ import annotations

from time import process_time
from typing import Any

import pytest

from pi0bench.evaluate.bench.ledger import Ledger, replaced


def burn(seconds: float) -> None:
    end = process_time() + seconds
    while process_time() < end:
        pass


class Mill:
    def outer(self) -> str:
        burn(0.02)
        self.inner()
        return "ground"

    def inner(self) -> None:
        burn(0.04)


def test_what_runs_inside_is_booked_once() -> None:
    ledger = Ledger()
    with ledger.watching({(Mill, "outer"): "out", (Mill, "inner"): "in"}):
        assert Mill().outer() == "ground"
        Mill().inner()
    assert ledger.spent_s["out"] == pytest.approx(0.02, abs=0.01)
    assert ledger.spent_s["in"] == pytest.approx(0.08, abs=0.02)


def test_an_account_can_have_all_that_is_inside() -> None:
    ledger = Ledger()
    with ledger.watching({(Mill, "outer"): "out", (Mill, "inner"): "in"}, whole=("out",)):
        Mill().outer()
    assert ledger.spent_s["out"] == pytest.approx(0.06, abs=0.02)
    assert "in" not in ledger.spent_s


def test_afterwards_everything_is_as_it_was() -> None:
    def watch_and_fail() -> None:
        with Ledger().watching({(Mill, "outer"): "out"}):
            assert Mill.outer is not before
            raise ZeroDivisionError

    before = Mill.outer
    with pytest.raises(ZeroDivisionError):
        watch_and_fail()
    assert Mill.outer is before


def test_an_error_is_passed_on_and_booked() -> None:
    def fail() -> Any:
        burn(0.02)
        raise OSError("no")

    ledger = Ledger()
    with pytest.raises(OSError, match="no"):
        ledger.booked("failing", fail)()
    assert ledger.spent_s["failing"] >= 0.02


def test_something_else_takes_a_place_for_a_while() -> None:
    with replaced(Mill, "inner", lambda self: "nothing"):
        assert Mill().inner() == "nothing"
    assert Mill().inner() is None
