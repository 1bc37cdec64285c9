"""The numbers that README.md quotes are those of the published records."""

from __future__ import annotations

from pathlib import Path

import pytest

from pi0bench.release.readme_blocks import filled


def test_the_readme_quotes_what_was_published(checkout: Path) -> None:
    path = checkout / "README.md"
    if not path.exists():
        pytest.skip("no checkout, and so no README.md")
    text = path.read_text("utf-8")
    assert "<!-- published: " in text
    assert filled(text, path) == text, "pi0bench report README.md writes its numbers again"
