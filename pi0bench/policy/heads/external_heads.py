"""Heads of others: DIR/heads/NAME.py in a folder of content, or what a package's entry point names.

A folder of content is its user's own, named on the command line or in the environment, so that
importing a head from it is what was asked for. Nothing is imported before a card names it.
"""

from __future__ import annotations

import functools
import importlib.util
import inspect
import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

from pi0bench.content.folders import folders_of
from pi0bench.errors import UsageError
from pi0bench.policy.heads.head import Head

PLUGINS = "pi0bench.heads"
"""The group of entry points under which other packages offer heads, subclasses of `Head`."""


def find_heads() -> dict[str, Path | EntryPoint]:
    """Where every head of others comes from, by its name.

    Raises:
        UsageError: two have the same name.
    """
    found: dict[str, Path | EntryPoint] = dict(_plugins())
    homes = [policies.with_name("heads") for policies in folders_of("policies")]
    for path in (path for home in homes for path in sorted(home.glob("*.py"))):
        if path.stem in found:
            raise UsageError(f"{path}: the name is taken by {found[path.stem]}; rename the file")
        found[path.stem] = path
    return found


def load_head(source: Path | EntryPoint) -> type[Head]:
    """Import a head.

    Raises:
        UsageError: it cannot be imported, or is no head.
    """
    try:
        found = _defined(source) if isinstance(source, Path) else source.load()
        if not (isinstance(found, type) and issubclass(found, Head)) or inspect.isabstract(found):
            raise TypeError("a head is a subclass of pi0bench.policy.heads.head.Head")
    except Exception as error:
        raise UsageError(f"{source}: is no head: {error!r}") from error
    return found


def head_file(source: Path | EntryPoint) -> Path:
    """The file that a head is written in."""
    return source if isinstance(source, Path) else Path(inspect.getfile(load_head(source)))


@functools.cache
def _defined(path: Path) -> type[Head]:
    """The one head that a file defines, whatever others it imports."""
    name = f"pi0bench_external_heads.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses look for the module of their annotations
    spec.loader.exec_module(module)
    own = [x for x in vars(module).values() if isinstance(x, type) and x.__module__ == name]
    heads = [x for x in own if issubclass(x, Head)]
    if len(heads) != 1:
        raise TypeError(f"the file must define one head, and defines {len(heads)}")
    return heads[0]


@functools.cache
def _plugins() -> dict[str, EntryPoint]:
    """What installed packages offer, read once: it takes long."""
    return {entry.name: entry for entry in entry_points(group=PLUGINS)}
