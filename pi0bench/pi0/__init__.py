"""The published π0: its pictures, its words, its sizes and its checkpoints, around the same trunk."""
