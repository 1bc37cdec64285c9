"""One HTML page that holds everything, its videos too, and asks nothing of any other place."""
