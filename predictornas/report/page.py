"""One page: a title, what it says first, and its sections; everything it needs is in it."""

from __future__ import annotations

from dataclasses import dataclass

from predictornas.report.libraries import inlined_behaviour, inlined_libraries, inlined_style, notices
from predictornas.report.markup import Content, Markup, element, joined

_HEAD = joined(
    element("meta", charset="utf-8"),
    element("meta", name="viewport", content="width=device-width, initial-scale=1"),
    element("meta", name="color-scheme", content="light dark"),
)


@dataclass(frozen=True)
class Section:
    """A part of a page.

    Attributes:
        title: its heading.
        content: what is below it.
    """

    title: str
    content: Content

    @property
    def anchor(self) -> str:
        """Where links to it lead."""
        return "".join(letter if letter.isalnum() else "-" for letter in self.title.lower())


@dataclass(frozen=True)
class Page:
    """What a person opens.

    Attributes:
        title: what was done, on what.
        kind: the kind of report, above the title.
        lead: what it says first.
        sections: the rest, in order; those without content are left out.
    """

    title: str
    kind: str
    lead: Content
    sections: tuple[Section, ...]


def rendered(page: Page) -> str:
    """The page as one HTML file that loads nothing from anywhere; equal pages give equal bytes."""
    sections = [(section, joined(section.content)) for section in page.sections]
    sections = [(section, content) for section, content in sections if content]
    main = element(
        "main",
        element("header", element("p", page.kind, class_="kind"), element("h1", page.title)),
        element("div", page.lead, class_="lead"),
        _contents([section for section, _ in sections]),
        [element("section", element("h2", section.title), content, id=section.anchor) for section, content in sections],
        _footer(),
    )
    scripts = joined(inlined_libraries(), inlined_behaviour())
    head = element("head", _HEAD, element("title", page.title), inlined_style())
    return f"<!DOCTYPE html>\n{element('html', head, element('body', main, scripts), lang='en')}\n"


def paragraphs(*texts: Content) -> Markup:
    """Each as a paragraph."""
    return joined(*(element("p", text) for text in texts))


def bullets(*items: Content, class_: str | None = None) -> Markup:
    """A list; nothing where there are no items."""
    return element("ul", [element("li", item) for item in items], class_=class_) if items else Markup()


def _contents(sections: list[Section]) -> Markup:
    links = [element("li", element("a", section.title, href=f"#{section.anchor}")) for section in sections]
    return element("nav", element("ul", links), class_="contents", aria_label="Contents")


def _footer() -> Markup:
    licences = element(
        "details", element("summary", "Licences of the libraries in this page"), element("pre", notices())
    )
    return element("footer", element("p", "Written by predictornas. This file needs no network."), licences)
