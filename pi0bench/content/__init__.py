"""The benchmark's content: where its folders are, and TOML whose mistakes are told by line."""
