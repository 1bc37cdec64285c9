"""Gymnasium, both ways.

`task_env` is a task of ours as an environment, `external_env_task` anybody's environment as a task.
"""
