"""Small pieces of HTML for the report. Text is escaped; only `Markup` goes in as it is."""

import base64
import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

from markupsafe import Markup, escape

MISSING = "\N{EN DASH}"
MEDIA_TYPES = {".csv": "text/csv", ".svg": "image/svg+xml"}
MEDIA_TYPES |= {".md": "text/markdown", ".tex": "application/x-tex"}
SVG = "{http://www.w3.org/2000/svg}"


class Column(NamedTuple):
    """A column of a table; `kind` is its CSS class: `number`, `text`, `prose`, `code`, `sketch`."""

    heading: Any
    kind: str = "number"


def join(parts: Sequence[Any], separator: str = "") -> Markup:
    """The parts one after the other."""
    return Markup(separator).join(parts)


def codes(texts: Sequence[str]) -> Markup:
    """Texts as code, separated by commas."""
    return join([Markup("<code>{}</code>").format(text) for text in texts], ", ")


def prose(text: str) -> Markup:
    """A text in which backticks enclose code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def facts(pairs: Sequence[tuple[str, Any]]) -> Markup:
    """A list of terms and what they are."""
    items = [Markup("<div><dt>{}</dt><dd>{}</dd></div>").format(*pair) for pair in pairs]
    return Markup('<dl class="facts">\n{}\n</dl>').format(join(items, "\n"))


def bullets(items: Sequence[Any]) -> Markup:
    """An unordered list."""
    return Markup("<ul>\n{}\n</ul>").format(
        join([Markup("<li>{}</li>").format(item) for item in items], "\n")
    )


def notice(title: str, text: str) -> Markup:
    """A box that nobody overlooks."""
    return Markup(
        '<aside class="notice" role="note">\n<strong>{}</strong>\n<p>{}</p>\n</aside>'
    ).format(title, text)


def slug(text: str) -> str:
    """A text as part of an id."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def anchor(id: str) -> Markup:
    """A link to the place that has this id, for readers who want to cite it."""
    return Markup('<a class="anchor-link" href="#{0}" aria-label="Link to {0}">¶</a>').format(id)


def heading(level: int, id: str, text: Any) -> Markup:
    """A heading with a link to itself."""
    return Markup('<h{0} id="{1}">{2}{3}</h{0}>').format(level, id, text, anchor(id))


def verdict(word: str) -> Markup:
    """A verdict, its word in its colour."""
    return Markup('<span class="verdict {}">{}</span>').format(word.replace(" ", "-"), word)


def tally(title: Any, counts: Mapping[str, int]) -> Markup:
    """How often there is which verdict: a bar, and the same in words."""
    shares = [
        Markup('<span class="{}" style="flex-grow:{}"></span>').format(word.replace(" ", "-"), n)
        for word, n in counts.items()
    ]
    words = [
        Markup("<li>{} {}</li>").format(verdict(word), number) for word, number in counts.items()
    ]
    return Markup(
        '<section class="tally">\n<p>{}</p>\n<div class="shares" aria-hidden="true">{}</div>\n'
        "<ul>{}</ul>\n</section>"
    ).format(title, join(shares), join(words, "\n"))


def folded(title: str, content: Any) -> Markup:
    """Content that opens on demand."""
    return Markup("<details>\n<summary>{}</summary>\n{}\n</details>").format(title, content)


def table(
    columns: Sequence[Column],
    rows: Sequence[Sequence[Any]],
    label: str,
    ids: Sequence[str] | None = None,
) -> Markup:
    """A table that scrolls inside its box; the first cell of a row is its heading.

    `label` names the box for those who cannot see it; `ids` are those of the rows.
    """
    heading = join([_heading(column.heading, column.kind) for column in columns])
    kinds = [column.kind for column in columns]
    return _table(Markup("<tr>{}</tr>").format(heading), rows, kinds, label, ids)


def grouped_table(
    leading: Sequence[str],
    levels: Sequence[tuple[str, ...]],
    rows: Sequence[Sequence[Any]],
    label: str,
) -> Markup:
    """A table whose columns, after the leading ones, have headings of several levels."""
    kinds = ["text"] * len(leading)
    kinds += ["number paper" if path[-1] == "paper" else "number" for path in levels]
    return _table(_grouped(leading, levels), rows, kinds, label)


