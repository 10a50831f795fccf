"""Places on GPUs: never more processes than places, and none is lost with a process."""

import multiprocessing
import os
import signal
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest
import torch

from convnets.core.errors import Interrupted
from convnets.training import gpu
from convnets.training.gpu import free_place, place_on_gpu
from convnets.training.trainer import go_on

GPUS = ["first", "second"]
CONTEXT = multiprocessing.get_context("fork")


class NoPlaceError(Exception):
    """Raised instead of waiting."""


def give_up() -> None:
    raise NoPlaceError


def hold(folder: Path, held: Event) -> None:
    """Take a place and keep it for ever."""
    with free_place(GPUS, 1, folder, go_on, print):
        held.set()
        signal.pause()


def test_places_are_spread_over_the_gpus_and_limited(tmp_path: Path) -> None:
    def take(places: int) -> list[str]:
        if not places:
            return []
        with free_place(GPUS, 2, tmp_path, give_up, print) as name:
            return [name, *take(places - 1)]

    assert take(4) == ["first", "second", "first", "second"]
    with pytest.raises(NoPlaceError):
        take(5)
    assert len(take(4)) == 4, "the places are free again"


def test_a_killed_process_leaves_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "POLL_SECONDS", 0.01)
    holders = []
    for _ in GPUS:
        held = CONTEXT.Event()
        holders.append(CONTEXT.Process(target=hold, args=(tmp_path, held)))
        holders[-1].start()
        assert held.wait(30)
    lines: list[str] = []

    def kill_the_second() -> None:
        os.kill(holders[1].pid or 0, signal.SIGKILL)
        holders[1].join(30)

    with free_place(GPUS, 1, tmp_path, kill_the_second, lines.append) as name:
        assert name == "second"
    assert lines == ["waiting for a place on a GPU: all 2 are taken"]
    holders[0].kill()
    holders[0].join(30)


def test_who_waits_can_be_interrupted(tmp_path: Path) -> None:
    def interrupt() -> None:
        raise Interrupted("SIGTERM")

    with (
        free_place(["only"], 1, tmp_path, give_up, print),
        pytest.raises(Interrupted),
        free_place(["only"], 1, tmp_path, interrupt, print),
    ):
        pass


def test_a_processor_has_no_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu.tempfile, "gettempdir", lambda: str(tmp_path))
    with place_on_gpu("cpu", 1, give_up, print), place_on_gpu("cpu", 1, give_up, print):
        assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_run_computes_on_the_gpu_of_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu.tempfile, "gettempdir", lambda: str(tmp_path))
    share = torch.cuda.get_device_properties(0).total_memory // 2
    with place_on_gpu("cuda", 2, give_up, print):
        torch.zeros(share // 8, dtype=torch.uint8, device="cuda")
        with pytest.raises(torch.OutOfMemoryError):
            torch.zeros(share + 1, dtype=torch.uint8, device="cuda")
