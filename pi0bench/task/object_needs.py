"""What an object must be to stand for a parameter of a call, and which of its joints counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pi0bench.envs.scene import Body, Joint
from pi0bench.task.coverage import flat


@dataclass(frozen=True)
class Need:
    """Whether an object fits, and what those that fit have."""

    fits: Callable[[Body], bool]
    has: str


def loose_joint(body: Body) -> int:
    """The number of its one joint that stays where it is left, of a drawer, a lid; -1 without."""
    return _only(body, lambda joint: joint.stiffness == 0 and not joint.drive)


def sprung_joint(body: Body) -> int:
    """The number of its one joint with a spring, a button's; -1 without."""
    return _only(body, lambda joint: joint.stiffness > 0)


def _only(body: Body, fits: Callable[[Joint], bool]) -> int:
    found = [number for number, joint in enumerate(body.joints) if fits(joint)]
    return found[0] if len(found) == 1 else -1


def _lid_box(body: Body) -> bool:
    number = loose_joint(body)
    if number < 0 or body.joints[number].kind != "hinge":
        return False
    return any(
        link.joint is body.joints[number] and link.name == body.keypoints[0].link
        for link in body.links
    )


def unlike(parameter: str, name: str, body: Body) -> str:
    """Why an object of a task cannot stand for a parameter of that name; "" when it can."""
    need = NEEDS.get(parameter)
    if need is None or need.fits(body):
        return ""
    return f"{name} is a {body.name}, which is no {parameter}: that has {need.has}"


NEEDS = {
    "block": Need(flat, "one link of upright boxes, side by side"),
    "button": Need(lambda of: sprung_joint(of) >= 0, "one joint with a spring"),
    "cabinet": Need(
        lambda of: any(link.name == "drawer" for link in of.links), 'a link named "drawer"'
    ),
    "container": Need(lambda of: of.interior is not None, "an interior"),
    "furniture": Need(
        lambda of: loose_joint(of) >= 0, "one joint without a spring and without a drive"
    ),
    "lid_box": Need(_lid_box, "its first keypoint on a link with a hinge, its one loose joint"),
    "outline": Need(flat, "one link of upright boxes, side by side"),
}
"""By the name of the parameter."""
