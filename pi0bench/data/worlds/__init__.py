"""Worlds in which experts demonstrate: how a step is noted down, drawn again and labelled."""
