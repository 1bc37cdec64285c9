"""Policies: what they see, how they plan, and the ones that are registered."""
