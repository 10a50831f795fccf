"""The configuration: what is accepted, and what an error tells the user."""

import copy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from convnets.config.schema import ANALYSIS_FIGURES, load_config
from convnets.config.settings import DataSettings, from_json, to_json
from convnets.core.errors import UserError

BASE_FILE = Path("config/config.yaml")
BASE = yaml.safe_load(BASE_FILE.read_text())
Edit = Callable[[dict[str, Any]], object]


def edited(edit: Edit) -> dict[str, Any]:
    values = copy.deepcopy(BASE)
    edit(values)
    return values


WRONG: list[tuple[Edit, str]] = [
    (lambda v: v.update(epoch=3), "epoch is not a key here; did you mean 'epochs'?"),
    (lambda v: v.pop("epochs"), "epochs is missing"),
    (lambda v: v.update(epochs=0), "epochs is 0: expected more than 0"),
    (lambda v: v.update(epochs="many"), "epochs is 'many'"),
    (lambda v: v.update(subset=1.5), "subset is 1.5: expected more than 0 and at most 1"),
    (lambda v: v.update(seeds=[1, 1]), "seeds is [1, 1]"),
    (lambda v: v["tables"]["table_2"].update(seeds=[]), "tables.table_2.seeds is []: expected one"),
    (lambda v: v.update(results_folder="$NOWHERE/x"), "results_folder is '$NOWHERE/x': no such"),
    (
        lambda v: v["figures"].update(figure_06=v["figures"]["figure_08"]),
        "figures.figure_06 is drawn in any case: choose another name",
    ),
    (
        lambda v: v["figures"].update(analysis_curves=v["figures"]["figure_08"]),
        "figures.analysis_curves is drawn in any case: choose another name",
    ),
    (lambda v: v.update(run_name="a/b"), "run_name is no name for a folder"),
    (lambda v: v.update(run_name="machine"), "run_name is 'machine', the folder of what all"),
    (lambda v: v.update(experiments=["tabel_1"]), "no such table or set; did you mean 'table_1'?"),
    (lambda v: v.update(experiments="papr"), "experiments names 'papr': no such table or set; did"),
    (lambda v: v["sets"].update(mine=["tabel_1"]), "sets.mine names 'tabel_1': no such table; did"),
    (lambda v: v["sets"].update(table_1=[]), "sets.table_1 is the name of a table too"),
    (
        lambda v: v["variants"]["max_pool_2"].update(training={"optimiser": "sgd"}),
        "variants.max_pool_2.training.optimiser is not a key here; did you mean 'optimizer'?",
    ),
    (
        lambda v: v["variants"]["max_pool_2"].update(training={"learning_rate": -1}),
        "variants.max_pool_2.training.learning_rate is -1.0: expected more than 0",
    ),
    (
        lambda v: v["variants"]["max_pool_2"].update(training="sgd"),
        "variants.max_pool_2.training is 'sgd'",
    ),
    (
        lambda v: v["variants"]["max_pool_2"].update(image_kind={}),
        "variants.max_pool_2.image_kind is not a key here",
    ),
    (
        lambda v: v["variants"]["max_pool_2"].update(seeds=3),
        "variants.max_pool_2.seeds is 3: expected one or more different numbers from 0",
    ),
    (
        lambda v: v["variants"]["max_pool_2"].update(seeds=[2, 2]),
        "variants.max_pool_2.seeds is [2, 2]: expected one or more",
    ),
    (lambda v: v["data"].update(source="nits"), "data.source is 'nits'"),
    (lambda v: v["data"]["split"].update(trian=1), "data.split.trian is not a key here; did you"),
    (lambda v: v["training"].update(optimizer="adm"), "training.optimizer is 'adm'"),
    (lambda v: v["architecture"].update(kernel=3), "architecture.kernel is not a key here; did"),
    (
        lambda v: v["architecture"].update(filters="many"),
        "architecture.filters is 'many': expected a whole number or a list of them",
    ),
    (
        lambda v: v["variants"]["max_pool_2"].update(pool_siez=2),
        "variants.max_pool_2.pool_siez is not a key here; did you mean 'pool_size'?",
    ),
    (lambda v: v["variants"].update(new={}), "variants.new.method is missing"),
    (
        lambda v: v["variants"].update(new={"method": "dilation", "dilation": 9}),
        "variants.new is impossible: variant new: at layer 2 of 4 a window of 19 pixels",
    ),
    (
        lambda v: v["tables"]["table_2"]["rows"][0].update(variants=["stride_5"]),
        "tables.table_2.rows.0.variants names 'stride_5': no such variant; did you mean 'stride_",
    ),
    (
        lambda v: v["tables"]["table_2"]["rows"][0].update(variants=["stride_2", "stride_3"]),
        "tables.table_2.rows.0.variants needs exactly one variant",
    ),
    (
        lambda v: v["tables"]["table_2"]["rows"][0].update(label=["2", "3"]),
        "tables.table_2.rows.0.label has 2 texts for 1 headings",
    ),
    (
        lambda v: v["figures"]["figure_08"]["curves"][0].update(variants=["fc"]),
        "figures.figure_08.curves.0.variants names 'fc': no such variant",
    ),
    (lambda v: v["training"].update(patience=0), "training.patience is 0: expected 1 or more"),
    (
        lambda v: v["variants"]["max_pool_2"].update(training={"patience": -1}),
        "variants.max_pool_2.training.patience is -1: expected 1 or more",
    ),
    (
        lambda v: v.update(replace="max_pol_2"),
        "replace names 'max_pol_2': no such result; did you mean 'max_pool_2'?",
    ),
    (lambda v: v.update(replace=["max_pool_2/seed_7"]), "replace names 'max_pool_2/seed_7'"),
]


