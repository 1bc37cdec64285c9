"""The command line: maps names to functions, and errors to exit codes; it decides nothing."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

import tyro

import pi0bench
from pi0bench.commands import asked, making, measuring, reading, serving
from pi0bench.errors import Pi0benchError
from pi0bench.pinned import pin, pin_or_begin_again

_INTERNAL = 1
_INTERRUPTED = 130

COMMANDS: dict[str, Callable[..., int]] = {
    "run": measuring.run,
    "plan": measuring.plan,
    "verify": measuring.verify,
    "retime": measuring.retime,
    "bench": measuring.bench,
    "list": measuring.list_,
    "report": reading.report,
    "compare": reading.compare,
    "merge": reading.merge,
    "publish": reading.publish,
    "check": measuring.check,
    "gallery": making.gallery,
    "demos": making.demos,
    "train": making.train,
    "toy": making.toy,
    "serve": serving.serve,
    "doctor": measuring.doctor,
}


def main(args: Sequence[str] | None = None) -> int:
    """Carry out a command line and return its exit code; tyro's own usage errors exit with 2."""
    program, args = args is None, list(sys.argv[1:] if args is None else args)
    asked.WORDS.set(tuple(args))
    if args == ["--version"]:
        sys.stdout.write(f"pi0bench {pi0bench.__version__}\n")
        return 0
    if args[:1] != ["train"]:  # which may use what this processor has
        (pin_or_begin_again if program else pin)()
    try:
        return tyro.extras.subcommand_cli_from_dict(
            COMMANDS, prog="pi0bench", description=pi0bench.__doc__, args=args
        )
    except Pi0benchError as error:
        sys.stderr.write(f"pi0bench: {error}\n")
        return error.exit_code
    except Exception as error:
        at = traceback.extract_tb(error.__traceback__)[-1]
        sys.stderr.write(
            f"pi0bench: internal error: {type(error).__name__}: {error} "
            f"({Path(at.filename).name}:{at.lineno}); please report it\n"
        )
        return _INTERNAL
    except KeyboardInterrupt:
        sys.stderr.write("pi0bench: interrupted; the same command continues\n")
        return _INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
