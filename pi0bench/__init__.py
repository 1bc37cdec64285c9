"""pi0bench: how good is each way of generating robot actions, per sampler step and millisecond?"""

__version__ = "0.1.0"
