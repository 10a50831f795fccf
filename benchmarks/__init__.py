"""How fast training is, beside a plain loop. The library that it measures lies in `scripts`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
