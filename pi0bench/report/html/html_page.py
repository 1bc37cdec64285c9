"""The page as bytes: templates filled with sections, everything foreign escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from pi0bench.release.claims import Claim
from pi0bench.release.publisher_notes import Told
from pi0bench.report.html.run_section import Section, section
from pi0bench.report.html.video_gallery import MOST_BYTES
from pi0bench.report.number_format import printable
from pi0bench.report.run_report import Pages

INDEX = "index.html"
NOTHING_TOLD = Told()
Worlds = tuple[Sequence[str], Sequence[Sequence[str]]]
"""Names of the columns, and rows: what was measured in several worlds."""


def run_page(root: Path, read: Pages) -> bytes:
    """Return the page of the run in the folder `root`: its tables, figure and videos."""
    one = section(root, read, MOST_BYTES)
    return _render(title=one.title, sections=[one], footer=read.footer)


def release_page(
    root: Path,
    runs: Mapping[str, Pages],
    claims: Sequence[Claim],
    worlds: Worlds,
    common: Iterable[str],
    told: Told,
) -> bytes:
    """Return the page of published runs, the largest run first.

    Args:
        root: their folder.
        runs: by name.
        claims: what was judged.
        worlds: policies in several worlds; without rows there are none.
        common: sentences that all runs rest on.
        told: what is told beside the records.
    """
    left, sections = MOST_BYTES, []
    for name, read in runs.items():
        sections.append(section(root / name, read, left, name))
        left -= sections[-1].gallery.bytes
    title = f"Results {root.name}"
    return _render(title, sections, [*common], claims, worlds, told)


def _render(
    title: str,
    sections: Sequence[Section],
    footer: Sequence[str],
    claims: Sequence[Claim] = (),
    worlds: Worlds = ((), ()),
    told: Told = NOTHING_TOLD,
) -> bytes:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("page.html")
    text = page.render(
        title=title,
        notice=_html(told.notice),
        trials=_html(told.trials),
        sections=sections,
        footer=footer,
        claims=claims,
        worlds=worlds,
    )
    return f"{text}\n".encode()


def _html(words: str) -> Markup:
    """Markdown as HTML; HTML within it is shown, not obeyed."""
    return Markup(MarkdownIt("js-default").render(words))


def _shown(value: Any) -> Any:
    """Control characters are shown, not obeyed; what a template has made stays as it is."""
    return printable(value) if type(value) is str and not value.isprintable() else value
