"""pi0bench: how good is each way of generating robot actions, per sampler step and millisecond?"""

from importlib import import_module

from pi0bench.gym.import_hook import on_arrival


def _register() -> None:
    import_module("pi0bench.gym.registration")


on_arrival("gymnasium", _register)


def __getattr__(name: str) -> str:
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pi0bench.version import version  # late, since it asks git in a checkout

    return version()
