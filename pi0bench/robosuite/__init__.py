"""robosuite's tasks: its own arm, controller and reset behind `pi0bench.envs.episode_protocol.Episode`."""
