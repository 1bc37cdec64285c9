"""Something to do as soon as another package is there, without importing it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType


def on_arrival(name: str, call: Callable[[], object]) -> None:
    """Call `call` now, if that package has been imported, or else right after it is."""
    if name in sys.modules:
        call()
    else:
        sys.meta_path.insert(0, _Waiting(name, call))  # pyright: ignore[reportArgumentType]


class _Waiting:
    """A finder that has the others find the package, and calls when that has been loaded."""

    def __init__(self, name: str, call: Callable[[], object]) -> None:
        self._name, self._call = name, call

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find the package by the other finders; who only looks for it leaves this one waiting."""
        if name != self._name:
            return None
        others = [finder for finder in sys.meta_path if finder is not self]
        found = (finder.find_spec(name, path, target) for finder in others)
        spec = next((spec for spec in found if spec is not None), None)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def load_and_call(module: ModuleType) -> None:
                load(module)
                if self in sys.meta_path:
                    sys.meta_path.remove(self)  # pyright: ignore[reportArgumentType]
                    self._call()

            spec.loader.exec_module = load_and_call
        return spec
