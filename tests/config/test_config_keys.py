"""Wrong keys and values: an error names the file, the key and the remedy."""

from pathlib import Path

import pytest

from configurations import BASE, BASE_FILE, checked, edited
from convnets.config.checks import load_config
from convnets.core.errors import UserError

WRONG = [
    # An overlay, and what is said of it after its name. Keys and files
    ("epoch: 3", "epoch is not a key here; did you mean 'epochs'?"),
    ("data: {split: {trian: 1}}", "data.split.trian is not a key here; did you mean 'train'?"),
    ("architecture: {kernel: 3}", "architecture.kernel is not a key here; did you mean 'kernel_"),
    ("architecture: {id: a}", "architecture.id is not a key here"),
    ("variants: {max_pool_2: {pool_siez: 2}}", "variants.max_pool_2.pool_siez is not a key here;"),
    ("variants: {max_pool_2: {image_kind: {}}}", "variants.max_pool_2.image_kind is not a key"),
    ("variants: {a: {training: {optimiser: sgd}}}", "variants.a.training.optimiser is not a key"),
    ("tables: {table_2: {colums: []}}", "tables.table_2.colums is not a key here; did you mean"),
    ("variants: {new: {}}", "variants.new.method is missing: choose one of fully_connected,"),
    ("tables: {new: {title: a}}", "tables.new.header is missing"),
    ("epochs:", "epochs is empty: expected a whole number"),
    ("data:", "data is empty: expected keys with values"),
    ("training: sgd", "training is 'sgd': expected keys with values"),
    ("variants: {max_pool_2: {training: sgd}}", "variants.max_pool_2.training is 'sgd': expected"),
    ("tables: []", "tables is []: expected keys with values"),
    # Numbers
    ("epochs: 0", "epochs is 0: expected 1 or more"),
    ("epochs: many", "epochs is 'many': expected a whole number"),
    ("epochs: true", "epochs is true: expected a whole number"),
    ("epochs: 2.5", "epochs is 2.5: expected a whole number"),
    ("epochs: .nan", "epochs is nan: expected"),
    ("epochs: 99999999999", "epochs is 99999999999: expected at most 1000000"),
    ("subset: 1.5", "subset is 1.5: expected at most 1"),
    ("subset: 0", "subset is 0: expected more than 0"),
    ("subset: .nan", "subset is nan: expected a finite number"),
    ("subset: .inf", "subset is inf: expected a finite number"),
    ("runs_per_gpu: 0", "runs_per_gpu is 0: expected 1 or more"),
    ("seeds: 3", "seeds is 3: expected a list"),
    ("seeds: []", "seeds is []: expected at least 1 of them"),
    ("seeds: [1, 1]", "seeds is [1, 1]: expected each only once"),
    ("seeds: [0, -1]", "seeds.1 is -1: expected 0 or more"),
    ("seeds: [true]", "seeds.0 is true: expected a whole number"),
    ("seeds: [4294967296]", "seeds.0 is 4294967296: expected less than 4294967296"),
    ("data: {seed: -1}", "data.seed is -1: expected 0 or more"),
    ("tables: {table_2: {seeds: []}}", "tables.table_2.seeds is []: expected at least 1"),
    ("training: {threads: 0}", "training.threads is 0: expected 1 or more"),
    ("training: {threads: 1000}", "training.threads is 1000: expected at most 256"),
    ("training: {batch_size: -5}", "training.batch_size is -5: expected 1 or more"),
    ("training: {learning_rate: 0}", "training.learning_rate is 0: expected more than 0"),
    ("training: {learning_rate: .inf}", "training.learning_rate is inf: expected a finite"),
    ("training: {weight_decay: -1e-5}", "training.weight_decay is -1e-05: expected 0 or more"),
    ("training: {patience: 0}", "training.patience is 0: expected 1 or more"),
    ("training: {optimizer: adm}", "training.optimizer is 'adm': expected 'adam' or 'sgd'"),
    ("variants: {a: {training: {patience: -1}}}", "variants.a.training.patience is -1: expected"),
    # Data
    ("data: {source: nits}", "data.source is 'nits': expected 'nist', 'archive'"),
    ("data: {nist: {sha256: abc}}", "data.nist.sha256 is 'abc': expected 64 hexadecimal digits"),
    ("data: {nist: {urls: []}}", "data.nist.urls is []: expected at least 1 of them"),
    ("data: {nist: {urls: [nist.gov]}}", "data.nist.urls.0 is 'nist.gov': expected an address"),
    ('data: {archive: {path: "{x}.zip"}}', "data.archive.path is '{x}.zip': expected a path"),
    ("data: {split: {train: 112801}}", "data.split.train is 112801, but source nist leaves 112800"),
    ("data: {split: {test: 18801}}", "data.split.test is 18801, but source nist leaves 18800"),
    ("data: {split: {validation: 15801}}", "data.split.validation is 15801, but source nist"),
    ("data: {split: {test: 46}}", "data.split.test is 46, which leaves 46 test images for 47 cl"),
    ("subset: 0.002", "subset is 0.002, which leaves 32 test images for 47 classes"),
    # Names and texts
    ("run_name: a/b", "run_name is 'a/b': expected a name for files"),
    ("run_name: machine", "run_name is 'machine', the folder of the measurements that all runs"),
    ("run_name: published", "run_name is 'published', the folder of the committed results"),
    ("run_name: 2024", "run_name is 2024: expected text (in quotes"),
    (f"run_name: {'a' * 101}", f"run_name is '{'a' * 79}...: expected at most 100 characters"),
    ("results_folder: $NOWHERE/x", "results_folder is '$NOWHERE/x': no such variable is set"),
    ("results_folder: 'a{b}'", "results_folder is 'a{b}': expected a path without braces"),
    ("variants: {a b: {method: stride}}", "variants.a b is 'a b': expected a name for files"),
    ("variants: {'{a}': {method: stride}}", "variants.{a} is '{a}': expected a name for files"),
    (
        f"figures: {{figure_06: {BASE['figures']['figure_09']}}}",
        "figures.figure_06 is the name of a fig",
    ),
    (f"figures: {{figure_01_animated: {BASE['figures']['figure_09']}}}", "figures.figure_01_anim"),
    (
        'tables: {table_1: {title: "a\\nb"}}',
        "tables.table_1.title is 'a\\nb': expected one line of",
    ),
    ("tables: {table_1: {title: ''}}", "tables.table_1.title is '': expected text"),
    ("figures: {figure_08: {x: time}}", "figures.figure_08.x is 'time': expected 'epoch' or 'sec"),
    (
        'figures: {figure_08: {title: "a\\e[1m"}}',
        "figures.figure_08.title is 'a\\x1b[1m': expected",
    ),
    # Names that mean something else
    ("run_name: Machine", "run_name is 'Machine', the folder of the measurements that all runs"),
    ("variants: {data: {method: stride}}", "variants.data is a word with a meaning in `replace`"),
    ("sets: {'a b': [table_1]}", "sets.a b is 'a b': expected a name for files"),
    ("'': 3", "'' is not a key here"),
    *(
        (f"figures: {{{name}: {BASE['figures']['figure_09']}}}", f"figures.{name} is the name of")
        for name in ("columns_back_animated", "analysis_mine", "table_1")
    ),
    # Characters that are not seen, or none
    *(
        (f'tables: {{table_1: {{title: "a{c}b"}}}}', "tables.table_1.title is 'a")
        for c in (r"\u202e", r"\u200b", r"\u200e", r"\u2066", r"\ufeff", r"\ufffe", r"\u0085")
    ),
    # Sizes
    (f"results_folder: {'a' * 300}", f"results_folder is '{'a' * 79}...: File name too long"),
    (f"results_folder: {'a/' * 3000}", "results_folder is 'a/a/a/"),
    ("results_folder: -x", "results_folder is '-x': expected a path without braces"),
    (
        "data: {source: archive, archive: {path: '-x'}}",
        "data.archive.path is '-x': expected a path",
    ),
    (f"seeds: {list(range(1001))}", "seeds is [0, 1, 2"),
    (f"epochs: {'9' * 4000}", f"epochs is {'9' * 80}...: expected at most 1000000"),
    (f"subset: {'9' * 4000}", f"subset is {'9' * 80}...: expected a finite number"),
    ("tables: {table_3: {best: true}}", "tables.table_3.best is true: expected a whole number"),
    ("data: {source: glyphs}", "data.source is 'glyphs', which leaves 12000 images for data.sp"),
    # Tables, figures and sets
    ("experiments: []", "experiments is []: expected at least 1 of them"),
    ("experiments: [tabel_1]", "experiments names 'tabel_1': there is no such name; did you mean"),
    ("experiments: papr", "experiments names 'papr': there is no such name; did you mean 'paper'?"),
    ("sets: {mine: []}", "sets.mine is []: expected at least 1 of them"),
    ("sets: {mine: [tabel_1]}", "sets.mine names 'tabel_1': there is no such name; did you mean"),
    ("sets: {table_1: [table_2]}", "sets.table_1 is the name of a table too: choose another"),
    ("replace: max_pol_2", "replace names 'max_pol_2': there is no such name; did you mean 'max_p"),
    ("replace: [max_pool_2/seed_7]", "replace names 'max_pool_2/seed_7': there is no such name"),
    ("tables: {table_2: {published: 6}}", "tables.table_2.published is 6: expected at most 5"),
    ("tables: {table_2: {rows: []}}", "tables.table_2.rows is []: expected at least 1 of them"),
    ("tables: {table_2: {columns: []}}", "tables.table_2.columns is []: expected at least 1"),
    ("tables: {table_4: {header: [A, A]}}", "tables.table_4.header is ['A', 'A']: expected each"),
    (
        "tables: {table_2: {columns: [parameters, parameters]}}",
        "tables.table_2.columns is ['parameters', 'parameters']: expected each only once",
    ),
    (
        "tables: {table_2: {rows: [{label: [a], variants: [stride_5]}]}}",
        "tables.table_2.rows.0.variants names 'stride_5': there is no such name; did you mean 'str",
    ),
    (
        "tables: {table_2: {rows: [{label: [a], variants: [stride_2, stride_3]}]}}",
        "tables.table_2.rows.0.variants needs exactly one variant; for several set `best`",
    ),
    (
        "tables: {table_2: {rows: [{label: [a, b], variants: [stride_2]}]}}",
        "tables.table_2.rows.0.label has 2 texts for 1 headings",
    ),
    (
        "tables: {table_2: {rows: [{label: [a], variants: []}]}}",
        "tables.table_2.rows.0.variants is []: expected at least 1 of them",
    ),
    (
        "figures: {figure_08: {curves: [{label: a, variants: [fc]}]}}",
        "figures.figure_08.curves.0.variants names 'fc': there is no such name",
    ),
    ("figures: {figure_08: {curves: []}}", "figures.figure_08.curves is []: expected at least 1"),
    (
        "figures: {figure_08: {curves: [{label: a, variants: [stride_2]}, "
        "{label: a, variants: [stride_3]}]}}",
        "figures.figure_08.curves.1.label is 'a' again: label each curve differently",
    ),
    # Architectures
    ("architecture: {filters: many}", "architecture.filters is 'many': expected a whole number or"),
    ("architecture: {filters: [1, 0, 1, 1]}", "architecture.filters.1 is 0: expected 1 or more"),
    ("architecture: {num_layers: 1000000}", "architecture.num_layers is 1000000: expected at most"),
    ("architecture: {padding: -1}", "architecture.padding is -1: expected 0 or more"),
    ("variants: {a: {method: conv}}", "variants.a.method is 'conv': expected 'fully_connected', "),
    (
        "variants: {a: {method: no_pooling, pool_size: 3}}",
        "variants.a.pool_size has no effect on method no_pooling: remove it",
    ),
    (
        "variants: {a: {method: fully_connected, kernel_size: 3}}",
        "variants.a.kernel_size has no effect on method fully_connected: remove it",
    ),
    (
        "variants: {a: {method: dilation, dilation: 9}}",
        "variants.a.dilation is 9: at layer 2 of 4 a window of 19 pixels does not fit",
    ),
    (
        "variants: {a: {method: stride, stride: [2, 2]}}",
        "variants.a.stride is [2, 2]: stride has 2 values, expected one or 4",
    ),
    (
        "variants: {a: {method: max_pool, pool_size: 2, pool_padding: 2}}",
        "variants.a.pool_padding is 2: pool_padding is 2 with pool_size 2, expected at most half",
    ),
    (
        "architecture: {num_layers: 6}",
        "architecture.num_layers is 6, which makes variant dilation_plus1 impossible: dilation has "
        "4 values, expected one or 6 (and 12 more variants are impossible)",
    ),
]


