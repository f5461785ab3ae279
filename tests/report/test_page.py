from __future__ import annotations

import re

from predictornas.report.markup import element
from predictornas.report.page import Page, Section, bullets, paragraphs, rendered


def page(**changes) -> Page:
    given = {"title": "One <two>", "kind": "kind", "lead": paragraphs("first"), "sections": ()}
    return Page(**{**given, **changes})


def test_a_page_is_whole_and_loads_nothing() -> None:
    text = rendered(page(sections=(Section("A part", element("p", "x")), Section("Left out", bullets()))))
    assert text.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert "<title>One &lt;two&gt;</title>" in text
    assert 'id="a-part"' in text
    assert 'href="#a-part"' in text
    assert "Left out" not in text  # no content, no heading
    shown = re.sub(r"<(script|style)>.*?</\1>", "", text, flags=re.DOTALL)
    assert re.findall(r'(?:src|href|action|data)="(?!#)[^"]*"', shown) == []
    assert "@import" not in text
    assert "url(" not in "".join(re.findall(r"<style>.*?</style>", text, flags=re.DOTALL))


def test_equal_pages_give_equal_bytes() -> None:
    assert rendered(page()) == rendered(page())


def test_lists_without_items_are_nothing() -> None:
    assert bullets() == ""
    assert bullets("a", "<b>", class_="c") == '<ul class="c"><li>a</li><li>&lt;b&gt;</li></ul>'
