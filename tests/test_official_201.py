"""What `official_201.py` writes is what the official packages read."""

from __future__ import annotations

from pathlib import Path

from tests import official_201 as official
from tests.extras import needed

SHORT = {"01": 1, "12": 2, "90": 3, "200": 4}


def test_the_official_package_answers_from_a_content_of_nasbench201() -> None:
    content = official.nasbench201(6, trained=4, epochs=SHORT)
    api = needed("nas_201_api").NASBench201API(content, verbose=False)
    assert (len(api), len(api.evaluated_indexes)) == (6, 4)
    index = api.evaluated_indexes[0]
    found = api.get_more_info(index, "cifar100", hp="200", is_random=False)
    assert {"valid-accuracy", "test-accuracy", "valtest-accuracy"} <= set(found)
    early = api.get_more_info(index, "cifar100", iepoch=1, hp="200", is_random=False)
    assert set(early) & {"valid-accuracy", "test-accuracy", "valtest-accuracy"} == {"valtest-accuracy"}
    assert {trial.seed for trial in api.query_by_index(index, "cifar10").values()} == {"777"}


def test_both_forms_of_a_pth_hold_the_same(tmp_path: Path) -> None:
    content = official.nasbench201(3, epochs=SHORT)
    load = needed("torch").load
    legacy = official.write_pth(content, tmp_path / "legacy.pth")
    zipped = official.write_pth(content, tmp_path / "zipped.pth", legacy=False)
    assert (legacy.read_bytes()[:2], zipped.read_bytes()[:2]) == (b"\x80\x02", b"PK")
    for path in (legacy, zipped):
        assert load(path, weights_only=False) == content


def test_the_official_package_reads_the_compressed_files_of_both_spaces(tmp_path: Path) -> None:
    nats = needed("nats_bench")
    for space, make in (("tss", official.topology), ("sss", official.size)):
        content = make(3, epochs=SHORT)
        file = official.write_pbz2(content, tmp_path / space)
        folder = official.write_simple(content, tmp_path / f"{space}-simple")
        whole = nats.create(str(file), space, fast_mode=False, verbose=False)
        parts = nats.create(str(folder), space, fast_mode=True, verbose=False)
        assert whole.get_more_info(2, "ImageNet16-120", is_random=777) == parts.get_more_info(
            2, "ImageNet16-120", is_random=777
        )
