"""Which pi0bench this is: its version.

The build reads the version from here too, so nothing beyond the standard library is imported.
"""

from __future__ import annotations

import functools
import os
import re
import subprocess
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from pathlib import Path

UNKNOWN = "0+unknown"
"""Of sources without history, such as a downloaded archive."""

_PACKAGE = Path(__file__).resolve().parent
_GIT_S = 10.0


@functools.cache
def version() -> str:
    """Name this version as PEP 440 has it, from the tag of a checkout or the installed metadata.

    After a tag `v1.2.3` come 1.2.4.dev5+g0123abc, five commits on, and a last .dirty where tracked
    files were changed.
    """
    root = _PACKAGE.parent
    if not (root / "pyproject.toml").is_file():
        try:
            return installed("pi0bench")
        except PackageNotFoundError:
            return UNKNOWN
    if (root / ".git").exists():
        return _of_checkout(root)
    told = root / "PKG-INFO"  # of a source distribution
    lines = told.read_text("utf-8").splitlines() if told.is_file() else []
    return next((line[9:] for line in lines if line.startswith("Version: ")), UNKNOWN)


def _of_checkout(root: Path) -> str:
    said = _git(root, "describe", "--tags", "--long", "--dirty", "--match", "v[0-9]*")
    found = re.fullmatch(r"v(\d+(?:\.\d+)*)-(\d+)-g([0-9a-f]+)(-dirty)?", said)
    if found:
        tag, distance, commit, dirty = found.groups()
        if distance == "0" and not dirty:
            return tag
        *first, last = tag.split(".")
        following = ".".join([*first, str(int(last) + 1)])
    else:
        said = _git(root, "describe", "--always", "--dirty", "--exclude", "*")
        found = re.fullmatch(r"([0-9a-f]+)(-dirty)?", said)
        if not found:
            return UNKNOWN
        (commit, dirty), following = found.groups(), "0.1"
        distance = _git(root, "rev-list", "--count", "HEAD")
    return f"{following}.dev{distance}+g{commit}{'.dirty' if dirty else ''}"


def _git(root: Path, *asked: str) -> str:
    """What git says of the checkout, nothing when it cannot."""
    # A hook's variables speak of another repository, and this one may belong to another user.
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-c", f"safe.directory={root}", "-C", str(root), *asked]
    try:
        done = subprocess.run(
            command, env=own, capture_output=True, text=True, timeout=_GIT_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
