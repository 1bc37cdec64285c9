"""How much of this machine's time goes into what is measured, and how much is lost on the way."""
