"""Episode scripts: what happens in a world by itself, such as buttons that pop up or dirt."""

from __future__ import annotations

from pi0bench.task.scripts.dirt import Dirt
from pi0bench.task.scripts.latches import Latches
from pi0bench.task.scripts.moles import Moles
from pi0bench.task.scripts.script import Script

SCRIPTS: dict[str, type[Script]] = {"dirt": Dirt, "latches": Latches, "moles": Moles}
