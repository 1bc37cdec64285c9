"""The published π0: pictures, words, sizes and checkpoints, around the same trunk."""
