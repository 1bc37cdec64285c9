"""Renderers: each draws a list of placed primitives, whatever engine moved them."""
