"""What Python programs call, and the command line too: `import pi0bench; pi0bench.run(...)`."""

from pi0bench.api.catalogue import policies as policies
from pi0bench.api.catalogue import suites as suites
from pi0bench.api.catalogue import tasks as tasks
from pi0bench.api.catalogue import variations as variations
from pi0bench.api.comparing import compare as compare
from pi0bench.api.comparing import regressions as regressions
from pi0bench.api.environment import make as make
from pi0bench.api.measuring import run as run
from pi0bench.api.measuring import verify as verify
from pi0bench.api.run_results import Run as Run
from pi0bench.api.run_results import load as load
