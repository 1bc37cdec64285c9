"""pi0bench: how good is each way of generating robot actions, per sampler step and millisecond?"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pi0bench.import_hook import on_arrival

if TYPE_CHECKING:
    from pi0bench.api.catalogue import policies, suites, tasks, variations
    from pi0bench.api.comparing import compare, regressions
    from pi0bench.api.environment import make
    from pi0bench.api.measuring import run, verify
    from pi0bench.api.run_results import Run, load
    from pi0bench.api.tuning import tune
    from pi0bench.policy.policy_protocol import Observation, Plan, Policy, Traits

_FOUND_IN = {
    "api.catalogue": ("policies", "suites", "tasks", "variations"),
    "api.comparing": ("compare", "regressions"),
    "api.environment": ("make",),
    "api.measuring": ("run", "verify"),
    "api.run_results": ("Run", "load"),
    "api.tuning": ("tune",),
    "policy.policy_protocol": ("Observation", "Plan", "Policy", "Traits"),
}

__all__ = [
    "Observation",
    "Plan",
    "Policy",
    "Run",
    "Traits",
    "compare",
    "load",
    "make",
    "policies",
    "regressions",
    "run",
    "suites",
    "tasks",
    "tune",
    "variations",
    "verify",
]


def _register() -> None:
    import_module("pi0bench.gym.registration")


on_arrival("gymnasium", _register)


def __getattr__(name: str) -> Any:
    """What is loaded when it is first asked for: `__version__`, which asks git, and the API."""
    if name == "__version__":
        return import_module("pi0bench.version").version()
    for module, names in _FOUND_IN.items():
        if name in names:
            return getattr(import_module(f"pi0bench.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
