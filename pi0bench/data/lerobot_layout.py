"""Where a LeRobotDataset v3 keeps what.

Source of the layout: LeRobot 0.4, `lerobot/datasets` (Apache-2.0): parquet for numbers, mp4 files
with episodes one after the other, and `meta/` that says which frames are whose.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pi0bench.data.lerobot_videos import FPS
from pi0bench.envs.cameras import CAMERAS

BLOCK = 20
"""Episodes a video file; numbers of all episodes are in one file."""
_FILES = 1000
"""Files a folder."""
_PLACE = "chunk-{chunk_index:03d}/file-{file_index:03d}"
_ONLY = {"chunk_index": 0, "file_index": 0}
_DATA, _VIDEO = f"data/{_PLACE}.parquet", f"videos/{{video_key}}/{_PLACE}.mp4"
DATA, EPISODES = _DATA.format(**_ONLY), f"meta/episodes/{_PLACE.format(**_ONLY)}.parquet"
TASKS, INFO, STATS = "meta/tasks.parquet", "meta/info.json", "meta/stats.json"
_ROTATION = tuple(f"{axis}_{part}" for axis in ("x_axis", "y_axis") for part in "xyz")
_STATE = ("x", "y", "z", *_ROTATION, "width", "lag_x", "lag_y", "lag_z")
_ACTION = ("dx", "dy", "dz", "turn_x", "turn_y", "turn_z", "gripper")


def key(camera: str) -> str:
    """The feature that a camera's pictures are."""
    return f"observation.images.{camera}"


def video(camera: str, number: int) -> Path:
    """The file that shows an episode."""
    return Path(_VIDEO.format(video_key=key(camera), **_file(number)))


def _file(number: int) -> dict[str, int]:
    block = number // BLOCK
    return {"chunk_index": block // _FILES, "file_index": block % _FILES}


def place(number: int, starts: Sequence[int]) -> dict[str, Any]:
    """Which frames of which files are an episode's.

    Args:
        number: of the episode.
        starts: first frame of each episode, and the end of the last one.
    """
    start, end, file_start = starts[number], starts[number + 1], starts[number // BLOCK * BLOCK]
    found = {
        "episode_index": number,
        "length": end - start,
        "dataset_from_index": start,
        "dataset_to_index": end,
        **{f"data/{name}": value for name, value in _ONLY.items()},
        **{f"meta/episodes/{name}": value for name, value in _ONLY.items()},
    }
    within = {
        "from_timestamp": (start - file_start) / FPS,
        "to_timestamp": (end - file_start) / FPS,
    }
    for camera in CAMERAS:
        own = {**_file(number), **within}
        found |= {f"videos/{key(camera)}/{name}": value for name, value in own.items()}
    return found


def info(episodes: int, frames: int, tasks: int, side: int) -> dict[str, Any]:
    """What the dataset says of itself; `side` is of its pictures, pixels."""
    video = {
        "video.height": side,
        "video.width": side,
        "video.codec": "h264",
        "video.pix_fmt": "yuv420p",
        "video.is_depth_map": False,
        "video.fps": FPS,
        "video.channels": 3,
        "has_audio": False,
    }
    picture = {"dtype": "video", "shape": [side, side, 3], "names": ["height", "width", "channels"]}
    count = {"dtype": "int64", "shape": [1], "names": None}
    features = {
        **{key(camera): {**picture, "info": video} for camera in CAMERAS},
        "observation.state": {"dtype": "float32", "shape": [len(_STATE)], "names": list(_STATE)},
        "action": {"dtype": "float32", "shape": [7], "names": list(_ACTION)},
        "timestamp": {"dtype": "float32", "shape": [1], "names": None},
        **dict.fromkeys(("frame_index", "episode_index", "index", "task_index"), count),
    }
    return {
        "codebase_version": "v3.0",
        "robot_type": "panda",
        "total_episodes": episodes,
        "total_frames": frames,
        "total_tasks": tasks,
        "chunks_size": 1000,
        "data_files_size_in_mb": 100,
        "video_files_size_in_mb": 200,
        "fps": FPS,
        "splits": {"train": f"0:{episodes}"},
        "data_path": _DATA,
        "video_path": _VIDEO,
        "features": features,
    }
