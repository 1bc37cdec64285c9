"""Who imports whom, read from the sources without importing them, and rules about it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath


@dataclass(frozen=True)
class Rule:
    """What the files of some modules may import.

    Attributes:
        modules: who is bound: these modules and all below them.
        ours: the only modules of this package that they may import; None for any.
        outside: the only modules beyond this package and the standard library; None for any.
        never: what no line of theirs may import, inside functions included.
        unloaded: what importing them must not load, through whatever modules.
        exempt: modules below `modules` that are not bound.
    """

    modules: tuple[str, ...]
    ours: tuple[str, ...] | None = None
    outside: tuple[str, ...] | None = None
    never: tuple[str, ...] = ()
    unloaded: tuple[str, ...] = ()
    exempt: tuple[str, ...] = ()

    def binds(self, module: str) -> bool:
        return within(module, self.modules) and not within(module, self.exempt)

    def permits(self, target: str) -> bool:
        if within(target, self.never):
            return False
        if within(target, ("pi0bench",)):
            return self.ours is None or target == "pi0bench" or within(target, self.ours)
        if self.outside is None or target.split(".")[0] in sys.stdlib_module_names:
            return True
        return within(target, self.outside)


@dataclass(frozen=True)
class Import:
    """One imported name; `eager` when it happens as soon as the file itself is imported."""

    where: str
    target: str
    eager: bool


def within(module: str, packages: Iterable[str]) -> bool:
    return any(module == package or module.startswith(package + ".") for package in packages)


def module_name(path: str) -> str:
    return ".".join(PurePosixPath(path).with_suffix("").parts).removesuffix(".__init__")


def lineage(module: str) -> list[str]:
    """`module` and the packages around it, all of which importing it runs."""
    parts = module.split(".")
    return [".".join(parts[:end]) for end in range(len(parts), 0, -1)]


class Reader(ast.NodeVisitor):
    """Collects the imports of one file."""

    def __init__(self, path: str, modules: frozenset[str]) -> None:
        self.path, self.modules = path, modules
        self.found: list[Import] = []
        self.eager = True

    def add(self, node: ast.stmt | ast.expr, target: str) -> None:
        self.found.append(Import(f"{self.path}:{node.lineno}", target, self.eager))

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.add(node, alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        base = node.module or ""
        if node.level:
            here = [*PurePosixPath(self.path).parts[: -node.level]]
            base = ".".join([*here, *([base] if base else [])])
        for alias in node.names:
            submodule = f"{base}.{alias.name}"
            self.add(node, submodule if submodule in self.modules else base)

    def visit_Call(self, node: ast.Call) -> None:
        called = ast.unparse(node.func).split(".")[-1]
        if called in ("import_module", "__import__") and node.args:
            match node.args[0]:
                case ast.Constant(value=str(target)):
                    self.add(node, target)
        self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        if ast.unparse(node.test).endswith("TYPE_CHECKING"):
            self.visit_late(node.body)
            for statement in node.orelse:
                self.visit(statement)
        else:
            self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for decorator in node.decorator_list:
            self.visit(decorator)
        self.visit_late(node.body)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_late(self, body: list[ast.stmt]) -> None:
        before, self.eager = self.eager, False
        for statement in body:
            self.visit(statement)
        self.eager = before


def read(sources: Mapping[str, str]) -> dict[str, list[Import]]:
    """The imports of each module, from the text of each path."""
    modules = frozenset(map(module_name, sources))
    imports: dict[str, list[Import]] = {}
    for path, text in sources.items():
        reader = Reader(path, modules)
        reader.visit(ast.parse(text, path))
        imports[module_name(path)] = reader.found
    return imports


def loaded(module: str, imports: Mapping[str, list[Import]]) -> Iterator[tuple[list[str], str]]:
    """Every module that importing `module` loads, with the lines that lead there."""
    start = lineage(module)
    seen, waiting = set(start), [([], name) for name in start]
    for chain, current in waiting:
        for found in imports.get(current, []):
            for reached in lineage(found.target):
                if found.eager and reached not in seen:
                    seen.add(reached)
                    waiting.append(([*chain, found.where], reached))
                    yield [*chain, found.where], reached


def violations(rule: Rule, imports: Mapping[str, list[Import]]) -> list[str]:
    wrong = []
    for module in filter(rule.binds, imports):
        direct = [found for found in imports[module] if not rule.permits(found.target)]
        wrong += [f"{found.where}: {module} imports {found.target}" for found in direct]
        lines = {found.where for found in direct}
        for chain, reached in loaded(module, imports):
            if within(reached, rule.unloaded) and chain[-1] not in lines:
                via = f" (through {' → '.join(chain[1:])})" if chain[1:] else ""
                wrong.append(f"{chain[0]}: importing {module} loads {reached}{via}")
    return list(dict.fromkeys(wrong))  # one line may import several names of one module
