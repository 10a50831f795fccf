"""Exceptions for problems that users can solve, and the exit status and message of a script."""

import contextlib
import errno
import gc
import io
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

INTERRUPTED = 75
"""Exit status of an interrupted script: EX_TEMPFAIL, give the same command again."""
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors of a full disk, an exhausted quota and a file that is too large."""
NO_MEMORY = re.compile(r"out of memory|allocate|alloc_failed|bad_alloc", re.IGNORECASE)
"""Pattern of the messages of PyTorch and NumPy when memory is short, on GPUs and processors."""
AMOUNT = re.compile(r"allocate ([\d.]+ ?\w+)")


class UserError(Exception):
    """A problem that the user can solve: what was found, what was expected, what to do."""


class Interrupted(BaseException):
    """A signal asked the program to end, which is not an error: its name, and what is saved."""


def run_script(main: Callable[[], None]) -> None:
    """Run `main`; end with one message, and status 1 on a `UserError`, 75 or 130 on a signal."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # file names can be invalid Unicode
    try:
        main()
        gc.freeze()  # or Python searches all modules for garbage as it ends: 0.6 s with PyTorch's
    except UserError as error:
        sys.exit(f"error: {error}")
    except Interrupted as interrupted:
        print(f"interrupted by {interrupted}; the same command continues from there", flush=True)
        sys.exit(INTERRUPTED)
    except KeyboardInterrupt:
        print("interrupted; all files are complete", file=sys.stderr)
        sys.exit(128 + signal.SIGINT)
    except UnicodeEncodeError as error:
        sys.exit(f"error: {error.object!a} is not valid Unicode: use other names and arguments")
    except MemoryError as error:
        sys.exit(f"error: out of memory ({error}): end other programs, or use fewer images")
    except OSError as error:
        if error.errno not in NO_ROOM:
            sys.exit(f"error: {error.filename or error}: {error.strerror}: see that it can be used")
        # Unprinted output would be written again at exit, which would change the exit status.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(f"error: {no_room('a file or the output of this program', error)}")


@contextlib.contextmanager
def explain_no_memory(remedy: str) -> Iterator[None]:
    """Turn a lack of memory in the block, of processor or GPU, into a `UserError`."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        text = str(error)
        if not (isinstance(error, MemoryError) or NO_MEMORY.search(text)):
            raise
        amount = AMOUNT.search(text)
        asked = f"{amount[1]} more were asked for" if amount else text.partition("\n")[0]
        raise UserError(f"out of memory ({asked or 'no amount is known'}): {remedy}") from error


@contextlib.contextmanager
def explain_damage(path: Path, kind: str, remedy: str) -> Iterator[None]:
    """Turn a missing or damaged file, in a block that reads `path`, into a `UserError`."""
    if not path.is_file():
        raise UserError(f"{path} is missing, expected {kind}: {remedy}")
    try:
        yield
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): {remedy}") from None
    except (ValueError, TypeError, OverflowError, MemoryError, RecursionError) as error:
        raise UserError(f"{path} is damaged ({' '.join(str(error).split())}): {remedy}") from None


def no_room(what: object, error: OSError) -> str:
    """The message for one of the errors `NO_ROOM`."""
    return (
        f"{what} could not be written: {error.strerror}. What was saved before is intact: make "
        "room (disk space, quota, ulimit -f), then give the same command again"
    )
