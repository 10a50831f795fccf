"""Files that appear whole or not at all, and what killed writers leave of them."""

import multiprocessing
import signal
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from convnets.core.files import atomic_write, remove_temporaries, write_text

FORK = multiprocessing.get_context("fork")


def write_for_ever(path: Path, begun: Event) -> None:
    with atomic_write(path) as file:
        file.write(b"half")
        file.flush()
        begun.set()
        signal.pause()


def test_what_a_killed_writer_left_goes_with_the_next_write(tmp_path: Path) -> None:
    path, begun = tmp_path / "large[1].npy", FORK.Event()
    writer = FORK.Process(target=write_for_ever, args=(path, begun), daemon=True)
    writer.start()
    assert begun.wait(60)
    (temporary,) = tmp_path.iterdir()

    write_text(path, "whole")
    assert set(tmp_path.iterdir()) == {path, temporary}, "its writer lives"
    writer.kill()
    writer.join()
    write_text(tmp_path / "other.npy", "another target")
    assert temporary.exists()
    write_text(path, "whole again")
    assert {file.name for file in tmp_path.iterdir()} == {path.name, "other.npy"}
    assert path.read_text() == "whole again"


def test_all_that_killed_writers_left_in_a_folder_goes(tmp_path: Path) -> None:
    (tmp_path / ".old.pt.abc.tmp").touch()
    with atomic_write(tmp_path / "new.pt"):
        remove_temporaries(tmp_path)
        (temporary,) = tmp_path.iterdir()
    assert temporary.name.startswith(".new.pt.")


def test_a_file_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), atomic_write(tmp_path / "file") as file:
        file.write(b"half")
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())
