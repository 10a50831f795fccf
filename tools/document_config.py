"""Write config/README.md and config/schema.json from the settings, or check them."""

import argparse
import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from convnets.architectures.methods import METHODS, MODULES
from convnets.architectures.variant import Variant
from convnets.config.checks import CONFIG
from convnets.core.errors import UserError, run_script
from convnets.core.files import write_text
from convnets.core.templates import text_environment

README, SCHEMA = Path("config/README.md"), Path("config/schema.json")
VARIANT = "architecture` and `variants.ID"
SECTIONS = {
    "": "Config",
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 if different")
    check = parser.parse_args().check
    texts = {README: document(), SCHEMA: json.dumps(schema(), indent=1) + "\n"}
    for file, text in texts.items():
        if not check:
            write_text(file, text)
        elif not file.exists() or file.read_text(encoding="utf-8") != text:
            raise UserError(f"{file} is out of date: run python -m tools.document_config")


def schema() -> dict[str, Any]:
    """The JSON schema of a configuration file, in which all keys are optional."""
    whole = CONFIG.json_schema()
    for node in (whole, whole["$defs"]["Table"], whole["$defs"]["Figure"]):
        del node["required"]
    return whole


def document() -> str:
    """The whole README, in Markdown."""
    config = CONFIG.json_schema()
    nodes = config["$defs"] | {"Config": config, "Variant": TypeAdapter(Variant).json_schema()}
    sections = [
        (name, flat(nodes[of]["description"]), rows_of(name, nodes[of]))
        for name, of in SECTIONS.items()
    ]
    methods = [
        (name, flat(MODULES[name].__doc__ or ""), method.keys) for name, method in METHODS.items()
    ]
    template = text_environment().get_template("configuration.md")
    return template.render(sections=sections, methods=methods, variant=VARIANT)


def rows_of(name: str, node: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """Name, kind, default and meaning of each key of a section."""
    required = set(node.get("required", ()))
    return [
        (
            key,
            kind(item),
            default(item, key in required, not name),
            flat(item.get("description", "")),
        )
        for key, item in node["properties"].items()
        if name != VARIANT or key not in ("id", "image_kind")
    ]


def kind(item: dict[str, Any]) -> str:
    """The values of a key in words."""
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
