"""Trained networks leave: weights that plain torch reads, and beside them all that it takes to use them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from predictornas.errors import ConfigurationError, DataError, StoreError
from predictornas.files import writing_file
from predictornas.live.augmentation import normalised
from predictornas.live.trainable_network import CellNetwork, NetworkShape, build_network
from predictornas.reading import read_text
from predictornas.spaces.registry import get_space

WEIGHTS, CARD, TEXT, NOTATION, PROGRAM = "weights.pt", "network.json", "README.txt", "architecture.txt", "network.pt2"
"""The files of an exported network."""

EXPORTED = "exported"
"""Folder of the files below that of a training."""

FORMAT = 1
"""Counted up when older files can no longer be read."""

_HOW = """{what}

In any Python with torch, without this package:

    weights = torch.load("{weights}", weights_only=True)    # a state dict, in float32 on the CPU
{program}
The images that the network takes: float32, {channels} x {height} x {width}, (pixel / 255 - mean) / std
with mean {mean} and std {std}. Other sizes of at least 8 x 8 work too; torch.export's program takes this one alone.
The classes, in the order of the outputs: {classes}.

With predictornas {version}, which made these files:

    from predictornas.live.exported import load_network
    network = load_network("this folder")                  # in evaluation mode
    logits = network(images)                               # normalised images
    probabilities = network.classify(pixels)               # uint8 pixels (n, {channels}, height, width)

