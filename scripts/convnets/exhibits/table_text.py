"""A table of texts as Markdown and as LaTeX (booktabs)."""

import textwrap
from dataclasses import dataclass
from itertools import groupby

from convnets.core.formats import in_markdown
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


@dataclass(frozen=True)
class Grid:
    """Texts in rows and columns, the columns under headings of one or more levels."""

    header: tuple[str, ...]
    """Headings of the leading columns."""
    columns: list[tuple[str, ...]]
    """Headings of the other columns, outermost level first."""
    labels: list[tuple[str, ...]]
    """Leading columns, row by row."""
    cells: list[list[str]]
    """The other columns, row by row."""

    def lines(self) -> list[tuple[str, ...]]:
        """The body row by row; a label that repeats the one above it is left out."""
        above = [(), *self.labels[:-1]]
        return [
            (*_without_repetition(label, previous), *cells)
            for label, previous, cells in zip(self.labels, above, self.cells, strict=True)
        ]


def markdown(grid: Grid, name: str, caption: str) -> str:
    """The table with one heading line, as Markdown has no more, and its caption below."""
    headings = (*grid.header, *(", ".join(levels) for levels in grid.columns))
    alignment = [":--"] * len(grid.header) + ["--:"] * len(grid.columns)
    rows = [headings, alignment, *grid.lines()]
    body = ["| " + " | ".join(map(in_markdown, row)) + " |" for row in rows]
    return "\n".join([*body, "", f"**{readable(name)}.** {in_markdown(caption)}", ""])


def latex(grid: Grid, name: str, caption: str) -> str:
    """A `table` environment to be read with `\\input`; the document needs booktabs."""
    lines = [
        r"% Needs \usepackage{booktabs,graphicx}. Made smaller only where it is too wide.",
        r"\begin{table}",
        r"\centering\small",
        r"\setlength{\tabcolsep}{4pt}",
        rf"\caption{{{_escape(caption)}}}",
        rf"\label{{tab:{name}}}",
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{{'l' * len(grid.header)}{'r' * len(grid.columns)}}}",
        r"\toprule",
        *_latex_headings(grid),
        r"\midrule",
        *(_latex_row([_escape(cell) for cell in row]) for row in grid.lines()),
        r"\bottomrule",
        r"\end{tabular}}",
        r"\end{table}",
    ]
    return "\n".join([*lines, ""])


def _latex_headings(grid: Grid) -> list[str]:
    leading = len(grid.header)
    depth = len(grid.columns[0])
    lines = []
    for level in range(depth - 1):
        cells, rules, start = [""] * leading, [], leading + 1
        for path, group in groupby(grid.columns, key=lambda levels: levels[: level + 1]):
            width = len(list(group))
            lines_of_text = textwrap.wrap(path[-1], HEADING_WIDTH * width)
            heading = r"\\".join(_escape(line) for line in lines_of_text)
            cells.append(rf"\multicolumn{{{width}}}{{c}}{{\shortstack{{{heading}}}}}")
            rules.append(rf"\cmidrule(lr){{{start}-{start + width - 1}}}")
            start += width
        lines += [_latex_row(cells), "".join(rules)]
    return [*lines, _latex_row([_escape(text) for text in (*grid.header, *_last(grid))])]


def _last(grid: Grid) -> list[str]:
    return [levels[-1] for levels in grid.columns]


def _latex_row(cells: list[str]) -> str:
    optional = cells[0].startswith(("[", "*"))  # which the command before would take as its own
    return "{}" * optional + " & ".join(cells) + r" \\"


def _escape(text: str) -> str:
    return text.translate(LATEX)


def _without_repetition(label: tuple[str, ...], above: tuple[str, ...]) -> tuple[str, ...]:
    """`label` with its first text blank where the row above has the same, as in Table 4."""
    repeats = len(label) > 1 and label[:1] == above[:1]
    return ("", *label[1:]) if repeats else label
