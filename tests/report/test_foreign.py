"""Results that somebody else made: whatever is in them, their pages and tables only show text."""

import json
import re
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import mistune
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from made_results import SECONDS
from test_report_now import make_folder

from analysis_fixture import make_runtimes
from convnets.core.files import write_json
from convnets.runs.status import read_sweep
from status import as_json, as_text
from tools.publish import publish
from tools.summarise import block_of

HOSTILE = (
    '"><script>alert(1)</script><img src=x onerror=alert(1)><a href="javascript:alert(1)">x</a>'
    "<iframe src=//evil.example></iframe><style>@import url(//evil.example/a.css)</style>"
)
SPECIAL = r"[x](javascript:a) $\frac{1}{0}$ _a_ ^2 50 % & <b> {0} ~ # * `c` | \input{x} {{ 7 * 7 }}"
LABEL = r"[0] $x$ \a_b^c 5 % & <i> {1} |"
LATEX = (
    r"{}[0] \$x\$ \textbackslash{}a\_b\textasciicircum{}c 5 \% \& \textless{}i\textgreater{} \{1\} "
    r"\textbar{} stride\_2 & "
)
"""`LABEL` of a row in LaTeX."""
DRAWING = """<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)">
<title>%s</title><desc>%s</desc><script>alert(1)</script>
<style>@import url(//evil.example/a.css);</style>
<rect fill="url(//evil.example/a.svg#b)" style="background:url(//evil.example/b)"/>
<a href="javascript:alert(1)"><text>x</text></a><foreignObject><iframe
xmlns="http://www.w3.org/1999/xhtml" src="//evil.example"/></foreignObject></svg>"""


def poisoned(value: Any, text: str) -> Any:
    """The same with all texts of a JSON value, and its keys that are no words, replaced."""
    if isinstance(value, dict):
        return {key: poisoned(item, text) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [poisoned(item, text) for item in value]
    return text if isinstance(value, str) else value


def rewrite(file: Path, **values: Any) -> None:
    write_json(file, json.loads(file.read_text()) | values)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_folder(tmp_path_factory.mktemp("foreign"))
    for file in folder.glob("runs/*/*/run.json"):
        record = json.loads(file.read_text())
        kept = {key: record[key] for key in ("variant", "training", "data")}
        write_json(file, poisoned(record, HOSTILE) | kept)
    for file in folder.glob("runs/*/*/test.json"):
        rewrite(file, per_class_accuracy={HOSTILE: 0.5, SPECIAL: 0.2, "B": None})
    run = Path(shutil.copytree(folder / "runs/stride_2/seed_0", folder / "runs/<script>/seed_0"))
    rewrite(run / "run.json", variant={"id": "<script>", "method": "stride"})
    provenance = json.loads((folder / "data/provenance.json").read_text())
    kept = {"source": "nist", "counts": provenance["counts"] | {"available": {HOSTILE: 5}}}
    kept |= {"duplicates": {"within": {HOSTILE: HOSTILE}, SPECIAL: HOSTILE}, "official": False}
    write_json(folder / "data/provenance.json", poisoned(provenance, HOSTILE) | kept)
    plan = json.loads((folder / "plan.json").read_text())
    for number, item in enumerate((*plan["tables"].values(), *plan["figures"].values())):
        item["title"] = SPECIAL if number % 2 else HOSTILE
        item["header"] = [LABEL] if "rows" in item else []
        for row in item.get("rows", ()):
            row["label"] = [f"{LABEL} {row['variants'][0]}"]
        for curve in item.get("curves", ()):
            curve["label"] = f"{LABEL} {curve['variants'][0]}"
    for figure in plan["figures"].values():
        del figure["header"]
    plan["figure_names"] += ["figure_01", "analysis_curves", "analysis_none"]
    write_json(folder / "plan.json", plan | {"command": HOSTILE})
    mechanism = json.loads((folder / "mechanism.json").read_text())
    write_json(folder / "mechanism.json", poisoned(mechanism, HOSTILE))
    make_runtimes(SECONDS, device_name=HOSTILE).to_csv(folder / "runtimes.csv")
    for name in ("figure_01", "figure_01_animated", "analysis_curves"):
        text = DRAWING % ((HOSTILE.replace("<", "&lt;"),) * 2)
        (folder / "figures").mkdir(exist_ok=True)
        (folder / f"figures/{name}.svg").write_text(text)
    (folder / "analyses").mkdir()
    (folder / "analyses/curves.csv").write_text(HOSTILE)
    return folder


@pytest.fixture(scope="module")
def published(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    shutil.rmtree(source / "runs/<script>")  # publish.py refuses damaged runs
    target = tmp_path_factory.mktemp("published") / "trial"
    publish(source, target)
    return target


def harmless(text: str) -> BeautifulSoup:
    """The HTML, which runs nothing and loads nothing."""
    page = BeautifulSoup(text, "html.parser")
    for element in page.find_all(True):
        assert element.name not in ("script", "iframe", "object", "embed", "base", "form", "set")
        for name, value in element.attrs.items():
            assert not name.startswith("on")
            if name in ("href", "src", "action", "xlink:href", "data"):
                safe = re.match(
                    r"#|lesson\.html(#|$)|https://|data:(text/|application/x-tex|image/|,)", value
                )
                assert safe and urlsplit(value).hostname != "evil.example", value[:80]
                assert not value.startswith("data:text/html")
            assert name not in ("style", "fill") or "url" not in value
    for style in page.find_all("style"):
        assert "@import" not in style.text and "url(" not in style.text
    return page


def test_a_page_runs_nothing_and_loads_nothing(published: Path) -> None:
    page = harmless((published / "report.html").read_text())
    text = page.get_text()
    for shown in (HOSTILE, SPECIAL, LABEL):
        assert shown in text
    assert page.find(id="figure_01").parent.svg  # what is harmless of the animation


def test_tables_show_their_labels_as_they_are(published: Path) -> None:
    label = f"{LABEL} stride_2"
    for name in ("table_1", "table_2"):
        table = pd.read_csv(published / f"tables/{name}.csv")
        assert table.columns[0] == LABEL and label in table[LABEL].tolist()
        page = harmless(str(mistune.html((published / f"tables/{name}.md").read_text())))
        assert label in [cell.text for cell in page.find_all("td")]
        assert not page.find(["a", "i", "b"])
        text = (published / f"tables/{name}.tex").read_text()
        assert LATEX in text
        body = text.partition("\n")[2].replace(r"\width>", "")
        assert not re.search(r"\\(input|frac)\b|<|>|(?<!\\)[#~^]", body)


def test_figures_show_their_labels_as_they_are(published: Path) -> None:
    text = (published / "figures/strides.svg").read_text()
    shown = " ".join(re.findall(r"<!-- (.*?) -->", text, re.S)).replace("\n", " ")
    assert (
        f"{LABEL} stride_2".replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") in shown
    )


def test_lists_and_summaries_of_foreign_results(source: Path, published: Path) -> None:
    assert not {*as_text(read_sweep(source))} & {"\x1b"}
    json.loads(as_json(read_sweep(published)))
    harmless(str(mistune.html(block_of(published).replace(str(published), "lesson.html#"))))
    harmless(str(mistune.html((published / "commands.md").read_text())))
