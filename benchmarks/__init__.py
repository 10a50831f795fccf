"""Speed of training beside a plain loop. The library that it measures is in `scripts`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
