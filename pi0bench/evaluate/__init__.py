"""Measuring: cells to episodes to records. The only place where tasks, worlds and policies meet."""
