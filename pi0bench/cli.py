"""The command line: maps names to functions, and errors to exit codes; it decides nothing."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

import tyro

import pi0bench
from pi0bench.commands import (
    bench,
    check,
    command_line,
    compare,
    demos,
    doctor,
    gallery,
    merge,
    plan,
    publish,
    report,
    retime,
    run,
    serve,
    toy,
    train,
    tune,
    verify,
)
from pi0bench.commands import list as list_command
from pi0bench.commands.broken_pipes import outlets
from pi0bench.errors import Pi0benchError, StorageError
from pi0bench.files.durable import storage_trouble
from pi0bench.machine.instruction_set import pin, pin_or_begin_again
from pi0bench.report.number_format import shown
from pi0bench.version import version

_INTERNAL = 1
_INTERRUPTED = 130

COMMANDS: dict[str, Callable[..., int]] = {
    "run": run.run,
    "plan": plan.plan,
    "verify": verify.verify,
    "retime": retime.retime,
    "bench": bench.bench,
    "list": list_command.list_,
    "report": report.report,
    "compare": compare.compare,
    "merge": merge.merge,
    "publish": publish.publish,
    "check": check.check,
    "gallery": gallery.gallery,
    "demos": demos.demos,
    "train": train.train,
    "tune": tune.tune,
    "toy": toy.toy,
    "serve": serve.serve,
    "doctor": doctor.doctor,
}


def main(args: Sequence[str] | None = None) -> int:
    """Carry out a command line and return its exit code."""
    words = list(sys.argv[1:] if args is None else args)
    command_line.WORDS.set(tuple(words))
    # Training may use what this processor has; what is measured meanwhile has its own processes.
    if words[:1] not in (["train"], ["tune"], ["--version"]):
        # Before the outlets: a program that begins again finds its standard streams as they were.
        (pin_or_begin_again if args is None else pin)()
    with outlets() as out:
        return _code(lambda: _carry_out(words)) or _code(out.settle)


def _carry_out(words: Sequence[str]) -> int:
    if words == ["--version"]:
        sys.stdout.write(f"pi0bench {version()}\n")
        return 0
    return tyro.extras.subcommand_cli_from_dict(
        COMMANDS, prog="pi0bench", description=pi0bench.__doc__, args=words
    )


def _code(act: Callable[[], int]) -> int:
    """The exit code of what is done; what goes wrong is said on standard error."""
    try:
        return act()
    except SystemExit as ended:  # tyro's way: 2 for a usage error of its own
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except Pi0benchError as error:
        _complain(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        _complain("interrupted; the same command continues")
        return _INTERRUPTED
    except Exception as error:
        if isinstance(error, OSError) and (trouble := storage_trouble(error)):
            _complain(trouble)
            return StorageError.exit_code
        at = traceback.extract_tb(error.__traceback__)[-1]
        _complain(
            f"internal error: {type(error).__name__}: {error} "
            f"({Path(at.filename).name}:{at.lineno}); please report it"
        )
        return _INTERNAL


def _complain(text: str) -> None:
    sys.stderr.write(f"pi0bench: {shown(text)}\n")


if __name__ == "__main__":
    sys.exit(main())
