"""Demonstrations as a LeRobotDataset v3, for fine-tuning with other tools.

Source of the layout: LeRobot 0.4, `lerobot/datasets` (Apache-2.0): parquet for numbers, one mp4 a
camera with all episodes one after the other, and `meta/` that says which frames are whose.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from imageio_ffmpeg import get_ffmpeg_exe
from numpy.typing import NDArray

from pi0bench.envs.cameras import CAMERAS
from pi0bench.envs.render.renderer import Image, Renderer
from pi0bench.errors import StorageError, UsageError
from pi0bench.results.videos import as_file
from pi0bench.train.recorded import Recorded

FPS = 20
_FILE = {"chunk_index": 0, "file_index": 0}
_PLACE = "chunk-{chunk_index:03d}/file-{file_index:03d}"
_DATA, _VIDEO = f"data/{_PLACE}.parquet", f"videos/{{video_key}}/{_PLACE}.mp4"
_STATE = ("x", "y", "z", "sin_yaw", "cos_yaw", "tilt", "width", "lag_x", "lag_y", "lag_z")
_ACTION = ("dx", "dy", "dz", "turn_x", "turn_y", "turn_z", "gripper")
_QUANTILES = (0.01, 0.10, 0.50, 0.90, 0.99)
_PIXELS_EVERY = 10
"""Statistics of pictures are those of every tenth frame."""

Progress = Callable[[int, int], object]


def export(
    source: Path,
    out: Path,
    renderer: Renderer | None,
    side: int,
    progress: Progress = lambda *_: None,
) -> Path:
    """Write a file of demonstrations (see `pi0bench.train.demos`) as a dataset.

    Args:
        source: the demonstrations.
        out: the dataset's folder, which must not exist yet.
        renderer: draws every step by both cameras; None in worlds that draw by themselves.
        side: of the pictures, pixels; even.
        progress: told how many episodes of how many are drawn.

    Raises:
        UsageError: the folder exists, the side is odd, or pyarrow is not installed.
        StorageError: ffmpeg cannot write.
    """
    check(out, side)
    lived = Recorded(source)
    pixels = _draw(lived, out, renderer, side, progress)
    numbers = {
        "observation.state": lived.arrays["proprio"].astype(np.float32),
        "action": np.clip(lived.arrays["actions"], -1, 1).astype(np.float32),
    }
    _write(out, lived, numbers, pixels, side)
    return out


def check(out: Path, side: int) -> None:
    """See that a dataset can be written there.

    Raises:
        UsageError: the folder exists, the side is odd, or pyarrow is not installed.
    """
    if find_spec("pyarrow") is None:
        raise UsageError('--format lerobot: needs pyarrow; pip install "pi0bench[lerobot]"')
    if out.exists():
        raise UsageError(f"{out}: exists already; name another --out")
    if side % 2 or not 16 <= side <= 640:
        raise UsageError(f"--side: {side} will not do; give an even number from 16 to 640")


def _key(camera: str) -> str:
    return f"observation.images.{camera}"


def _draw(
    lived: Recorded, out: Path, renderer: Renderer | None, side: int, progress: Progress
) -> dict[str, list[NDArray[np.float64]]]:
    """Write each camera's video; what statistics need: sampled pixels in [0, 1], (3, N) each."""
    sampled: dict[str, list[NDArray[np.float64]]] = {}
    for at, camera in enumerate(CAMERAS):
        key = _key(camera)
        sampled[key] = []

        def frames(camera: str = camera, key: str = key, at: int = at) -> Iterator[Image]:
            for number in range(len(lived.episodes)):
                scenery = lived.scenery(number)
                for step in range(lived.episodes[number]["steps"]):
                    moment = scenery.moment(lived.row(number, step))
                    drawn = moment.images(renderer, side, (camera,))[camera]
                    if step % _PIXELS_EVERY == 0:
                        sampled[key].append(drawn.reshape(-1, 3).T / 255)
                    yield drawn
                progress(at * len(lived.episodes) + number + 1, 2 * len(lived.episodes))

        path = out / _VIDEO.format(video_key=key, **_FILE)
        path.parent.mkdir(parents=True)
        _encode(path, frames(), side)
    return sampled


