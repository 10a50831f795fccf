"""Valid configurations: variants, runs, figures and settings that follow from them."""

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from configurations import BASE, BASE_FILE, checked, edited
from convnets.config.checks import validate
from convnets.config.overlays import read_layers
from convnets.config.schema import ANALYSIS_FIGURES
from convnets.config.settings import DataSettings, parse, to_json
from convnets.core.errors import UserError

SMALL = {"train": 470, "validation": 94, "test": 94}


def test_a_variant_and_a_table_of_ones_own_in_yaml_alone() -> None:
    def add(values: dict[str, Any]) -> None:
        values["variants"]["dilation_const3"] = {"method": "dilation", "dilation": 3}
        row = {"label": ["3"], "variants": ["dilation_const3"]}
        values["tables"]["mine"] = {
            "title": "Mine",
            "header": ["Dilation"],
            "columns": ["test_accuracy", "parameters"],
            "rows": [row],
        }
        values["experiments"] = ["mine"]

    config = checked(edited(add))
    assert config.variant_ids == ("dilation_const3",)
    assert config.variant("dilation_const3").sizes == (28, 24, 20, 16, 12)
    assert config.figure_names == ()
    alone = set(ANALYSIS_FIGURES) - {"analysis_agreement"}
    assert set(config.analysis_figures) == alone


def test_analyses_are_made_of_the_runs_that_there_are() -> None:
    assert checked(edited(lambda v: None)).analysis_figures == ANALYSIS_FIGURES

    def change(values: dict[str, Any]) -> None:
        row = {"label": ["FC"], "variants": ["fully_connected"]}
        values["tables"]["mine"] = values["tables"]["table_2"] | {"rows": [row], "seeds": [0, 1]}
        values["experiments"] = ["mine"]

    without = set(ANALYSIS_FIGURES) - {"analysis_receptive_fields"}
    assert set(checked(edited(change)).analysis_figures) == without


def test_analyses_leave_out_other_sets_beside_the_paper() -> None:
    paper = checked(edited(lambda v: None))
    both = checked(edited(lambda v: v.update(experiments=["paper", "readings"])))
    assert both.analysed_variants == paper.variant_ids == paper.analysed_variants
    alone = checked(edited(lambda v: v.update(experiments="readings")))
    assert alone.analysed_variants == alone.variant_ids


def test_experiments_choose_the_variants_and_figures() -> None:
    config = checked(edited(lambda v: v.update(experiments=["table_1", "table_2"])))
    assert set(config.variant_ids) == {
        *("fully_connected", "no_pooling", "dilation_plus2", "max_pool_2", "avg_pool_2"),
        *("stride_2", "stride_3", "stride_4"),
    }
    assert config.figure_names == ("figure_08",)


def test_experiments_are_tables_and_sets_in_a_list_or_alone() -> None:
    def tables(experiments: object) -> tuple[str, ...]:
        return checked(edited(lambda v: v.update(experiments=experiments))).table_names

    paper = tuple(f"table_{number}" for number in range(1, 6))
    assert tables("paper") == tables(["table_1", "paper"]) == paper
    assert tables("table_2") == ("table_2",)
    assert tables(["table_2", "paper"])[:2] == ("table_2", "table_1")


def test_the_paper_is_the_default_and_no_variant_of_the_other_sets_runs_then() -> None:
    config = checked(BASE)
    assert len(config.runs) == 34
    everything = checked(edited(lambda v: v.update(experiments=list(v["sets"]))))
    used = {id for name in ("other_images",) for id in config.tables[name].variants}
    assert {*everything.variant_ids, *used} == set(config.variants)


def test_a_variant_can_be_trained_otherwise_than_the_others() -> None:
    config = checked(edited(lambda v: v["training"].update(batch_size=50)))
    sgd, adam = config.training_of("stride_2_sgd"), config.training_of("stride_2")
    assert (sgd.optimizer, sgd.learning_rate, sgd.batch_size) == ("sgd", 0.1, 50)
    assert adam == config.training
    assert "training" not in config.variant("stride_2_sgd").specification()


def test_committed_overlays_are_valid() -> None:
    data = ("claims.yaml", "readings.yaml")
    overlays = [file for file in Path("config").glob("*.yaml") if file.name not in data]
    assert len(overlays) > 2
    for overlay in overlays:
        validate(read_layers([BASE_FILE, overlay], {}))
        assert overlay.read_text().startswith("# yaml-language-server: $schema=schema.json\n")


def test_settings_survive_the_command_line() -> None:
    config = checked(BASE)
    assert parse(DataSettings, to_json(config.data.used()), "it") == config.data


def test_settings_of_other_sources_do_not_matter() -> None:
    glyphs = edited(lambda v: v["data"].update(source="glyphs", split=SMALL))
    other = copy.deepcopy(glyphs)
    other["data"]["nist"] = {"urls": ["https://example.org/gzip.zip"]}
    first, second = (checked(values) for values in (glyphs, other))
    assert first.data != second.data
    assert to_json(first.data.used()) == to_json(second.data.used())


def test_an_unknown_key_on_the_command_line_of_a_script() -> None:
    with pytest.raises(UserError, match="--settings: sourc is not a key here"):
        parse(DataSettings, '{"sourc": "nist"}', "--settings")


def test_readme_and_schema_of_the_configuration_are_up_to_date() -> None:
    command = [sys.executable, "-m", "tools.document_config", "--check"]
    assert subprocess.run(command, check=False).returncode == 0


def test_a_variant_runs_with_the_seeds_of_all_its_tables() -> None:
    values = edited(lambda v: v.update(seeds=[4], experiments=["table_1", "table_2"]))
    values["tables"]["table_1"]["seeds"] = [0, 1]
    runs = checked(values).runs
    seeds = {variant: [seed for name, seed in runs if name == variant] for variant, _ in runs}
    assert seeds["no_pooling"] == [0, 1]
    assert seeds["stride_3"] == [4]
    assert seeds["stride_2"] == [0, 1, 4]
    values["variants"]["stride_2"]["seeds"] = [7]
    changed = checked(values)
    assert [seed for name, seed in changed.runs if name == "stride_2"] == [7]
    assert changed.variant("stride_2") == checked(BASE).variant("stride_2")
