"""The report's tables and figures, each with caption, downloads and the script that made it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd
from markupsafe import Markup

from convnets import markup
from convnets.judging.conditions import readable
from convnets.report import PAPER_ORDER, Results
from convnets.report_numbers import published_table

ANALYSIS = "analysis_"
"""How the names of figures begin that analyse the runs further."""
READING = "reading_"
"""How the names of tables begin that show a reading of the paper both ways."""
SCRIPTS = {f"figure_0{number}": "draw_layers.py" for number in (1, 2, 3, 4, 5, 7)} | {
    "figure_06": "draw_pooling.py"
}
"""What drew the figures that are not curves of training."""


def of_paper(names: Sequence[str]) -> list[str]:
    """The tables and figures of the paper, in its order, whether they are among `names` or not."""
    return [name for name in PAPER_ORDER if name in names]


def of_analyses(names: Sequence[str]) -> list[str]:
    """Figures that analyse the runs further."""
    return [name for name in names if name.startswith(ANALYSIS)]


def of_readings(names: Sequence[str]) -> list[str]:
    """Tables of readings run both ways."""
    return [name for name in names if name.startswith(READING)]


def beyond_paper(names: Sequence[str]) -> list[str]:
    """Tables and figures of further experiments."""
    known = (*PAPER_ORDER, *of_analyses(names), *of_readings(names))
    return [name for name in names if name not in known]


def exhibits(names: Sequence[str], results: Results) -> Markup:
    """Tables and figures one after the other."""
    return markup.join([exhibit(name, results) for name in names], "\n")


def exhibit(name: str, results: Results) -> Markup:
    """One table or figure, from `tables/NAME.*` or `figures/NAME.*`; a note where it is missing."""
    figure = results.folder / "figures" / f"{name}.svg"
    if figure.is_file():
        return _figure(figure, results.folder)
    table = results.folder / "tables" / f"{name}.md"
    if table.is_file():
        return _table(table, results)
    note = "Missing: not made yet, as runs that it shows are not finished."
    return _section(name, readable(name), Markup('<p class="missing">{}</p>').format(note), "", [])


def _table(file: Path, results: Results) -> Markup:
    """A table of the paper with the verdicts on its numbers, or any other as it is."""
    name = file.stem
    content, text = markup.markdown_table(file)
    title, _, caption = text.partition(". ")
    if name in PAPER_ORDER:
        columns = list(pd.read_csv(file.with_suffix(".csv"), nrows=0))
        ranked = "best_variant" in columns
        header = map(str, columns[: columns.index("best_variant" if ranked else "variant")])
        number = int(name.removeprefix("table_"))
        compared = published_table(number, ", ".join(header), results)
        if ranked:
            content = Markup("<p>{}</p>\n{}\n<p>{}</p>\n{}").format(
                "The paper’s models, and ours with the same number of filters:",
                compared,
                "The models that rank first and second, the paper’s and ours:",
                content,
            )
        else:
            content = compared
    files = [file.with_suffix(ending) for ending in (".csv", ".md", ".tex")]
    heading = title if name.startswith(READING) else f"{readable(name)}. {title}"
    return _section(name, heading, content, caption, files, "make_table.py")


def _figure(file: Path, folder: Path) -> Markup:
    """A drawing on a white card, and under it the one that moves, if there is one.

    The title of the drawing is the heading, its description the caption; of an analysis, whose
    numbers are many, the first sentence.
    """
    name = file.stem
    drawing = ElementTree.parse(file).getroot()
    title, text = (drawing.findtext(markup.SVG + part, "") for part in ("title", "desc"))
    if name.startswith(ANALYSIS):
        topic = name.removeprefix(ANALYSIS)
        script, data, heading = f"analyse_{topic}.py", folder / "analyses" / f"{topic}.csv", title
        first, _, rest = text.partition(". ")
        numbers = markup.folded("The numbers in words", rest)
        text = Markup("{}.\n{}").format(first, numbers)
    else:
        script, data = SCRIPTS.get(name, "make_figure.py"), file.with_suffix(".csv")
        heading = f"{readable(name)}. {title}"
    card = Markup('<div class="card"><img src="{}" alt="{}"></div>').format(
        markup.data_uri(file), f"{heading}; described below."
    )
    animated = file.with_name(f"{name}_animated.svg")
    if animated.is_file():
        card += markup.moving(animated)
    return _section(name, heading, card, text, [data], script)


def _section(
    name: str, heading: str, content: Any, caption: Any, files: Sequence[Path], script: str = ""
) -> Markup:
    links = [markup.download(file) for file in files if file.is_file()]
    made = Markup("Made by <code>scripts/{}</code>.").format(script) if script else ""
    return Markup(
        '<figure class="exhibit" aria-labelledby="{}">\n{}\n{}\n<figcaption>{} {} {}</figcaption>\n'
        "</figure>"
    ).format(
        name, markup.heading(3, name, heading), content, caption, made, markup.join(links, " ")
    )
