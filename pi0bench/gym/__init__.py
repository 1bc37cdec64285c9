"""Gymnasium, both ways: our tasks as environments, and anybody's environments as tasks."""
