# PyBullet is one compiled module and carries no types.
from typing import Any

def __getattr__(name: str) -> Any: ...
