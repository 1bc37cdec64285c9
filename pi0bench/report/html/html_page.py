"""The page as bytes: templates filled with sections, everything foreign escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pi0bench.report.html.run_section import Section, section
from pi0bench.report.html.video_gallery import MOST_BYTES
from pi0bench.report.number_format import printable
from pi0bench.report.run_report import RunReport

INDEX = "index.html"
_TEMPLATES = Path(__file__).parent / "templates"


def run_page(root: Path, report: RunReport, files: Mapping[str, bytes]) -> bytes:
    """Return the page of the run in the folder `root`: its tables, figure and videos.

    Args:
        root: where its videos are.
        report: of the run.
        files: its tables and figure by name.
    """
    one = section(root, report, files, MOST_BYTES)
    return filled("page.html", one.title, [one], report.footer)


def filled(
    template: str,
    title: str,
    sections: Sequence[Section],
    footer: Sequence[str],
    templates: Sequence[Path] = (),
    **told: Any,
) -> bytes:
    """Return a template filled with the sections of runs.

    Args:
        template: its name.
        title: of the page.
        sections: one a run.
        footer: sentences that all of them rest on.
        templates: folders of other templates, which may extend "page.html".
        told: what else those ask for.
    """
    environment = Environment(
        loader=FileSystemLoader([*templates, _TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template(template)
    text = page.render(title=title, sections=sections, footer=footer, **told)
    return f"{text}\n".encode()


def _shown(value: Any) -> Any:
    """Control characters are shown, not obeyed; what a template has made stays as it is."""
    return printable(value) if type(value) is str and not value.isprintable() else value
