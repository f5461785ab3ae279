import hashlib

import pytest

from predictornas.report.libraries import asset, inlined_libraries, libraries, notices


@pytest.mark.parametrize("entry", libraries(), ids=lambda entry: entry["name"])
def test_each_library_is_the_file_that_is_stated(entry) -> None:
    source = asset(entry["file"])
    assert hashlib.sha256(source.encode()).hexdigest() == entry["sha256"]
    assert entry["version"] in source
    assert "sourceMappingURL" not in source
    assert "Redistribution and use" in asset(entry["licence_file"])


def test_no_library_ends_its_own_element_and_vega_comes_first() -> None:
    markup = inlined_libraries()
    assert markup.count("</script>") == markup.count("<script>") == 3
    assert markup.index("/* vega 6") < markup.index("/* vega-lite") < markup.index("/* vega-embed")
    assert "<!--" not in markup


def test_the_licences_are_shown_in_full() -> None:
    assert notices().count("Redistribution and use") == 3
