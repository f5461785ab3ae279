"""Exported networks: plain torch reads them, a fresh process computes the same, damage is an error."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import torch

from predictornas.architectures import parse
from predictornas.errors import ConfigurationError, DataError
from predictornas.live.augmentation import normalised
from predictornas.live.exported import (
    CARD,
    EXPORTED,
    NOTATION,
    PROGRAM,
    TEXT,
    WEIGHTS,
    NetworkCard,
    export_network,
    load_network,
)
from predictornas.live.trainable_network import NetworkShape, build_network
from predictornas.spaces.registry import get_space

PIXELS = torch.arange(3 * 2 * 9 * 9, dtype=torch.int64).remainder(251).to(torch.uint8).view(3, 2, 9, 9)


def trained(space: str, shape: NetworkShape) -> tuple[torch.nn.Module, NetworkCard]:
    """A network whose running statistics are not those of the start."""
    found = get_space(space)
    genes = found.sample(1, np.random.default_rng(3))[0]
    network = build_network(found, genes, shape, generator=torch.Generator().manual_seed(5))
    card = NetworkCard(
        space, tuple(genes.tolist()), shape, (9, 9), (0.4, 0.5), (0.2, 0.3), ("cat", "dog", "owl"), {"images": "pets"}
    )
    network.train()
    network.path_generator = torch.Generator().manual_seed(1)
    network(normalised(PIXELS, card.mean, card.std))
    return network.eval(), card


@pytest.mark.slow
@pytest.mark.parametrize("space", ["nasbench101", "nasbench201", "darts"])
def test_an_exported_network_computes_what_the_trained_one_does(space: str, tmp_path: Path) -> None:
    network, card = trained(space, NetworkShape(4, 1, 3, 2, auxiliary=space == "darts"))
    files = export_network(network.state_dict(), card, tmp_path)
    assert [file.name for file in files] == [WEIGHTS, CARD, TEXT, NOTATION]
    expected = network(normalised(PIXELS, card.mean, card.std))
    loaded = load_network(tmp_path)
    with torch.no_grad():
        torch.testing.assert_close(
            loaded(normalised(PIXELS, card.mean, card.std)), expected.detach(), atol=1e-6, rtol=0
        )
    for pixels in (PIXELS, PIXELS.numpy()):
        torch.testing.assert_close(loaded.classify(pixels), expected.softmax(1).detach(), atol=1e-6, rtol=0)
    assert parse(tmp_path, space).genes.tolist() == list(card.genes)
    assert loaded.card.class_names == ("cat", "dog", "owl")
    assert not loaded.card.shape.auxiliary
    assert not any(name.startswith("auxiliary") for name in torch.load(files[0], weights_only=True))


def test_what_is_no_batch_of_bytes_is_told(tmp_path: Path) -> None:
    network, card = trained("nasbench201", NetworkShape(2, 1, 3, 2))
    export_network(network.state_dict(), card, tmp_path / EXPORTED)
    loaded = load_network(tmp_path)  # the folder of the training
    for wrong in (PIXELS[0], PIXELS.float() / 255, PIXELS.permute(0, 2, 3, 1), PIXELS[:, :1]):
        with pytest.raises(ConfigurationError, match=r"takes a batch of bytes \(n, 2, height, width\), not "):
            loaded.classify(wrong)


@pytest.mark.thorough
def test_a_fresh_process_without_this_package_runs_the_program(tmp_path: Path) -> None:
    network, card = trained("nasbench201", NetworkShape(4, 1, 3, 2))
    export_network(network.state_dict(), card, tmp_path, program=True)
    images = normalised(PIXELS, card.mean, card.std)
    torch.save(images, tmp_path / "images.pt")
    code = (
        "import sys, torch; sys.modules['predictornas'] = None\n"
        f"network = torch.export.load({str(tmp_path / PROGRAM)!r}).module()\n"
        f"torch.save(network(torch.load({str(tmp_path / 'images.pt')!r})).detach(), {str(tmp_path / 'logits.pt')!r})\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, cwd=tmp_path)
    logits = torch.load(tmp_path / "logits.pt", weights_only=True)
    torch.testing.assert_close(logits, network(images).detach(), atol=1e-6, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("space", "edge"), [("darts-s4", "noise"), ("darts-8", "none")], ids=["noise", "a node without anything"]
)
def test_a_program_takes_any_number_of_images(space: str, edge: str, tmp_path: Path) -> None:
    """Also where operations make their output from the size of their input alone."""
    found = get_space(space)
    edges = f"[('{edge}', 0), ('{edge}', 1)" + ", ('sep_conv_3x3', 0), ('sep_conv_3x3', 1)" * 3 + "]"
    cells = f"normal={edges}, normal_concat=range(2, 6), reduce={edges}, reduce_concat=range(2, 6)"
    genes = parse(f"Genotype({cells})", found).genes
    shape = NetworkShape(2, 3, 3, 2)
    network = build_network(found, genes, shape, generator=torch.Generator().manual_seed(5)).eval()
    card = NetworkCard(space, tuple(genes.tolist()), shape, (9, 9), (0.4, 0.5), (0.2, 0.3), (), {})
    export_network(network.state_dict(), card, tmp_path, program=True)
    loaded = torch.export.load(tmp_path / PROGRAM).module()
    for number in (1, 3, 5):
        images = torch.randn(number, 2, 9, 9)
        logits = loaded(images)
        assert logits.shape == (number, 3)
        if edge == "none":
            torch.testing.assert_close(logits, network(images), atol=1e-6, rtol=0)


@pytest.mark.slow
def test_no_program_of_an_earlier_export_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The text speaks of one where there is one; a network that cannot be traced leaves everything as it was."""
    network, card = trained("nasbench201", NetworkShape(2, 1, 3, 2))
    export_network(network.state_dict(), card, tmp_path, program=True)
    assert PROGRAM in (tmp_path / TEXT).read_text()
    export_network(network.state_dict(), card, tmp_path)
    assert not (tmp_path / PROGRAM).exists()
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.setattr(torch.export, "export", Mock(side_effect=ValueError))
    with pytest.raises(ValueError):
        export_network(network.state_dict(), card, tmp_path, program=True)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_the_text_says_how_to_use_it(tmp_path: Path) -> None:
    network, card = trained("nasbench201", NetworkShape(4, 1, 3, 2))
    export_network(network.state_dict(), card, tmp_path)
    text = (tmp_path / TEXT).read_text()
    for said in ("cat, dog, owl", "mean (0.4, 0.5) and std (0.2, 0.3)", "load_network", "weights_only=True", "pets"):
        assert said in text
    assert PROGRAM not in text


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    network, card = trained("nasbench201", NetworkShape(4, 1, 3, 2))
    other, _ = trained("nasbench201", NetworkShape(5, 1, 3, 2))
    with pytest.raises(ConfigurationError, match="another network"):
        export_network(other.state_dict(), card, tmp_path)
    assert not list(tmp_path.iterdir())
    export_network(network.state_dict(), card, tmp_path)
    torch.save(other.state_dict(), tmp_path / WEIGHTS)
    with pytest.raises(DataError, match="another network"):
        load_network(tmp_path)


def test_damage_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    network, card = trained("nasbench201", NetworkShape(4, 1, 3, 2))
    export_network(network.state_dict(), card, tmp_path)
    whole = (tmp_path / WEIGHTS).read_bytes()
    (tmp_path / WEIGHTS).write_bytes(whole[:1000])
    with pytest.raises(DataError, match=WEIGHTS):
        load_network(tmp_path)
    (tmp_path / WEIGHTS).unlink()
    with pytest.raises(DataError, match=f"no {WEIGHTS}"):
        load_network(tmp_path)
    entries = json.loads((tmp_path / CARD).read_text())
    for broken in ({**entries, "format": 9}, {**entries, "shape": 3}, {**entries, "extra": 1}, [], {}):
        (tmp_path / CARD).write_text(json.dumps(broken))
        with pytest.raises(DataError, match=CARD):
            load_network(tmp_path)
