"""Every program: wrong paths and values give one message, and no traceback."""

import runpy
import sys
from pathlib import Path

import pytest

PROGRAMS = {
    file.stem: file
    for folder in ("scripts", "tools")
    for file in sorted(Path(folder).glob("*.py"))
    if file.stem != "__init__"
}
VARIANT = '{"id": "a", "method": "stride"}'
TABLE = (
    '{"title": "a", "header": ["a"], "columns": ["parameters"], '
    '"rows": [{"label": ["a"], "variants": ["a"]}]}'
)
FIGURE = '{"title": "a", "x": "epoch", "curves": [{"label": "a", "variants": ["a"]}]}'
DATA = '{"source": "archive", "archive": {"path": "%s"}}'
FILES = ["--metrics", "WRONG", "--provenance", "WRONG", "--output", "OUT"]
TRAINING = ["--data", "WRONG", "--variant", VARIANT, "--training", "{}", "--output", "OUT"]
COMMANDS = {
    "analyse": ["curves", "--runs", "WRONG", *FILES, "--table", "OUT"],
    "collect_metrics": ["--runs", "WRONG", "--runtimes", "WRONG", "--output", "OUT"],
    "draw_pooling": ["--data", "WRONG", "--output", "OUT"],
    "evaluate": ["--data", "WRONG", "--run", "WRONG"],
    "fetch_archive": ["--settings", '{"nist": {"urls": ["file://WRONG"], "path": "OUT/WRONG"}}'],
    "judge": ["--runs", "WRONG", *FILES, "--mechanism", "WRONG"],
    "make_figure": ["--figure", FIGURE, "--runs", "WRONG", *FILES],
    "make_table": ["--table", TABLE, *FILES],
    "measure_receptive_fields": ["--data", "WRONG", "--runs", "WRONG", "--output", "OUT"],
    "measure_runtimes": ["--data", "WRONG", "--runs", "WRONG", "--output", "OUT"],
    "plan": ["WRONG"],
    "prepare_data": ["--settings", DATA % "WRONG", "--output", "OUT"],
    "publish": ["WRONG", "--to", "OUT"],
    "release": ["--commit", "WRONG"],
    "render_page": ["report", "--results", "WRONG", "--output", "OUT"],
    "report_now": ["WRONG"],
    "status": ["WRONG"],
    "summarise": ["WRONG"],
    "train": [*TRAINING, "--epochs", "1", "--seed", "0"],
    "train_from_scratch": ["--data", "WRONG", "--output", "OUT"],
}
"""Arguments of the programs that read files, which are WRONG."""
VALUES = {
    "analyse": [["a"], ["curves", "--runs"]],
    "make_figure": [[*COMMANDS["make_figure"], "--figure", text] for text in ("", "{", "[]")],
    "make_table": [[*COMMANDS["make_table"], "--table", text] for text in ("{}", "NaN", "\ud800")],
    "measure_runtimes": [[*COMMANDS["measure_runtimes"], "--rounds", n] for n in ("5", "x", "1e3")],
    "plan": [["WRONG", "--hours", hours] for hours in ("0", "-1", "nan", "inf", "x", "9" * 5000)],
    "prepare_data": [
        *(["--settings", text, "--output", "OUT"] for text in ("{", '{"a": 1}', '{"seed": -1}')),
        *(
            ["--settings", '{"source": "glyphs"}', "--subset", text, "--output", "OUT"]
            for text in ("0", "nan", "2", "-1", "inf", "x")
        ),
    ],
    "render_page": [["page", "--results", "WRONG", "--output", "OUT"]],
    "status": [["WRONG", "--watch", seconds] for seconds in ("0", "-1", "nan", "x")],
    "train": [
        [*COMMANDS["train"], option, value]
        for option in ("--epochs", "--seed", "--runs-per-gpu")
        for value in ("-1", "1.5", "9" * 30, "x")
    ]
    + [[*COMMANDS["train"], "--variant", text] for text in ("{}", "x", '{"id": "../a"}')],
    "train_from_scratch": [
        [*COMMANDS["train_from_scratch"], "--epochs", value] for value in ("0", "x", "9" * 30)
    ],
}
"""Arguments with wrong values."""
WRONG = {
    "nothing": lambda path: None,
    "a folder": lambda path: path.mkdir(),
    "no text": lambda path: path.write_bytes(b"\xff\xfe\x00"),
    "JSON": lambda path: path.write_text("[{}, 1]"),
    "a dangling link": lambda path: path.symlink_to(f"{path}_elsewhere"),
}


def call(
    program: str,
    arguments: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> tuple[object, str]:
    """Status and message of a program."""
    monkeypatch.setattr(sys, "argv", [f"{program}.py", *arguments])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(PROGRAMS[program]), run_name="__main__")
    code = ended.value.code
    output, errors = capsys.readouterr()
    return (1, code) if isinstance(code, str) else (code, output + errors)


def test_every_program_is_here() -> None:
    without_files = {"document_config", "draw_layers", "measure_layers", "measure_mechanism"}
    assert set(PROGRAMS) == {*COMMANDS, *without_files}


@pytest.mark.parametrize("program", PROGRAMS)
def test_wrong_options(
    program: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if program == "release":
        pytest.importorskip("rocrate")
    status, message = call(program, ["--help"], monkeypatch, capsys)
    assert (status, message.startswith(f"usage: {program}.py ")) == (0, True)
    status, message = call(program, ["--nonsense"], monkeypatch, capsys)
    assert status == 2
    assert f"{program}.py: error: " in message


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("program", COMMANDS)
def test_wrong_paths(
    program: str,
    wrong: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "wrong"
    WRONG[wrong](path)
    names = {"WRONG": str(path), "OUT": str(tmp_path / "out")}
    arguments = [text.replace("WRONG", names["WRONG"]) for text in COMMANDS[program]]
    arguments = [text.replace("OUT", names["OUT"]) for text in arguments]
    if program == "status" and path.is_dir():
        return
    status, message = call(program, arguments, monkeypatch, capsys)
    assert status == 1
    assert message.startswith("error: ")
    assert program == "release" or str(path) in message
    assert not [file for file in tmp_path.rglob("*") if file.suffix == ".tmp"]


@pytest.mark.parametrize(
    ("program", "arguments"),
    [(program, arguments) for program, several in VALUES.items() for arguments in several],
    ids=str,
)
def test_wrong_values(
    program: str,
    arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    names = [text.replace("OUT", str(tmp_path / "out")) for text in arguments]
    status, message = call(program, names, monkeypatch, capsys)
    assert status in (1, 2)
    assert "error: " in message
    assert "Traceback" not in message
