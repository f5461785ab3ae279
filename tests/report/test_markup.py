import html

from hypothesis import given, settings
from hypothesis import strategies as st

from predictornas.report.markup import Markup, element, joined


@settings(max_examples=30)
@given(st.text())
def test_text_is_escaped_in_content_and_in_attributes(text: str) -> None:
    escaped = html.escape(text)
    assert element("p", text, title=text) == f'<p title="{escaped}">{escaped}</p>'


def test_markup_stays_what_it_is_and_nothing_is_nothing() -> None:
    assert element("p", Markup("<b>x</b>"), None, ["1 < 2", Markup("<i>y</i>")]) == "<p><b>x</b>1 &lt; 2<i>y</i></p>"
    assert joined("a", None, "&") == "a&amp;"


def test_attributes_without_a_value_and_names_with_hyphens() -> None:
    assert element("th", class_="a", aria_sort="none", hidden=True, id=None, open=False) == (
        '<th class="a" aria-sort="none" hidden></th>'
    )
    assert element("meta", charset="utf-8") == '<meta charset="utf-8">'
