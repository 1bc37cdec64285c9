"""The simulated world: one scene, two physics engines, two renderers."""
