"""The two files of a run's state: whole, damaged, or of another run."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from convnets.core.errors import UserError
from convnets.runs.identity import differences
from convnets.runs.progress import Epoch
from convnets.training.checkpoints import Checkpoints, TrainingState, read_state, to_bytes

CPU = "cpu"
OURS = {"variant": {"id": "small", "filters": 4}, "training": {"learning_rate": 0.01}, "seed": 0}


def state_after(epochs: int, step: int = 0, **values: Any) -> TrainingState:
    history = [Epoch(n + 1, 3.5, 0.25, 3.0, 0.5, 1.0) for n in range(epochs)]
    weights = {"weight": torch.arange(6.0).reshape(2, 3) / 7 + epochs}
    return TrainingState(
        belongs_to=OURS,
        network=weights,
        optimizer={"state": {0: {"step": torch.tensor(1.0)}}, "param_groups": [{"lr": 0.1}]},
        best_network=weights,
        history=history,
        step=step,
        losses=torch.rand(step, generator=torch.Generator().manual_seed(0)),
        corrects=torch.arange(step),
        **values,
    )


def slots(folder: Path, lines: list[str] | None = None) -> Checkpoints:
    return Checkpoints(folder, [].append if lines is None else lines.append)


def resume(folder: Path, lines: list[str] | None = None, epochs: int = 5) -> TrainingState:
    return slots(folder, lines).resume(OURS, epochs, CPU)


def test_what_is_read_is_what_was_saved(tmp_path: Path) -> None:
    saved = state_after(2, step=3, seconds=1.5, attempts=[{"started": "now", "from_step": 0}])
    slots(tmp_path).save(saved)
    read = resume(tmp_path)
    assert read.history == saved.history
    assert torch.equal(read.network["weight"], saved.network["weight"])
    assert torch.equal(read.optimizer["state"][0]["step"], torch.tensor(1.0))
    assert torch.equal(read.losses, saved.losses)
    assert torch.equal(read.corrects, saved.corrects)
    assert (read.step, read.seconds, read.attempts) == (3, 1.5, saved.attempts)


def test_the_files_are_written_in_turn_and_the_newest_is_never_overwritten(tmp_path: Path) -> None:
    files = slots(tmp_path)
    for step in range(1, 6):
        files.save(state_after(1, step))
        steps = {read_state(path, CPU).step for path in files.paths if path.exists()}
        assert steps == {step, step - 1} - {0}
    again = slots(tmp_path)
    assert again.resume(OURS, 5, CPU).step == 5
    again.save(state_after(2))
    assert {read_state(path, CPU).progress for path in again.paths} == {(1, 5, 0), (2, 0, 0)}


def test_the_most_advanced_counts_whichever_file_it_is_in(tmp_path: Path) -> None:
    files = slots(tmp_path)
    for state in (state_after(2, 1), state_after(1, 9)):
        files.save(state)
    assert resume(tmp_path).progress == (2, 1, False)


def with_header(payload: bytes) -> bytes:
    return f"sha256 {hashlib.sha256(payload).hexdigest()}\n".encode() + payload


def flipped(place: float) -> Callable[[bytes], bytes]:
    def damage(content: bytes) -> bytes:
        position = int(place * (len(content) - 1))
        return content[:position] + bytes([content[position] ^ 4]) + content[position + 1 :]

    return damage


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "truncated": lambda content: content[:-1],
    "half": lambda content: content[: len(content) // 2],
    "header only": lambda content: content[: content.index(b"\n") + 1],
    "longer": lambda content: content + b"\0",
    "zeros": lambda content: bytes(len(content)),
    "no header": lambda content: content.partition(b"\n")[2],
    "a list": lambda content: with_header(to_bytes([1, 2, 3])),
    "another dictionary": lambda content: with_header(to_bytes({"history": [], "weights": 1})),
    "no PyTorch file": lambda content: with_header(b"some text"),
    "code to run": lambda content: with_header(to_bytes({"history": [], "path": Path("x")})),
} | {f"bit at {place:.0%}": flipped(place) for place in (0, 0.002, 0.02, 0.1, 0.5, 0.9, 1)}


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_file_falls_back_to_the_other_with_a_warning(tmp_path: Path, kind: str) -> None:
    files = slots(tmp_path)
    files.save(state_after(1))
    files.save(state_after(2, 7))
    newest = files.newest
    newest.write_bytes(DAMAGES[kind](newest.read_bytes()))
    lines: list[str] = []
    assert resume(tmp_path, lines).progress == (1, 0, False)
    line, resumed = lines
    assert resumed == f"resumed after epoch 1, from {files.paths[0]}"
    assert line.startswith(f"warning: {newest} is damaged")
    assert "after epoch 1, from state.0.pt" in line
    files.paths[0].write_bytes(DAMAGES[kind](files.paths[0].read_bytes()))
    with pytest.raises(UserError, match=r"delete state.0.pt and state.1.pt in .* to start over"):
        resume(tmp_path)
    assert all(path.exists() for path in files.paths)


def test_a_folder_where_a_state_should_be_is_damage(tmp_path: Path) -> None:
    slots(tmp_path).save(state_after(1))
    (tmp_path / "state.1.pt").mkdir()
    lines: list[str] = []
    assert resume(tmp_path, lines).history
    assert "state.1.pt is damaged" in lines[0]


def test_the_damaged_file_is_written_next(tmp_path: Path) -> None:
    files = slots(tmp_path)
    for epochs in (1, 2):
        files.save(state_after(epochs))
    files.newest.write_bytes(b"")
    again = slots(tmp_path)
    again.resume(OURS, 5, CPU)
    again.save(state_after(3))
    assert [read_state(path, CPU).progress[0] for path in again.paths] == [1, 3]


def test_one_damaged_file_alone_is_refused(tmp_path: Path) -> None:
    files = slots(tmp_path)
    files.save(state_after(1))
    files.newest.write_bytes(b"")
    with pytest.raises(UserError, match=r"delete state.0.pt in .* to start over"):
        resume(tmp_path)


def test_no_state_is_a_fresh_start(tmp_path: Path) -> None:
    fresh = resume(tmp_path)
    assert (fresh.belongs_to, fresh.progress, fresh.network) == (OURS, (0, 0, False), {})


OTHER = {"variant": {"id": "small"}, "training": {"learning_rate": 0.5}, "seed": 0, "code": "ab"}


def test_an_unfinished_state_of_another_run_is_refused_with_what_differs(tmp_path: Path) -> None:
    files = slots(tmp_path)
    files.save(state_after(1, 4))
    before = files.newest.read_bytes()
    with pytest.raises(UserError) as caught:
        files.resume(OTHER, 5, CPU)
    lines = str(caught.value).splitlines()
    assert lines[0].endswith("state.0.pt (after step 4 of epoch 2) is of a run with "
                             "other settings:")  # fmt: skip
    assert lines[1:4] == [
        "  variant.filters: 4 -> not there",
        "  training.learning_rate: 0.01 -> 0.5",
        "  code: not there -> ab",
    ]
    assert "delete state.0.pt in" in lines[4]
    assert files.newest.read_bytes() == before


@pytest.mark.parametrize(("epochs", "step", "refused"), [(3, 0, False), (3, 1, True), (4, 0, True)])
def test_more_epochs_than_asked_for_are_refused(
    tmp_path: Path, epochs: int, step: int, refused: bool
) -> None:
    slots(tmp_path).save(state_after(epochs, step))
    if refused:
        with pytest.raises(UserError, match=r"epochs: after .* -> ends after epoch 3"):
            resume(tmp_path, epochs=3)
    else:
        assert resume(tmp_path, epochs=3).progress == (epochs, step, False)


def test_a_finished_run_keeps_one_file_and_can_go_on(tmp_path: Path) -> None:
    files = slots(tmp_path)
    files.save(state_after(1))
    files.save(state_after(2))
    files.finish(state_after(2, finished="now"))
    assert [path.exists() for path in files.paths] == [True, False]
    again = slots(tmp_path)
    state = again.resume(OURS, 3, CPU)
    state.begin_attempt({"device_name": "this", "software": {}}, lambda line: None)
    assert not state.finished
    again.save(state)
    assert all(path.exists() for path in again.paths)


def test_the_finished_one_of_two_equally_advanced_states_counts(tmp_path: Path) -> None:
    files = slots(tmp_path)
    files.save(state_after(2, finished="now"))
    files.save(state_after(2))
    assert resume(tmp_path).finished


@pytest.mark.parametrize(("belongs_to", "epochs"), [(OTHER, 5), (OURS, 1)])
def test_a_finished_state_of_another_run_is_replaced(
    tmp_path: Path, belongs_to: dict[str, Any], epochs: int
) -> None:
    lines: list[str] = []
    files = slots(tmp_path, lines)
    files.finish(state_after(2, finished="now"))
    assert files.resume(belongs_to, epochs, CPU).progress == (0, 0, False)
    assert "had other settings: starting over" in lines[0]
    assert " -> " in lines[0]
    assert not any(path.exists() for path in files.paths)


def test_attempts_are_noted_and_another_machine_is_said() -> None:
    state, lines = state_after(1, 7), []
    here = {"started": "1", "device_name": "this", "software": {"torch": "1", "numpy": "2"}}
    state.begin_attempt(here, lines.append)
    state.begin_attempt(here | {"started": "2"}, lines.append)
    assert lines == []
    assert state.attempts[1] == here | {"started": "2", "from_epoch": 2, "from_step": 7}
    state.begin_attempt(here | {"software": {"torch": "3", "numpy": "2"}}, lines.append)
    assert "bits may differ" in lines[0]
    assert "software.torch: 1 -> 3" in lines[0]
    assert "numpy" not in lines[0]
    state.begin_attempt(here | {"device_name": "that"}, lines.append)
    assert "device_name: this -> that" in lines[1]


def test_differences_name_each_key_once() -> None:
    old = {"same": 1, "a": {"b": {"c": 1, "d": 2}}, "gone": None}
    new = {"same": 1, "a": {"b": {"c": 1, "d": 3}}, "new": 0}
    expected = ["a.b.d: 2 -> 3", "gone: None -> not there", "new: not there -> 0"]
    assert list(differences(old, new)) == expected
