"""Files that no crash, kill or second writer can spoil."""
