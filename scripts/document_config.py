"""Write config/README.md and config/schema.json from the settings, or check them."""

import argparse
import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from convnets.architectures.variant import Variant
from convnets.config.checks import CONFIG, schema
from convnets.core.errors import UserError, run_script
from convnets.core.files import write_text

README, SCHEMA = Path("config/README.md"), Path("config/schema.json")
INTRODUCTION = """\
# The configuration

<!-- Made by `python scripts/document_config.py`; edit the docstrings. -->

`config.yaml` is the paper. Overlays change single keys and come after it:

```
snakemake --cores 4 --configfile config/demo.yaml           an overlay
snakemake --cores 4 --config run_name=try epochs=3          single keys
snakemake --cores 4 --config run_name=try experiments=table_2
```

Everything is validated before any job starts; an unknown key or an impossible shape is an
error that names file, key and remedy. Editors complete and check keys with `schema.json`, which
the first line of each file names.

| file | what it is |
|---|---|
{files}
"""
FILES = {
    "config.yaml": "the paper: 34 variants, 100 epochs, official EMNIST Balanced",
    "demo.yaml": "all variants, tables and figures in minutes on synthetic characters",
    "reference.yaml": "the reference results: real images from a local archive, early stopping",
    "balanced_style.yaml": "all variants on real images from a local archive, at a reduced size",
    "kmnist.yaml": "max+average pooling and higher dilations on KMNIST",
    "fashion_mnist.yaml": "the same on Fashion-MNIST",
    "cifar10.yaml": "the same on CIFAR-10",
    "schema.json": "the JSON schema of these files, for editors",
    "published_values.csv": "every number of the paper's five tables",
    "claims.yaml": "what the paper concludes, as data, with the test that judges each claim",
    "readings.yaml": "where the paper is silent or contradicts itself: what was chosen, and why",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 if different")
    check = parser.parse_args().check
    texts = {README: document(), SCHEMA: json.dumps(schema(), indent=1) + "\n"}
    for file, text in texts.items():
        if not check:
            write_text(file, text)
        elif not file.exists() or file.read_text(encoding="utf-8") != text:
            raise UserError(f"{file} is out of date: run scripts/document_config.py")


def document() -> str:
    """The whole README, in Markdown."""
    files = "\n".join(f"| `{name}` | {text} |" for name, text in FILES.items())
    config = CONFIG.json_schema()
    variant = TypeAdapter(Variant).json_schema()
    sections = [section("", config)]
    for name, of in SECTIONS.items():
        sections.append(section(name, variant if of == "Variant" else config["$defs"][of]))
    return INTRODUCTION.format(files=files) + "\n" + "\n".join(sections)


VARIANT = "architecture` and `variants.ID"
SECTIONS = {
    "data": "DataSettings",
    "data.split": "SplitSettings",
    "data.nist": "NistSettings",
    "data.archive": "ArchiveSettings",
    "data.npz": "NpzSettings",
    "data.glyphs": "GlyphSettings",
    "data.torchvision": "TorchvisionSettings",
    "training": "TrainingSettings",
    VARIANT: "Variant",
    "tables.NAME": "Table",
    "tables.NAME.rows": "Row",
    "figures.NAME": "Figure",
    "figures.NAME.curves": "Curve",
}


def section(name: str, node: dict[str, Any]) -> str:
    """One part of the configuration: its description and a row for each key."""
    required = set(node.get("required", ()))
    rows = [
        f"| `{key}` | {kind(item)} | {default(item, key in required, not name)} "
        f"| {flat(item.get('description', ''))} |"
        for key, item in node["properties"].items()
        if name != VARIANT or key not in ("id", "image_kind")
    ]
    table = "\n".join(["| key | value | default | meaning |", "|---|---|---|---|", *rows])
    heading = f"`{name}`" if name else "Top level"
    return f"## {heading}\n\n{flat(node['description'])}\n\n{table}\n"


def kind(item: dict[str, Any]) -> str:
    """What values a key takes, in words."""
    if "enum" in item:
        return ", ".join(f"`{value}`" for value in item["enum"])
    if choices := item.get("anyOf") or item.get("oneOf"):
        return " or ".join(dict.fromkeys(kind(choice) for choice in choices))
    if "$ref" in item or item["type"] == "object":
        return "see below"
    if item["type"] == "array":
        elements = kind(item["items"])
        if elements == "see below":
            return "list, see below"
        return f"list of {elements}" + ("s" if elements.endswith("number") else "")
    return {
        "string": "text",
        "integer": "whole number",
        "number": "number",
        "boolean": "`true`, `false`",
        "null": "empty",
    }[item["type"]]


def default(item: dict[str, Any], required: bool, top_level: bool) -> str:
    """The default of a key as YAML has it."""
    if "$ref" in item or item.get("type") == "object":
        return ""
    if required:
        return "in `config.yaml`" if top_level else "required"
    value = item["default"]
    return "empty" if value is None else f"`{json.dumps(value)}`"


def flat(text: str) -> str:
    """A docstring on one line."""
    return " ".join(text.split())


if __name__ == "__main__":
    run_script(main)
