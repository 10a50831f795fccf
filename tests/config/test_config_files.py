"""Files, command lines and values that are no configuration: one message each."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from configurations import BASE, BASE_FILE, checked
from convnets.architectures.variant import Variant
from convnets.config.checks import load_config
from convnets.config.overlays import check_command_line, read_config
from convnets.config.settings import DataSettings, TrainingSettings, parse
from convnets.core.errors import UserError

UNREADABLE = [
    # The bytes of a file, and what is said of it after its name
    (b"epochs: 3\n bad: [1", ", line 2, column 5: mapping values are not allowed in th"),
    (b"epochs: 3\n\tseeds: [1]", ", line 2, column 1: found a tab character that violates"),
    (b"epochs: 3\nepochs: 4", ", line 2, column 1: found the key 'epochs' again, first in line 1"),
    (b'{"a": 1, "a": 2}', ", line 1, column 10: found the key 'a' again, first in line 1"),
    (b"data:\n  seed: 1\n  seed: 2", ", line 3, column 3: found the key 'seed' again"),
    (b"1: a", ", line 1, column 1: found a key that is not text (put it in quotes)"),
    (b"? [a]\n: b", ", line 1, column 3: found a key that is not text"),
    (b"a: !!python/object/apply:os.system [ls]", ", line 1, column 4: could not determine a con"),
    (
        b"__use_yte__: true\na: ?1+1",
        " has __use_yte__, with which Snakemake would run code",
    ),
    (b"- a", " has ['a'] without a key, expected KEY: VALUE at the top"),
    (b"only text", " has 'only text' without a key"),
    (b"a: 1\n---\nb: 2", ", line 2, column 1: but found another document"),
    (b"a: *b", ", line 1, column 4: found undefined alias"),
    (b"a: &b [*b]", ", line 1, column 1: found more than 100,000 values, those of aliases inclu"),
    (b"a: [" + b"1," * 100_000 + b"1]", ", line 1, column 1: found more than 100,000 values"),
    (b"a: !!bool maybe", ": 'maybe'"),
    (b"a: !!timestamp x", ": "),
    (b"a: \x00", ": unacceptable character #x0000"),
    (b"a: \xe9", " is not UTF-8 ('utf-8' codec can't decode byte 0xe9"),
    ("a: 1".encode("utf-16"), " is not UTF-8"),
    (b"[" * 100_000, ", line 1, column 101: found more than 100 levels of nesting"),
    (b"a: " + b"9" * 5000, ": Exceeds the limit (4300 digits)"),
    (b'a: "\\ud800"', ", line 1, column 7: found invalid Unicode character escape"),
    (b"a: !!binary YQ==", ": Object of type bytes is not JSON serializable"),
]


@pytest.mark.parametrize(
    ("content", "message"), UNREADABLE, ids=[str(c[:40]) for c, _ in UNREADABLE]
)
def test_a_file_that_is_no_plain_yaml(content: bytes, message: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_bytes(content)
    with pytest.raises(UserError) as caught:
        read_config(file)
    assert str(caught.value).startswith(f"{file}{message}")
    assert "\n" not in str(caught.value)
    with pytest.raises(SystemExit, match=r"error: .*mine\.yaml"):
        check_command_line(["-n", "--configfile", str(file)])


def test_nested_aliases_are_counted_not_filled_in(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60))]
    (tmp_path / "laughs.yaml").write_text("\n".join(lines))
    with pytest.raises(UserError, match="more than 100,000 values, those of aliases"):
        read_config(tmp_path / "laughs.yaml")


@pytest.mark.parametrize("content", [b"", b"# nothing\n", b"\xef\xbb\xbfepochs: 3\n", b"{}"])
def test_a_file_may_be_empty_or_begin_with_a_mark(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_bytes(content)
    assert read_config(tmp_path / "mine.yaml") in ({}, {"epochs": 3})


@pytest.mark.parametrize(("name", "found"), [("none.yaml", "no such file"), ("", "a folder")])
def test_a_configuration_that_is_no_file(name: str, found: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=rf": {found}, expected a YAML file: give the path"):
        read_config(tmp_path / name)


@pytest.mark.parametrize("change", ["epochs", "=3", "a.b=3", "3=a"])
def test_a_change_without_key_or_value(change: str) -> None:
    with pytest.raises(SystemExit, match=r"error: command line \(--config\): '.*', expected KEY="):
        check_command_line(["-n", "--config", "run_name=x", change, "--cores", "1"])


CHANGES: list[tuple[dict[str, Any], str]] = [
    ({"run_name": "a\udcff"}, r"command line \(--config\): .* can't encode character '\\udcff'"),
    ({"run_name": "\x1b[2J"}, r"command line .*: run_name is '\\x1b\[2J': expected a name"),
    ({"variants": {"a": {"stride": "&a [*a]"}}}, r"line .*: variants\.a\.stride is '&a \[\*a\]'"),
    ({"training": {"threads": "!!bool x"}}, r"line .*: training\.threads is '!!bool x': expected"),
    ({"training": {"threads": "!!python/object:os.system x"}}, r"training\.threads is '!!python/"),
    ({"epochs": float("nan")}, r"line .*: epochs is nan: expected a whole number"),
    ({"seeds": {1: 2}}, r"line .*: seeds is {'1': 2}: expected a list"),
]


@pytest.mark.parametrize(("changes", "message"), CHANGES)
def test_a_wrong_change_on_the_command_line(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_config([BASE_FILE], changes)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=5,
)
PLACES = [(key,) for key in BASE] + [
    *(("data", "split"), ("data", "seed"), ("training", "threads"), ("architecture", "filters")),
    *(("variants", "max_pool_2"), ("variants", "max_pool_2", "pool_size"), ("tables", "table_2")),
    *(("tables", "table_2", "rows"), ("sets", "paper"), ("figures", "figure_08", "curves")),
]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(PLACES), ANYTHING)
def test_whatever_a_key_holds_it_is_valid_or_one_message(
    place: tuple[str, ...], value: Any
) -> None:
    overlay = value
    for key in reversed(place):
        overlay = {key: overlay}
    try:
        checked(BASE, overlay)
    except UserError as error:
        assert str(error).startswith("the configuration is not valid\n  ")
        assert ".yaml: " in str(error)


YAML_LIKE = st.text("{}[]:,-&*!?#|>'\"\n\t %@`ab1.~<=", max_size=60).map(str.encode)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(content=st.binary(max_size=60) | YAML_LIKE)
def test_whatever_a_file_holds_it_is_keys_or_one_message(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_bytes(content)
    try:
        values = read_config(file)
    except UserError as error:
        assert str(error).startswith(str(file))
    else:
        json.dumps(values)


@pytest.mark.parametrize("cls", [Variant, TrainingSettings, DataSettings])
@settings(max_examples=100, deadline=None)
@given(text=st.text(max_size=40) | ANYTHING.map(json.dumps))
def test_whatever_json_a_script_gets_it_runs_or_one_message(cls: type, text: str) -> None:
    try:
        parse(cls, text, "--option")
    except UserError as error:
        assert str(error).startswith(("--option: ", "variant "))
