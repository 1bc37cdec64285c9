"""Names of the folders of runs that were given none."""

from __future__ import annotations

from pi0bench.evaluate.cells import Settings
from pi0bench.files.short_names import short_name


def folder_name(settings: Settings, suite: str = "") -> str:
    """Name a run by what it measures: equal settings, equal name.

    Args:
        settings: before `auto` is resolved, so that the name is the user's.
        suite: the suite whose tasks they are, if it is one.
    """
    default = Settings(settings.policies, settings.tasks)
    parts = ["+".join(settings.policies), suite or "+".join(settings.tasks)]
    if not all("/" in task for task in settings.tasks):  # other libraries' have one of their own
        parts.append(settings.engine)
    if settings.renderer != default.renderer:
        parts.append(settings.renderer)
    if settings.variations != default.variations:
        parts.append("+".join(settings.variations))
    if settings.steps:
        parts.append("steps" + "+".join(map(str, settings.steps)))
    if settings.solvers:
        parts.append("+".join(settings.solvers))
    if settings.clocks != default.clocks:
        parts += ["+".join(settings.clocks), "delay" + "+".join(map(str, settings.delays))]
    if settings.executes:
        parts.append("execute" + "+".join(map(str, settings.executes)))
    if settings.rates:
        parts.append("hz" + "+".join(map(str, settings.rates)))
    if settings.coarsens != default.coarsens:
        parts.append("coarsen" + "+".join(map(str, settings.coarsens)))
    if settings.looks != default.looks:
        parts.append("+".join(settings.looks))
    if settings.episodes != default.episodes:
        parts.append(f"episodes{settings.episodes}")
    if settings.seed != default.seed:
        parts.append(f"seed{settings.seed}")
    if settings.stop_early:
        parts.append("early")
    return short_name("-".join(parts))
