"""Physics engines behind the `World` protocol."""

ENGINES = ("mujoco", "pybullet")
