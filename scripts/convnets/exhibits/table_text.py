"""A table of texts as Markdown and as LaTeX (booktabs), by the templates of report/texts."""

import textwrap
from itertools import groupby
from typing import NamedTuple

from convnets.core.formats import in_markdown
from convnets.core.templates import text_environment
from convnets.judging.conditions import readable

LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "→": r"$\rightarrow$",
        "±": r"$\pm$",
        "–": "--",
        "\N{MINUS SIGN}": "$-$",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        **{character: "\\" + character for character in "&%$#_{}"},
    }
)
HEADING_WIDTH = 8
"""Characters of a heading in LaTeX that a column has room for."""


class Grid(NamedTuple):
    """Texts in rows and columns, the columns under headings of one or more levels."""

    header: tuple[str, ...]
    """Headings of the leading columns."""
    columns: list[tuple[str, ...]]
    """Headings of the other columns, outermost level first."""
    labels: list[tuple[str, ...]]
    """Leading columns, row by row."""
    cells: list[list[str]]
    """The other columns, row by row."""

    def lines(self) -> list[list[str]]:
        """The body row by row; a first label that repeats the one above it is left out."""
        above: tuple[str, ...] = ()
        lines = []
        for label, cells in zip(self.labels, self.cells, strict=True):
            repeats = len(label) > 1 and label[:1] == above[:1]  # as in Table 4
            lines.append([*(("", *label[1:]) if repeats else label), *cells])
            above = label
        return lines


def markdown(grid: Grid, name: str, caption: str) -> str:
    """The table with one heading line, as Markdown has no more, and its caption below."""
    headings = [*grid.header, *(", ".join(levels) for levels in grid.columns)]
    headings, *rows = (list(map(in_markdown, row)) for row in (headings, *grid.lines()))
    alignment = [":--"] * len(grid.header) + ["--:"] * len(grid.columns)
    template = text_environment().get_template("table.md")
    return template.render(
        headings=headings,
        alignment=alignment,
        rows=rows,
        label=readable(name),
        caption=in_markdown(caption),
    )


def latex(grid: Grid, name: str, caption: str) -> str:
    """A `table` environment to be read with `\\input`; the document needs booktabs."""
    last = [*grid.header, *(levels[-1] for levels in grid.columns)]
    template = text_environment().get_template("table.tex")
    return template.render(
        name=name,
        caption=_escape(caption),
        alignment="l" * len(grid.header) + "r" * len(grid.columns),
        spanning=[_spanning(grid, level) for level in range(len(grid.columns[0]) - 1)],
        rows=[list(map(_escape, row)) for row in (last, *grid.lines())],
    )


def _spanning(grid: Grid, level: int) -> tuple[list[str], list[str]]:
    """Headings of several columns each, and the rules below them."""
    cells, rules, start = [""] * len(grid.header), [], len(grid.header) + 1
    for path, group in groupby(grid.columns, key=lambda levels: levels[: level + 1]):
        width = len(list(group))
        lines = textwrap.wrap(path[-1], HEADING_WIDTH * width)
        heading = r"\\".join(map(_escape, lines))
        cells.append(rf"\multicolumn{{{width}}}{{c}}{{\shortstack{{{heading}}}}}")
        rules.append(rf"\cmidrule(lr){{{start}-{start + width - 1}}}")
        start += width
    return cells, rules


def _escape(text: str) -> str:
    return text.translate(LATEX)
