"""Turns what a task file says of where the gripper starts, and how high it goes, into data."""

from __future__ import annotations

from typing import Any

from pi0bench.content.toml_errors import Complaints
from pi0bench.envs import content_models
from pi0bench.task.task_spec import Start


def read_start(it: Complaints, raw: Any) -> Start:
    """Where the gripper starts; what the table leaves out is the scene's."""
    scene = content_models.read("scenes", "tabletop.toml")
    raw = it.table("start", raw)
    it.keys("start", raw, ("tcp_m", "spread_m", "spread_yaw_deg"))
    yaw = raw.get("spread_yaw_deg", scene["start_spread_yaw_deg"])
    return Start(
        it.vector("start.tcp_m", raw.get("tcp_m", scene["start_tcp_m"])),
        it.vector("start.spread_m", raw.get("spread_m", scene["start_spread_m"])),
        it.number("start.spread_yaw_deg", yaw, 0, 45),
    )


def read_ceiling(it: Complaints, start: Start) -> float | None:
    """The height that the tool never exceeds, if the task has one."""
    if "ceiling_m" not in it.raw:
        return None
    ceiling_m = it.number("ceiling_m", it.raw["ceiling_m"], 0.1, 0.5)
    highest_m = start.tcp_m[2] + start.spread_m[2]
    if ceiling_m < highest_m:
        it.say("ceiling_m", f"the tool may start at {highest_m:g} m: lower [start], or raise this")
    return ceiling_m
