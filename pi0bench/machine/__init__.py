"""This computer: its processor, packages and cores, and whether pi0bench can run here."""
