"""Statistics of success rates: numbers in, intervals out."""
