"""The page of published results as HTML: their claims, their worlds, and every run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from markdown_it import MarkdownIt
from markupsafe import Markup

from pi0bench.release.claims import Claim
from pi0bench.release.publisher_notes import Told
from pi0bench.report.html.html_page import filled
from pi0bench.report.html.run_section import section
from pi0bench.report.html.video_gallery import MOST_BYTES
from pi0bench.report.run_report import RunReport

Worlds = tuple[Sequence[str], Sequence[Sequence[str]]]
"""Names of the columns, and rows: what was measured in several worlds."""


def results_page(
    root: Path,
    runs: Mapping[str, RunReport],
    files: Mapping[str, Mapping[str, bytes]],
    claims: Sequence[Claim],
    worlds: Worlds,
    common: Iterable[str],
    told: Told,
) -> bytes:
    """Return the page of published runs, the largest run first.

    Args:
        root: their folder.
        runs: by name.
        files: their tables and figures, by the same names.
        claims: what was judged.
        worlds: policies in several worlds; without rows there are none.
        common: sentences that all runs rest on.
        told: what is told beside the records.
    """
    left, sections = MOST_BYTES, []
    for name, report in runs.items():
        sections.append(section(root / name, report, files[name], left, name))
        left -= sections[-1].gallery.bytes
    return filled(
        "results.html",
        f"Results {root.name}",
        sections,
        [*common],
        [Path(__file__).parent / "templates"],
        claims=claims,
        worlds=worlds,
        notice=_html(told.notice),
        trials=_html(told.trials),
    )


def _html(words: str) -> Markup:
    """Markdown as HTML; HTML within it is shown, not obeyed."""
    return Markup(MarkdownIt("js-default").render(words))
