"""What the command line can be asked for: a function a command; its docstring is its help."""
