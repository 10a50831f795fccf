"""SVG drawings from a folder of results, made safe to be part of a page."""

from pathlib import Path
from xml.etree import ElementTree

from convnets.core.errors import UserError

SVG = "{http://www.w3.org/2000/svg}"
HTML = "{http://www.w3.org/1999/xhtml}"
ELEMENTS = {
    *(f"{SVG}{name}" for name in ("svg", "title", "desc", "style", "g", "rect", "text")),
    *(f"{SVG}foreignObject", f"{HTML}div", f"{HTML}input", f"{HTML}label"),
}
ATTRIBUTES = {
    *("id", "class", "role", "viewBox", "x", "y", "width", "height", "fill", "transform", "style"),
    *("type", "name", "checked", "for", "title", "aria-label"),
}
"""Everything that `animation.py` draws with; the rest is removed."""


def read_drawing(file: Path) -> ElementTree.Element:
    """The drawing in an SVG file. Raises `UserError` if it is none."""
    try:
        root = ElementTree.parse(file).getroot()
    except (OSError, ValueError, LookupError, ElementTree.ParseError) as error:
        raise UserError(f"{file} is no drawing ({error}): delete it, and draw it again") from None
    if root.tag != f"{SVG}svg":
        raise UserError(f"{file} is no drawing (its root is {root.tag}): draw it again")
    return root


def safe_drawing(file: Path) -> str:
    """The drawing in an SVG file, without whatever could run code or load something."""
    root = read_drawing(file)
    for element in list(root.iter()):
        for child in list(element):
            if child.tag not in ELEMENTS:
                element.remove(child)
        for name in set(element.attrib) - ATTRIBUTES:
            del element.attrib[name]
        for name in ("style", "fill"):
            if _loads(element.get(name, "")):
                del element.attrib[name]
        if element.tag == f"{SVG}style" and _loads(element.text or ""):
            element.text = ""
        element.tag = element.tag.removeprefix(HTML)  # an HTML page knows no prefixes
    ElementTree.register_namespace("", SVG[1:-1])
    try:
        return ElementTree.tostring(root, encoding="unicode")
    except RecursionError:
        raise UserError(f"{file} is nested too deeply: delete it, and draw it again") from None


def _loads(style: str) -> bool:
    """Whether a style may name something outside of the drawing."""
    return any(text in style.lower() for text in ("url", "import", "image", "\\"))