@pytest.mark.parametrize(("edit", "message"), WRONG, ids=[message for _, message in WRONG])
def test_an_error_names_file_key_and_remedy(edit: Edit, message: str, tmp_path: Path) -> None:
    values = edited(edit)
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(values))
    with pytest.raises(UserError) as caught:
        load_config(values, [file])
    assert message in str(caught.value)
    assert str(file) in str(caught.value)


def test_the_file_named_is_the_one_with_the_wrong_value(tmp_path: Path) -> None:
    overlay = tmp_path / "mine.yaml"
    overlay.write_text("training: {threads: 0}\n")
    values = edited(lambda v: v["training"].update(threads=0))
    with pytest.raises(UserError, match=r"mine\.yaml: training\.threads is 0"):
        load_config(values, [BASE_FILE, overlay])
    with pytest.raises(UserError, match=r"command line .*: training\.threads is 0"):
        load_config(values, [BASE_FILE])


def test_all_errors_are_told_at_once() -> None:
    values = edited(lambda v: v.update(subset=0, seeds=[]))
    with pytest.raises(UserError, match=r"(?s)subset is 0.*seeds is \[\]"):
        load_config(values, [BASE_FILE])


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

    config = load_config(edited(add), [BASE_FILE])
    assert config.variant_ids == ("dilation_const3",)
    assert config.variant("dilation_const3").sizes == (28, 24, 20, 16, 12)
    assert config.figure_names == ()
    alone = set(ANALYSIS_FIGURES) - {"analysis_agreement"}
    assert set(config.analysis_figures) == alone


def test_analyses_are_made_of_the_runs_that_there_are() -> None:
    assert load_config(edited(lambda v: None), []).analysis_figures == ANALYSIS_FIGURES

    def change(values: dict[str, Any]) -> None:
        row = {"label": ["FC"], "variants": ["fully_connected"]}
        values["tables"]["mine"] = values["tables"]["table_2"] | {"rows": [row], "seeds": [0, 1]}
        values["experiments"] = ["mine"]

    without = set(ANALYSIS_FIGURES) - {"analysis_receptive_fields"}
    assert set(load_config(edited(change), []).analysis_figures) == without


def test_analyses_leave_out_other_sets_beside_the_paper() -> None:
    paper = load_config(edited(lambda v: None), [])
    both = load_config(edited(lambda v: v.update(experiments=["paper", "readings"])), [])
    assert both.analysed_variants == paper.variant_ids == paper.analysed_variants
    alone = load_config(edited(lambda v: v.update(experiments="readings")), [])
    assert alone.analysed_variants == alone.variant_ids


