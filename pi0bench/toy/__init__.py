"""The heads on a problem small enough to look at: two-dimensional navigation past a wall."""
