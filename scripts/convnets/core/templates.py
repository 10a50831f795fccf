"""Texts and pages from the Jinja2 templates of report/, with the project's formats as filters."""

import re
from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from convnets.core import formats
from convnets.core.files import ROOT

FILTERS = ("number", "interval", "p_value", "plural", "shown", "listed", "in_markdown")


def environment() -> Environment:
    """The templates of report/; values are escaped in HTML."""
    found = Environment(
        loader=FileSystemLoader([ROOT / "report/sections", ROOT / "report/texts"]),
        autoescape=lambda name: name is None or name.endswith((".html", ".svg")),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.do"],
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    found.filters |= {name: getattr(formats, name) for name in FILTERS}
    return found


text_environment = cache(environment)


def texts(name: str, /, **values: Any) -> dict[str, str]:
    """The blocks of report/texts/NAME.txt by name, each as one line."""
    template = text_environment().get_template(f"{name}.txt")
    context = template.new_context(values)
    blocks = {block: "".join(parts(context)) for block, parts in template.blocks.items()}
    return {block: re.sub(r"[ \n]+", " ", text).strip() for block, text in blocks.items()}
