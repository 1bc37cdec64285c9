"""`pi0bench serve`: a policy for other programs."""

from __future__ import annotations

from pathlib import Path

from pi0bench.argument_bounds import bounded
from pi0bench.content.folders import add_folders
from pi0bench.errors import UsageError
from pi0bench.machine.instruction_set import must_be_pinned
from pi0bench.report.terminal_screen import console


def serve(
    policy: str = "pi0", host: str = "127.0.0.1", port: int = 8000, content: tuple[Path, ...] = ()
) -> int:
    """Serve a policy by openpi's websocket protocol, until Ctrl-C.

    On any other address than this machine's own, clients must give the key that the environment
    variable PI0BENCH_TOKEN holds; nothing is encrypted.

    Args:
        policy: The policy; `pi0bench list` names them.
        host: Address to listen on.
        port: Port to listen on; 0 for any that is free.
        content: Folders with content of your own: tasks, objects, variations, policies.
    """
    add_folders(content)
    bounded("--port", port)
    must_be_pinned("serve")
    try:
        from pi0bench.openpi.server import run
    except ModuleNotFoundError as error:
        raise UsageError(f'serve: {error}; pip install "pi0bench[openpi]"') from None
    from pi0bench.evaluate import policy_sources
    from pi0bench.policy.policy_protocol import on_one_thread

    served, screen = policy_sources.load(policy), console()
    on_one_thread(served)
    run(served, host, port, lambda at: screen.print(f"{policy} is served at {at}", markup=False))
    return 0
