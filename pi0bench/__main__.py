"""`python -m pi0bench` is `pi0bench`."""

import sys

from pi0bench.cli import main

if __name__ == "__main__":
    sys.exit(main())
