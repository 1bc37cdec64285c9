"""Tasks are files: what stands where, what is asked, when it is done, and how an expert does it."""
