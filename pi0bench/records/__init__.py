"""What a run leaves: cells, records, the folder that holds them, its manifest; and merging."""
