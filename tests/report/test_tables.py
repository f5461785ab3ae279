from predictornas.report.tables import Cell, Heading, interval_cell, interval_text, sortable_table


def test_numbers_and_their_intervals() -> None:
    assert interval_text(0.0611, 0.0609, 0.0613, scale=100.0) == "6.11 [6.09, 6.13]"
    assert interval_text(1.25, None, None, digits=1) == "1.2"
    assert interval_text(None, None, None) == "-"
    assert interval_text(-0.001, -0.01, 0.01, digits=1) == "0.0 [0.0, 0.0]"  # never "-0.0"


def test_a_bound_stands_before_its_number() -> None:
    assert interval_cell(4.27, None, None, digits=1, bound="≤ ").shown == "≤ 4.3"
    cell = interval_cell(4.0, 3.0, 5.0, digits=0)
    assert (cell.shown, cell.value) == ('4 <span class="interval">[3, 5]</span>', 4.0)
    assert interval_cell(None, None, None, bound="≤ ").shown == "-"


def test_headers_have_a_scope_and_a_button_and_cells_a_value_to_sort_by() -> None:
    headings = [Heading("method", numbers=False), Heading("error, %", "What it lacks.")]
    table = sortable_table("Caption", headings, [[Cell("<one>"), Cell("6.1", 0.061)]])
    assert '<th scope="col" aria-sort="none"><button type="button">method</button></th>' in table
    assert '<th scope="row">&lt;one&gt;</th><td data-value="0.061" class="number">6.1</td>' in table
    assert "<dt>error, %</dt><dd>What it lacks.</dd>" in table
    assert "<dt>method</dt>" not in table


def test_no_rows_make_no_table() -> None:
    assert sortable_table("Caption", [Heading("method")], []) == ""