def _encode(path: Path, frames: Iterator[Image], side: int) -> None:
    """Write an mp4 in which every second frame can be decoded by itself."""
    command = [get_ffmpeg_exe(), "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24"]
    command += ["-s", f"{side}x{side}", "-r", str(FPS), "-i", "-", "-c:v", "libx264"]
    command += ["-pix_fmt", "yuv420p", "-crf", "18", "-g", "2", "-threads", "1", as_file(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        try:
            for frame in frames:
                process.stdin.write(frame.tobytes())
            process.stdin.close()
        except BrokenPipeError:
            pass
        words = process.stderr.read().decode(errors="replace").strip()
    if process.returncode:
        raise StorageError(f"{path}: ffmpeg ended with {process.returncode}: {words[-300:]}")


def _write(
    out: Path,
    lived: Recorded,
    numbers: Mapping[str, NDArray[np.float32]],
    pixels: Mapping[str, list[NDArray[np.float64]]],
    side: int,
) -> None:
    import pandas

    lengths = np.array([row["steps"] for row in lived.episodes])
    ends = np.cumsum(lengths)
    sentences = sorted({row["says"] for row in lived.episodes})
    said = np.array([sentences.index(row["says"]) for row in lived.episodes])
    frame = np.concatenate([np.arange(length) for length in lengths])
    table = {
        **{key: list(rows) for key, rows in numbers.items()},
        "timestamp": (frame / FPS).astype(np.float32),
        "frame_index": frame,
        "episode_index": np.repeat(np.arange(len(lengths)), lengths),
        "index": np.arange(ends[-1]),
        "task_index": np.repeat(said, lengths),
    }
    _parquet(pandas.DataFrame(table), out / _DATA.format(**_FILE), index=False)
    tasks = pandas.DataFrame({"task_index": range(len(sentences))}, index=sentences)
    _parquet(tasks, out / "meta" / "tasks.parquet", index=True)
    stats: dict[str, dict[str, Any]] = {key: _stats(rows.T) for key, rows in numbers.items()}
    for key, samples in pixels.items():
        found = _stats(np.concatenate(samples, axis=1))
        stats[key] = {k: v if k == "count" else [[[x]] for x in v] for k, v in found.items()}
    rows = [_episode(number, lived, numbers, int(ends[number])) for number in range(len(lengths))]
    episodes = out / "meta" / "episodes" / f"{_PLACE.format(**_FILE)}.parquet"
    _parquet(pandas.DataFrame(rows), episodes, index=False)
    info = _info(len(lengths), int(ends[-1]), len(sentences), side)
    (out / "meta" / "info.json").write_text(json.dumps(info, indent=4) + "\n", "utf-8")
    (out / "meta" / "stats.json").write_text(json.dumps(stats, indent=4) + "\n", "utf-8")


def _parquet(table: Any, path: Path, index: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_parquet(path, index=index)


def _episode(
    number: int, lived: Recorded, numbers: Mapping[str, NDArray[np.float32]], end: int
) -> dict[str, Any]:
    row = lived.episodes[number]
    start = end - row["steps"]
    found = {
        "episode_index": number,
        "tasks": [row["says"]],
        "length": row["steps"],
        "dataset_from_index": start,
        "dataset_to_index": end,
        **{f"data/{name}": value for name, value in _FILE.items()},
        **{f"meta/episodes/{name}": value for name, value in _FILE.items()},
    }
    for camera in CAMERAS:
        own = {**_FILE, "from_timestamp": start / FPS, "to_timestamp": end / FPS}
        found |= {f"videos/{_key(camera)}/{name}": value for name, value in own.items()}
    for key, rows in numbers.items():
        found |= {f"stats/{key}/{k}": v for k, v in _stats(rows[start:end].T).items()}
    return found


def _stats(rows: NDArray[Any]) -> dict[str, list[float]]:
    """Statistics of each number, (D, N) → lists of D."""
    found = {
        "min": rows.min(axis=1),
        "max": rows.max(axis=1),
        "mean": rows.mean(axis=1),
        "std": rows.std(axis=1),
        **{f"q{round(100 * q):02d}": np.quantile(rows, q, axis=1) for q in _QUANTILES},
    }
    return {**{k: v.astype(float).tolist() for k, v in found.items()}, "count": [rows.shape[1]]}


def _info(episodes: int, frames: int, tasks: int, side: int) -> dict[str, Any]:
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
        **{_key(camera): {**picture, "info": video} for camera in CAMERAS},
        "observation.state": {"dtype": "float32", "shape": [10], "names": list(_STATE)},
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
