"""Published results: their records, claims, pages, and the numbers that texts quote."""
