"""Drawings of a folder of results that others made: nothing in them runs or loads anything."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from convnets.core.errors import UserError
from convnets.core.svg import HTML, SVG, safe_drawing

START = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
HOSTILE = [
    "><script>alert(1)</script></svg>",
    ' onload="alert(1)"></svg>',
    '><g ONCLICK="alert(1)"/></svg>',
    '><foreignObject><body xmlns="http://www.w3.org/1999/xhtml"><img src="x" onerror="alert(1)"/>'
    "</body></foreignObject></svg>",
    '><a xlink:href="javascript:alert(1)"><text>x</text></a></svg>',
    '><use href="https://alert.org/x.svg#a"/></svg>',
    '><image href="https://alert.org/x.png"/></svg>',
    '><set attributeName="onload" to="alert(1)"/></svg>',
    '><rect fill="url(https://alert.org/x.svg#a)"/></svg>',
    "><style>@import 'https://alert.org/x.css';</style></svg>",
    "><style>g{fill:url(https://alert.org/x)}</style></svg>",
    '><rect style="fill:URL(https://alert.org/x)"/></svg>',
    "><style>&lt;/style>&lt;script>alert(1)&lt;/script></style></svg>",
]


@pytest.mark.parametrize("rest", HOSTILE)
def test_nothing_in_a_drawing_runs_or_loads(rest: str, tmp_path: Path) -> None:
    file = tmp_path / "a.svg"
    file.write_text(START + rest)
    text = safe_drawing(file)
    root = ElementTree.fromstring(text)
    assert "<script" not in text and "javascript" not in text and "alert.org" not in text
    for element in root.iter():
        assert element.tag.startswith(SVG)
        assert not any(name.lower().startswith("on") for name in element.attrib)


def test_a_drawing_nested_too_deeply(tmp_path: Path) -> None:
    (tmp_path / "a.svg").write_text(START + ">" + "<g>" * 5000 + "</g>" * 5000 + "</svg>")
    with pytest.raises(UserError, match=r"a\.svg is nested too deeply: delete it"):
        safe_drawing(tmp_path / "a.svg")


@pytest.mark.parametrize("content", [b"", b"<svg>", b"<html/>", b"\x89PNG", b"<svg></svg>"])
def test_what_is_no_drawing_is_named(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "a.svg"
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"a\.svg is no drawing .*: "):
        safe_drawing(file)


def test_our_animations_stay_as_they_are() -> None:
    files = sorted(Path("results/published/balanced_style/figures").glob("*_animated.svg"))
    assert files
    for file in files:
        shown, drawn = ElementTree.fromstring(safe_drawing(file)), ElementTree.parse(file).getroot()
        assert [(e.tag, e.attrib, e.text) for e in shown.iter()] == [
            (e.tag.replace(HTML, SVG), e.attrib, e.text) for e in drawn.iter()
        ]
