"""pi0bench: how good is each way of generating robot actions, per sampler step and millisecond?"""


def __getattr__(name: str) -> str:
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pi0bench.version import version  # late, since it asks git in a checkout

    return version()