The module itself is `build_network(get_space({space!r}), genes, shape, generator=...)` of
predictornas.live.trainable_network; genes and shape are in {card}.
"""


@dataclass(frozen=True)
class NetworkCard:
    """All that it takes to use a trained network, apart from its weights.

    Attributes:
        space: name of the search space.
        genes: the architecture.
        shape: depth and width of the network, without an auxiliary head, which only training needs.
        image_size: height and width of the images that it was trained on.
        mean: of each channel, by which pixels / 255 are normalised.
        std: of each channel, likewise.
        class_names: in the order of the outputs; empty where nobody knows.
        training: what is known about the training, as JSON has it.
    """

    space: str
    genes: tuple[int, ...]
    shape: NetworkShape
    image_size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    class_names: tuple[str, ...]
    training: Mapping[str, Any]


class ExportedNetwork(nn.Module):
    """A trained network with what it knows about its images.

    Args:
        network: in evaluation mode.
        card: what it was made of.

    Attributes:
        network: as given.
        card: as given.
    """

    def __init__(self, network: CellNetwork, card: NetworkCard) -> None:
        super().__init__()
        self.network = network
        self.card = card

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n classes"]:
        """Logits of normalised images."""
        logits: Tensor = self.network(images)
        return logits

    @torch.inference_mode()
    def classify(self, pixels: UInt8[Tensor, "n c h w"] | UInt8[np.ndarray, "n c h w"]) -> Float[Tensor, "n classes"]:
        """Probabilities of the classes of images as they are: bytes, not normalised; a tensor or an array.

        Raises:
            ConfigurationError: another type or shape; says what is taken.
        """
        given = torch.as_tensor(pixels)
        if given.dtype != torch.uint8 or given.ndim != 4 or given.shape[1] != self.card.shape.in_channels:
            raise ConfigurationError(
                f"classify() takes a batch of bytes (n, {self.card.shape.in_channels}, height, width), not "
                f"{str(given.dtype).removeprefix('torch.')} {tuple(given.shape)}. One image is image[None]; channels "
                "that stand last are moved by .permute(2, 0, 1)."
            )
        images = normalised(given, self.card.mean, self.card.std)
        probabilities: Tensor = self(images).softmax(1)
        return probabilities


def export_network(
    weights: Mapping[str, Tensor], card: NetworkCard, folder: Path, *, program: bool = False
) -> list[Path]:
    """Writes the weights, a card that says what they belong to, and a text that says how to use both.

    Args:
        weights: the state dict of the network that was trained; those of an auxiliary head are left out.
        card: what the network is.
        folder: where the files go.
        program: whether `torch.export` writes the whole computation too, for any number of images; if not, one that an
            earlier export wrote is removed.

    Returns:
        The files.

    Raises:
        ConfigurationError: weights of another network.
        StoreError: a file cannot be written.
    """
    from predictornas import __version__

    card = replace(card, shape=replace(card.shape, auxiliary=False))
    kept = {
        name: tensor.detach().to("cpu", torch.float32 if tensor.is_floating_point() else tensor.dtype).contiguous()
        for name, tensor in weights.items()
        if not name.startswith("auxiliary_head.")
    }
    network = _network(card, kept)
    texts = {
        CARD: json.dumps({"format": FORMAT, **asdict(card)}, indent=2) + "\n",
        TEXT: _text(card, program, __version__),
        NOTATION: get_space(card.space).describe(np.array(card.genes, np.int8)) + "\n",
    }
    if program:  # first, because a network that cannot be traced leaves everything as it was
        with writing_file(folder / PROGRAM) as place:
            _write_program(network, card, place)
    else:
        _remove(folder / PROGRAM)
    with writing_file(folder / WEIGHTS) as place:
        torch.save(kept, place)
    for name, text in texts.items():
        with writing_file(folder / name) as place:
            place.write_text(text, encoding="utf-8")
    return [folder / name for name in (WEIGHTS, *texts, *([PROGRAM] if program else []))]


def load_network(folder: str | Path) -> ExportedNetwork:
    """An exported network in evaluation mode, on the CPU.

    Example:
        >>> from predictornas.live.exported import load_network
        >>> network = load_network("exported")  # doctest: +SKIP

    Args:
        folder: what `export_network` wrote, or the folder of a training that has it as `exported`.

    Raises:
        DataError: a file is missing, damaged or of another network. Nothing in the files is executed.
    """
    folder = Path(folder)
    if not (folder / CARD).is_file() and (folder / EXPORTED / CARD).is_file():
        folder /= EXPORTED
    card = _card(folder / CARD)
    try:
        weights = torch.load(folder / WEIGHTS, map_location="cpu", weights_only=True)
        return ExportedNetwork(_network(card, weights), card).eval()
    except FileNotFoundError:
        raise DataError(f"{folder} has no {WEIGHTS}. Export the network again.") from None
    except ConfigurationError as error:
        raise DataError(f"{folder / WEIGHTS}: {error}") from error
    except Exception as error:  # torch has many for a file that is not its own
        raise DataError(
            f"{folder / WEIGHTS} holds no weights ({type(error).__name__}). Export the network again."
        ) from error


def _network(card: NetworkCard, weights: Mapping[str, Tensor]) -> CellNetwork:
    generator = torch.Generator().manual_seed(0)
    network = build_network(get_space(card.space), np.array(card.genes, np.int8), card.shape, generator=generator)
    try:
        network.load_state_dict(dict(weights))
    except (RuntimeError, AttributeError, TypeError) as error:
        raise ConfigurationError("These are the weights of another network. Export the network again.") from error
    return network.eval()


def _write_program(network: CellNetwork, card: NetworkCard, place: Path) -> None:
    example = torch.zeros(2, card.shape.in_channels, *card.image_size)
    any_number = ({0: torch.export.Dim("images", min=1)},)
    with place.open("wb") as stream:  # by its path torch would ask for an ending that a file in the making has not
        torch.export.save(torch.export.export(network, (example,), dynamic_shapes=any_number), stream)


def _remove(path: Path) -> None:
    try:
        with suppress(FileNotFoundError, NotADirectoryError):  # nothing there
            path.unlink()
    except OSError as error:
        raise StoreError(f"Could not remove {path}: {error.strerror}. Export to another folder.") from error


def _card(path: Path) -> NetworkCard:
    again = "Export the network again."
    try:
        entries = json.loads(read_text(path, remedy=again))
        if entries.pop("format") != FORMAT:
            raise DataError(f"{path} was written by another version of this package. {again}")
        entries["shape"] = NetworkShape(**entries["shape"])
        for name in ("genes", "image_size", "mean", "std", "class_names"):
            entries[name] = tuple(entries[name])
        return NetworkCard(**entries)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} does not describe a network ({type(error).__name__}). {again}") from error


def _text(card: NetworkCard, program: bool, version: str) -> str:
    height, width = card.image_size
    return _HOW.format(
        what=f"A network of the space {card.space}: {card.shape.cells} cells, {card.shape.channels} channels, trained "
        f"on {card.training.get('images', 'images')} for {card.training.get('epochs', 'some')} epochs.",
        weights=WEIGHTS,
        card=CARD,
        program=f'    network = torch.export.load("{PROGRAM}").module()         # takes any number of images\n'
        if program
        else "",
        channels=card.shape.in_channels,
        height=height,
        width=width,
        mean=_numbers(card.mean),
        std=_numbers(card.std),
        classes=", ".join(card.class_names) or f"0 to {card.shape.classes - 1}, without names",
        version=version,
        space=card.space,
    )


def _numbers(values: Sequence[float]) -> str:
    return "(" + ", ".join(f"{value:.6g}" for value in values) + ")"