def test_experiments_choose_the_variants_and_figures() -> None:
    config = load_config(edited(lambda v: v.update(experiments=["table_1", "table_2"])), [])
    assert set(config.variant_ids) == {
        *("fully_connected", "no_pooling", "dilation_plus2", "max_pool_2", "avg_pool_2"),
        *("stride_2", "stride_3", "stride_4"),
    }
    assert config.figure_names == ("figure_08",)


def test_experiments_are_tables_and_sets_in_a_list_or_alone() -> None:
    def tables(experiments: object) -> tuple[str, ...]:
        return load_config(edited(lambda v: v.update(experiments=experiments)), []).table_names

    paper = tuple(f"table_{number}" for number in range(1, 6))
    assert tables("paper") == tables(["table_1", "paper"]) == paper
    assert tables("table_2") == ("table_2",)
    assert tables(["table_2", "paper"])[:2] == ("table_2", "table_1")


def test_the_paper_is_the_default_and_no_variant_of_the_other_sets_runs_then() -> None:
    config = load_config(BASE, [BASE_FILE])
    assert len(config.runs) == 34
    everything = load_config(edited(lambda v: v.update(experiments=list(v["sets"]))), [])
    used = {id for name in ("other_images",) for id in config.tables[name].variants}
    assert {*everything.variant_ids, *used} == set(config.variants)


def test_a_variant_can_be_trained_otherwise_than_the_others() -> None:
    config = load_config(edited(lambda v: v["training"].update(batch_size=50)), [])
    sgd, adam = config.training_of("stride_2_sgd"), config.training_of("stride_2")
    assert (sgd.optimizer, sgd.learning_rate, sgd.batch_size) == ("sgd", 0.1, 50)
    assert adam == config.training
    assert "training" not in config.variant("stride_2_sgd").specification()


def test_committed_overlays_are_valid() -> None:
    data = ("claims.yaml", "readings.yaml")
    overlays = [file for file in Path("config").glob("*.yaml") if file.name not in data]
    assert len(overlays) > 2
    for overlay in overlays:
        values = copy.deepcopy(BASE)
        _update(values, yaml.safe_load(overlay.read_text()))
        load_config(values, [BASE_FILE, overlay])


def _update(values: dict[str, Any], changes: dict[str, Any]) -> None:
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(values.get(key), dict):
            _update(values[key], value)
        else:
            values[key] = value


def test_settings_survive_the_command_line() -> None:
    config = load_config(BASE, [BASE_FILE])
    assert from_json(DataSettings, to_json(config.data.used())) == config.data


def test_settings_of_other_sources_do_not_matter() -> None:
    glyphs = edited(lambda v: v["data"].update(source="glyphs"))
    other = copy.deepcopy(glyphs)
    other["data"]["nist"] = {"urls": ["https://example.org/gzip.zip"]}
    first, second = (load_config(values, []) for values in (glyphs, other))
    assert first.data != second.data
    assert to_json(first.data.used()) == to_json(second.data.used())


def test_an_unknown_key_on_the_command_line_of_a_script() -> None:
    with pytest.raises(UserError, match="DataSettings has no key 'sourc'"):
        from_json(DataSettings, '{"sourc": "nist"}')


def test_config_readme_is_up_to_date() -> None:
    command = [sys.executable, "scripts/document_config.py", "--check", "config/README.md"]
    assert subprocess.run(command, check=False).returncode == 0


def test_a_variant_runs_with_the_seeds_of_all_its_tables() -> None:
    values = edited(lambda v: v.update(seeds=[4], experiments=["table_1", "table_2"]))
    values["tables"]["table_1"]["seeds"] = [0, 1]
    runs = load_config(values, [BASE_FILE]).runs
    seeds = {variant: [seed for name, seed in runs if name == variant] for variant, _ in runs}
    assert seeds["no_pooling"] == [0, 1]
    assert seeds["stride_3"] == [4]
    assert seeds["stride_2"] == [0, 1, 4]
    values["variants"]["stride_2"]["seeds"] = [7]
    changed = load_config(values, [BASE_FILE])
    assert [seed for name, seed in changed.runs if name == "stride_2"] == [7]
    assert changed.variant("stride_2") == load_config(BASE, [BASE_FILE]).variant("stride_2")
