"""Physics engines behind the `World` protocol."""
