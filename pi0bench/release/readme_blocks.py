"""Numbers in a text that are written from published records: marked blocks, filled anew.

In Markdown a block is what stands between two comments, which nobody sees who reads the page:

    <!-- published: policies results/0.1.1/tabletop -->
    ...
    <!-- /published -->

First comes what is quoted (see `readme_numbers.QUOTES`), then where from, beside the text's own
folder, then what else it needs. A block within a sentence is one number: `by <!-- published: rate
results/0.1.1/steps pi0:10 -->...<!-- /published -->`.
"""

from __future__ import annotations

import re
from pathlib import Path

from pi0bench.errors import UsageError
from pi0bench.files.durable import storage, write_atomic
from pi0bench.release.quoted_run import Source
from pi0bench.release.readme_numbers import QUOTES

_MARK = re.compile(r"<!-- published: (?P<asked>[^\n>]*?) ?-->|<!-- /published -->")
_NO_TEXT = re.compile(r"[\s>*+-]*(\d+[.)])?\s*")


def fill(path: Path) -> None:
    """Write the blocks of a text anew.

    Raises:
        UsageError: see `filled`.
    """
    with storage(path):
        text = path.read_text("utf-8")
    write_atomic(path, filled(text, path).encode())


def filled(text: str, path: Path) -> str:
    """Return the text with its blocks written from the records that they name.

    Args:
        text: Markdown.
        path: where it lies, from which its blocks name folders.

    Raises:
        UsageError: a block is not closed, asks for what there is not, or cannot stand where it
            stands; the message says in which line.
    """
    source, parts, end = Source(path.parent), list[str](), 0
    marks = list(_MARK.finditer(text))
    for begin, close in zip(marks[::2], [*marks[1::2], None], strict=False):
        where = f"{path}:{text.count(chr(10), 0, begin.start()) + 1}"
        if begin["asked"] is None:
            raise UsageError(f"{where}: closes a block that does not begin")
        if close is None or close["asked"] is not None:
            raise UsageError(f"{where}: the block is not closed; add <!-- /published -->")
        said, inline = _said(source, begin["asked"], where)
        before = text[text.rfind("\n", 0, begin.start()) + 1 : begin.start()]
        if inline == bool(_NO_TEXT.fullmatch(before)):
            wanted = "after a word, since" if inline else "on a line of its own, since else"
            raise UsageError(
                f"{where}: write it {wanted} Markdown would not see a paragraph where it stands"
            )
        parts += [text[end : begin.end()], said if inline else f"\n\n{said}\n\n"]
        end = close.start()
    return "".join([*parts, text[end:]])


def _said(source: Source, asked: str, where: str) -> tuple[str, bool]:
    """What the block is to hold, and whether it stands within a sentence."""
    kind, *words = asked.split() or [""]
    if kind not in QUOTES:
        raise UsageError(f'{where}: nothing called "{kind}" is quoted; known: {", ".join(QUOTES)}')
    quote = QUOTES[kind]
    if not words:
        raise UsageError(f"{where}: {kind}: name the folder of the results after it")
    try:
        return quote.say(source, words[0], words[1:]), quote.inline
    except UsageError as error:
        raise UsageError(f"{where}: {kind}: {error}") from None
