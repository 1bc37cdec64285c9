"""How numbers and foreign strings are written in tables."""

from __future__ import annotations

from pi0bench.results.stats.intervals import Interval


def percent(rate: float | None) -> str:
    """Write a rate in [0, 1] as per cent, a dash for none."""
    return "-" if rate is None else f"{100 * rate:.1f} %"


def percents(interval: Interval) -> str:
    """Write an interval of rates as per cent."""
    return f"[{100 * interval.low:.1f}, {100 * interval.high:.1f}]"


def span(interval: Interval | None) -> str:
    """Write an interval of seconds, nothing for none."""
    return "" if interval is None else f"[{interval.low:.1f}, {interval.high:.1f}]"


def printable(text: str) -> str:
    """Return `text` with spaces for line ends and "?" for other control characters."""
    return "".join(c if c.isprintable() else "?" for c in " ".join(text.splitlines()))


def in_markdown(text: str) -> str:
    """Return `text` so that it cannot leave its table cell or become HTML."""
    text = printable(text).replace("&", "&amp;").replace("<", "&lt;")
    return text.replace("\\", "\\\\").replace("|", "\\|")


def in_terminal(text: str) -> str:
    """Return `text` so that the terminal shows it and does not obey it."""
    from rich.markup import escape

    return escape(printable(text))
