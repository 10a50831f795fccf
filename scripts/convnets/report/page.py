"""The sections of pages, rendered from templates, of which each cell of a notebook shows one.

The templates are in report/sections; they escape every value.
"""

import base64
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd
from IPython.display import HTML
from jinja2 import Environment, Undefined

from convnets.core import templates
from convnets.core.errors import UserError
from convnets.exhibits.layer_figures import animated
from convnets.judging.conditions import readable
from convnets.report.results import inner

MEDIA_TYPES = {".csv": "text/csv", ".svg": "image/svg+xml"}
MEDIA_TYPES |= {".md": "text/markdown", ".tex": "application/x-tex"}
SVG = "{http://www.w3.org/2000/svg}"


def environment() -> Environment:
    """The templates of pages."""
    found = templates.environment()
    found.filters |= {"inner": inner, "slug": slug, "data_uri": data_uri, "readable": readable}
    found.filters["animated"] = animated
    found.tests["is_file"] = Path.is_file
    found.globals |= {"about": about, "headings": []}
    found.tests["known"] = lambda value: not isinstance(value, Undefined) and pd.notna(value)
    return found


class Sections:
    """The sections of a page; every template sees `values`."""

    def __init__(self, **values: Any) -> None:
        self._environment, self._values = environment(), values

    def show(self, name: str, /, **values: Any) -> HTML:
        """One section for a notebook; the page's contents come from the headings it had."""
        headings: list[Any] = self._environment.globals["headings"]  # type: ignore[assignment]
        headings.clear()
        html = self._environment.get_template(f"{name}.html").render(self._values | values)
        return HTML(html, metadata={"headings": list(headings)})


def slug(text: str) -> str:
    """A text as part of an id."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def data_uri(content: Path | str) -> str:
    """A file, or the text of an SVG, as an address: scripts in a picture do not run."""
    if isinstance(content, str):
        suffix, data = ".svg", content.encode()
    else:
        suffix, data = content.suffix, content.read_bytes()
    return f"data:{MEDIA_TYPES[suffix]};base64,{base64.b64encode(data).decode()}"


def about(drawing: Path) -> dict[str, str]:
    """Title and description that an SVG file carries. Raises `UserError` if it is none."""
    try:
        root = ElementTree.parse(drawing).getroot()
        if root.tag != f"{SVG}svg":
            raise ValueError(f"its root is {root.tag}")
    except (OSError, ValueError, LookupError, ElementTree.ParseError) as error:
        raise UserError(f"{drawing} is no drawing ({error}): delete it, draw it again") from None
    return {"title": root.findtext(f"{SVG}title", ""), "text": root.findtext(f"{SVG}desc", "")}
