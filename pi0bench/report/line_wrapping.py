"""Words broken over the lines of a narrow column."""

from __future__ import annotations

import re


def folded(text: str, width: int, breaks: str, whole: bool = False) -> list[str]:
    """Break `text` after `breaks` into lines of `width`; words that are longer too, unless whole.

    Blanks at its beginning are kept, those at a line's end are not.
    """
    from rich.cells import cell_len, chop_cells

    indent = text[: len(text) - len(text.lstrip())]
    lines = [indent]
    for piece in re.findall(f"(?:(?!{breaks}).)+(?:{breaks})*|(?:{breaks})+", text.strip()):
        if lines[-1].strip() and cell_len((lines[-1] + piece).rstrip()) > width:
            lines.append("")
        lines[-1] += piece
        if cell_len(lines[-1].rstrip()) > width and not whole:
            lines[-1:] = chop_cells(lines[-1].rstrip(), width)
    return [line.rstrip() for line in lines]
