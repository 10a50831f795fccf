"""The table of contents of a page, made from its headings."""

from html.parser import HTMLParser
from typing import NamedTuple

from markupsafe import Markup

from convnets import markup

PLACE = "<!-- contents -->"
"""What the template has where the contents go."""
LEVELS = ("h2", "h3")


class Heading(NamedTuple):
    """A heading of the page."""

    level: str
    id: str
    text: str


class _Reader(HTMLParser):
    """Collects the headings that have an id; the links to themselves are left out."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Heading] = []
        self._inside, self._in_link = False, False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        name = dict(attrs).get("id")
        if tag in LEVELS and name:
            self.found.append(Heading(tag, name, ""))
            self._inside = True
        self._in_link = tag == "a"

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag not in LEVELS
        self._in_link = self._in_link and tag != "a"

    def handle_data(self, data: str) -> None:
        if self._inside and not self._in_link:
            last = self.found[-1]
            self.found[-1] = last._replace(text=last.text + data)


def with_contents(page: str) -> str:
    """The page with its contents: a bar for wide screens, and a list that opens for narrow ones."""
    reader = _Reader()
    reader.feed(page)
    sections: list[list[Heading]] = []
    for heading in reader.found:
        if heading.level == "h2" or not sections:
            sections.append([heading])
        else:
            sections[-1].append(heading)
    links = markup.bullets([_section(headings) for headings in sections])
    contents = Markup(
        '<nav class="bar" aria-label="Contents"><a href="#top">Top</a>\n{links}</nav>\n'
        '<nav class="fold" aria-label="Contents"><details><summary>Contents</summary>\n'
        "{links}</details></nav>"
    ).format(links=links)
    return page.replace(PLACE, contents)


def _section(headings: list[Heading]) -> Markup:
    first, *others = (
        Markup('<a href="#{}">{}</a>').format(heading.id, heading.text.strip())
        for heading in headings
    )
    return Markup("{}\n{}").format(first, markup.bullets(others)) if others else first
