"""What pins a process, and what is too late."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pi0bench.machine import instruction_set, processor
from pi0bench.machine.instruction_set import environment

INTEL = """processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 207
model name\t: Intel(R) Xeon(R) Processor
stepping\t: 2
flags\t\t: fpu sse2 {flags}

processor\t: 1
stepping\t: 3
"""
AVX512 = "avx512f avx512cd avx512bw avx512dq avx512vl avx2 fma"
PINNING = "pi0bench.machine.instruction_set"
SHOW = (
    "import os; from pi0bench.machine.instruction_set import environment; "
    "print({name: os.environ.get(name) for name in environment()} == dict(environment()))"
)


def said(checkout: Path, code: str, **around: str) -> str:
    bare = {name: value for name, value in os.environ.items() if name not in environment()}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**bare, "PYTHONPATH": str(checkout), **around},
        timeout=60,
    )
    return done.stdout + done.stderr


def test_a_fresh_process_pins_itself(checkout: Path) -> None:
    code = f"from pi0bench.machine.instruction_set import pin; print(pin(), pin()); {SHOW}"
    assert said(checkout, code, OPENBLAS_CORETYPE="SkylakeX") == "True True\nTrue\n"


def test_numpy_keeps_what_it_found_when_it_was_loaded(checkout: Path) -> None:
    code = f"import numpy; from {PINNING} import must_be_pinned; must_be_pinned('serve')"
    told = said(checkout, code)
    assert "MachineError: serve: numpy was loaded before its instruction set was pinned" in told
    assert said(checkout, code, **environment()) == ""


def test_so_does_the_c_library(checkout: Path) -> None:
    code = "from pi0bench.machine.instruction_set import pin; print(pin())"
    assert said(checkout, code, GLIBC_TUNABLES="glibc.cpu.hwcaps=-FMA") == "False\n"


def test_a_program_that_is_late_begins_again(checkout: Path, tmp_path: Path) -> None:
    # Python runs a file of this name at its start.
    (tmp_path / "sitecustomize.py").write_text("import numpy\n")
    path = os.pathsep.join([str(tmp_path), str(checkout)])
    code = f"from {PINNING} import pin_or_begin_again as p; print('once'); p(); {SHOW}"
    told = said(checkout, code, PYTHONPATH=path, PYTHONUNBUFFERED="1")
    assert told == "once\nonce\nTrue\n"


def test_workers_alone_are_pinned_by_an_unpinned_parent() -> None:
    before = dict(os.environ)
    with instruction_set.pinned():
        assert dict(environment()).items() <= dict(os.environ).items()
    assert dict(os.environ) == before


@pytest.mark.parametrize(
    ("flags", "level"), [(AVX512, "avx512"), ("avx2 fma avx512f", "avx2"), ("avx", "x86-64")]
)
def test_a_processor_is_told_by_its_numbers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, flags: str, level: str
) -> None:
    told = tmp_path / "cpuinfo"
    told.write_text(INTEL.format(flags=flags))
    monkeypatch.setattr(processor, "Path", lambda _: told)
    processor.described.cache_clear()
    try:
        assert processor.model() == "GenuineIntel 6 207 2"
        assert processor.name() == "Intel(R) Xeon(R) Processor"
        assert processor.level() == level
    finally:
        processor.described.cache_clear()
