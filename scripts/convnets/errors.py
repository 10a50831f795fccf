"""One exception for everything that a user can put right, and how a script ends on it."""

import sys
from collections.abc import Callable


class UserError(Exception):
    """Something the user can put right: says what was found, what was expected, what to do."""


def run_script(main: Callable[[], None]) -> None:
    """Run `main`; end with exit status 1 and one clear message on a `UserError`."""
    try:
        main()
    except UserError as error:
        sys.exit(f"error: {error}")
