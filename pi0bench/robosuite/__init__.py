"""robosuite's tasks: its own arm, controller and reset behind our protocol of an episode."""