def markdown_table(file: Path) -> tuple[Markup, str]:
    """A table from Markdown, one heading line, whose commas separate levels; and its caption."""
    lines = file.read_text(encoding="utf-8").strip().splitlines()
    headings, alignment, *rows = [_cells(line) for line in lines if line.startswith("|")]
    leading = sum(not text.endswith(":") for text in alignment)
    levels = [tuple(heading.split(", ")) for heading in headings[leading:]]
    rows = [[cell.replace(" [", "\n[") for cell in row] for row in rows]  # intervals below
    label, _, caption = lines[-1].strip("*").partition(".** ")
    return grouped_table(headings[:leading], levels, rows, label), caption


def _cells(line: str) -> list[str]:
    cells = re.split(r"(?<!\\)\|", line.strip()[1:-1])
    return [cell.strip().replace(r"\|", "|") for cell in cells]


def _grouped(leading: Sequence[str], columns: Sequence[tuple[str, ...]]) -> Markup:
    """Heading rows, one for each level; columns that agree so far share a cell."""
    depth = len(columns[0])
    rows = []
    for level in range(depth):
        first = [_heading(text, "text", rows=depth) for text in leading if level == 0]
        groups = groupby(columns, key=lambda path: path[: level + 1])
        shared = [_heading(path[-1], "number", len(list(group))) for path, group in groups]
        rows.append(Markup("<tr>{}</tr>").format(join([*first, *shared])))
    return join(rows, "\n")


def _heading(text: Any, kind: str, columns: int = 1, rows: int = 1) -> Markup:
    span = f' colspan="{columns}"' * (columns > 1) + f' rowspan="{rows}"' * (rows > 1)
    scope = "colgroup" if columns > 1 else "col"
    return Markup('<th scope="{}" class="{}"{}>{}</th>').format(scope, kind, Markup(span), text)


def _table(
    heading: Markup,
    rows: Sequence[Sequence[Any]],
    kinds: Sequence[str],
    label: str,
    ids: Sequence[str] | None = None,
) -> Markup:
    names = ids or [""] * len(rows)
    body = join([_row(row, kinds, name) for row, name in zip(rows, names, strict=True)])
    return Markup(
        '<div class="scroll" role="region" tabindex="0" aria-label="{}">\n<table>\n<thead>{}'
        "</thead>\n<tbody>{}\n</tbody>\n</table>\n</div>"
    ).format(label, heading, body)


def _row(values: Sequence[Any], kinds: Sequence[str], id: str) -> Markup:
    cells = [
        Markup('<td class="{}">{}</td>').format(kind, MISSING if value is None else value)
        for value, kind in zip(values[1:], kinds[1:], strict=True)
    ]
    name = Markup(' id="{}"').format(id) if id else ""
    link = anchor(id) if id else ""
    return Markup('\n<tr{}><th scope="row" class="{}">{}{}</th>{}</tr>').format(
        name, kinds[0], values[0], link, join(cells)
    )


def figure(file: Path, label: str) -> Markup:
    """An SVG file on a white card; its title becomes the caption, its description the alt text."""
    drawing = ElementTree.parse(file).getroot()
    title, description = (drawing.findtext(SVG + part, "") for part in ("title", "desc"))
    return Markup(
        '<figure id="{}">\n<div class="card"><img src="{}" alt="{}"></div>\n'
        "<figcaption><strong>{}.</strong> {}. {}</figcaption>\n</figure>"
    ).format(file.stem, data_uri(file), description, label, title, download(file))


def animation(file: Path, label: str) -> Markup:
    """An animated SVG file as part of the page, see `moving`; captioned as a figure of its own."""
    drawing = ElementTree.parse(file).getroot()
    title, description = (drawing.findtext(SVG + part, "") for part in ("title", "desc"))
    return Markup(
        '<figure id="{}">\n{}\n<figcaption><strong>{}.</strong> {}. {} {}</figcaption>\n</figure>'
    ).format(file.stem, moving(file), label, title, description, download(file))


def moving(file: Path) -> Markup:
    """The drawing of an animated SVG file, with a box to tick that holds it.

    The page's style sheet does that: see `report.css`.
    """
    return Markup(
        '<div class="animation">\n<div class="card">{}</div>\n'
        '<label class="pause"><input type="checkbox"> Pause</label>\n</div>'
    ).format(Markup(file.read_text(encoding="utf-8")))


def download(file: Path) -> Markup:
    """A link that saves a copy of the file, which travels inside the page."""
    return Markup('<a class="download" download="{}" href="{}">{}</a>').format(
        file.name, data_uri(file), file.suffix.removeprefix(".").upper()
    )


def data_uri(file: Path) -> str:
    """The file's content as an address."""
    content = base64.b64encode(file.read_bytes()).decode()
    return f"data:{MEDIA_TYPES[file.suffix]};base64,{content}"
