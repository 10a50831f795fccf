"""Programs for the maintainers of this project, not for the rules. The library is in `scripts`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
