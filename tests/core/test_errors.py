"""The end of a program: one message and an exit status."""

import signal

import pytest

from convnets.core.errors import Interrupted, UserError, run_script


@pytest.mark.parametrize(
    ("raised", "status", "message"),
    [
        (UserError("file: fault: remedy"), 1, "error: file: fault: remedy"),
        (Interrupted("SIGTERM"), 75, "interrupted by SIGTERM; the same command continues"),
        (KeyboardInterrupt(), 128 + signal.SIGINT, "interrupted; all files are complete"),
        (MemoryError("1 TB"), 1, "error: out of memory (1 TB)"),
        (PermissionError(13, "Permission denied", "/a"), 1, "error: /a: Permission denied"),
    ],
)
def test_a_program_ends_with_one_message(
    raised: BaseException, status: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def main() -> None:
        raise raised

    with pytest.raises(SystemExit) as end:
        run_script(main)
    said, code = capsys.readouterr(), end.value.code
    if isinstance(code, str):  # Python prints it and exits with 1
        assert (code.startswith(message), status) == (True, 1)
    else:
        assert (code, message in said.out + said.err) == (status, True)
