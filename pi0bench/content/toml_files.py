"""Opens a content file: its TOML, ready to be complained of, and the hash of its bytes."""

from __future__ import annotations

import hashlib
import re
import tomllib
from pathlib import Path
from typing import Any

from pi0bench.content.folders import shown
from pi0bench.content.toml_errors import Complaints
from pi0bench.errors import UsageError

_MAX_BYTES = 1_000_000


def opened(path: Path) -> tuple[Complaints, str]:
    """A content file's TOML, ready to be complained of, and the hash of its bytes.

    Raises:
        UsageError: it cannot be read, or is no TOML.
    """
    name = shown(path)
    try:
        data = path.read_bytes()
        if len(data) > _MAX_BYTES:
            raise UsageError(f"{name}: a content file has at most {_MAX_BYTES} bytes")
        text = data.decode("utf-8")
        raw: dict[str, Any] = tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"{name}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{name}: not a text file in UTF-8") from None
    except RecursionError:
        raise UsageError(f"{name}: nested too deeply") from None
    except ValueError as error:  # TOMLDecodeError, and whatever Python says of huge numbers
        raise UsageError(f"{name}:{_line_in(error)}: not TOML: {error}") from None
    return Complaints(name, text, raw), hashlib.sha256(data).hexdigest()[:12]


def _line_in(error: ValueError) -> int:
    """The line that tomllib names in its message; 1 when it names none."""
    found = re.search(r"at line (\d+)", str(error))
    return int(found[1]) if found else 1
