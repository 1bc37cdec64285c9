"""pi0bench: how good is each way of generating robot actions, per sampler step and millisecond?"""

from importlib import import_module

from pi0bench.arrival import on_arrival

__version__ = "0.1.0"


def _register() -> None:
    import_module("pi0bench.envs.registration")


on_arrival("gymnasium", _register)