@pytest.mark.parametrize(("text", "message"), WRONG, ids=[text[:60] for text, _ in WRONG])
def test_an_error_names_file_key_and_remedy(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(UserError) as caught:
        load_config([BASE_FILE, file], {})
    first, line, *others = str(caught.value).splitlines()
    assert first == "the configuration is not valid"
    assert line.startswith(f"  {file}: {message}")
    assert all("missing" in other for other in others)


def test_the_file_named_is_the_one_that_sets_the_key(tmp_path: Path) -> None:
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text("training: {threads: 0}\nseeds: [0, 1]\n")
    second.write_text("training: {batch_size: 50}\nepochs: 3\n")
    with pytest.raises(UserError, match=r"\n  .*first\.yaml: training\.threads is 0: [^\n]*$"):
        load_config([BASE_FILE, first, second], {})
    with pytest.raises(UserError, match=r"\n  command line .*: training\.threads is 999: [^\n]*$"):
        load_config([BASE_FILE, first, second], {"training": {"threads": "999"}})
    with pytest.raises(UserError, match=r"1\.yaml: variants\.stride_2\.padding is 0: at layer"):
        checked(BASE, {"variants": {"stride_2": {"padding": 0, "stride": 20}}})
    shallow = {"architecture": {"num_layers": 3}, "experiments": "table_2"}
    with pytest.raises(UserError, match=r"\n  2\.yaml: variants\.mine is impossible: dilation"):
        checked(BASE, shallow, {"variants": {"mine": {"method": "dilation"}}})
    assert load_config([BASE_FILE, second], {"seeds": ["4", "5"]}).seeds == (4, 5)


def test_a_missing_key_is_one_of_the_first_file() -> None:
    with pytest.raises(UserError, match=r"\n  0\.yaml: epochs is missing$"):
        checked(edited(lambda v: v.pop("epochs")), {"seeds": [1]})


def test_all_errors_are_told_at_once() -> None:
    with pytest.raises(UserError, match=r"(?s)subset is 0.*seeds is \[\]"):
        checked(edited(lambda v: v.update(subset=0, seeds=[])))


def test_a_shared_setting_may_make_unused_variants_impossible() -> None:
    used = {"experiments": ["table_2"]}
    checked(BASE, used | {"architecture": {"num_layers": 3}})
    with pytest.raises(UserError, match=r"1\.yaml: architecture.num_layers is 3, which makes"):
        checked(BASE, {"architecture": {"num_layers": 3}})


def test_files_to_read_and_the_folder_to_write(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"data\.archive\.path leads to none\.zip: there is no such"
    ):
        load_config([BASE_FILE], {"data": {"source": "archive", "archive": {"path": "none.zip"}}})
    with pytest.raises(
        UserError, match=r"data\.npz\.folder leads to x/emnist-train\.npz: there is"
    ):
        load_config([BASE_FILE], {"data": {"source": "npz", "npz": {"folder": "x"}}})
    with pytest.raises(UserError, match=r"results_folder is .*README\.md is not a writable folder"):
        load_config([BASE_FILE], {"results_folder": "README.md/results"})
