import io

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from predictornas.errors import ConfigurationError
from predictornas.plots.cells import draw_cells, draw_genotype
from predictornas.spaces.genotypes import NAMED_GENOTYPES
from predictornas.spaces.nasbench101 import NASBench101
from predictornas.spaces.nasbench201 import NASBench201, from_strings
from predictornas.spaces.product import ProductSpace
from predictornas.spaces.registry import get_space

EMPTY = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"


def _rendered(figure: Figure) -> int:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=50)
    return len(stream.getvalue())


def _texts(axes: Axes) -> list[str]:
    return sorted(text.get_text() for text in axes.texts)


def _patches(axes: Axes, kind: type) -> int:
    return sum(isinstance(patch, kind) for patch in axes.patches)


def _overlaps(figure: Figure) -> int:
    """Pairs of texts that lie on each other once drawn, and boxes too small for their text."""
    FigureCanvasAgg(figure).draw()
    count = 0
    for axes in figure.axes:
        extents = [text.get_window_extent() for text in [*axes.texts, axes.title, axes._left_title] if text.get_text()]
        count += sum(one.overlaps(other) for place, one in enumerate(extents) for other in extents[:place])
        for patch in axes.patches:
            if isinstance(patch, FancyBboxPatch):
                box = patch.get_window_extent()
                inside = [
                    text for text in axes.texts if box.contains(*text.get_window_extent().get_points().mean(axis=0))
                ]
                extent = inside[0].get_window_extent()
                count += not (box.x0 < extent.x0 and extent.x1 < box.x1 and box.y0 < extent.y0 and extent.y1 < box.y1)
    return count


@pytest.mark.slow
@pytest.mark.parametrize("name", ["DARTS-V2", "DrNAS-CIFAR10", "PC-DARTS-ImageNet"])
def test_genotypes_side_by_side(name: str) -> None:
    genotype = NAMED_GENOTYPES[name]
    figure = draw_genotype(genotype, title=name)
    assert figure.get_suptitle() == name
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["normal cell", "reduction cell"]
    boxes = ["$c_{k-2}$", "$c_{k-1}$", "0", "1", "2", "3", "$c_{k}$"]
    for axes, cell in zip(figure.axes, (genotype.normal, genotype.reduce), strict=True):
        assert _texts(axes) == sorted(boxes + [operation for operation, _ in cell])
        assert _patches(axes, FancyBboxPatch) == 7
        assert _patches(axes, FancyArrowPatch) == 8 + 4
    assert _overlaps(figure) == 0
    assert _rendered(figure) > 5_000


@pytest.mark.slow
def test_random_cells_have_no_label_on_another(rng: np.random.Generator) -> None:
    for name in ("darts-8", "nasbench201"):
        space = get_space(name)
        for row in space.sample(3, rng):
            assert _overlaps(draw_cells(space, row)) == 0


@pytest.mark.slow
def test_cut_edges_are_left_out() -> None:
    space = get_space("darts-s3")
    row = np.tile(np.array([0, 0, 1, 2], np.int8), 8)
    figure = draw_cells(space, row, note="Mine.")
    assert (figure.get_suptitle(), figure.get_supxlabel()) == ("darts-s3", "Mine.")
    assert _texts(figure.axes[0]).count("sep_conv_3x3") == 4
    assert "none" not in _texts(figure.axes[0])
    cell = from_strings([EMPTY.replace("none~1|+", "avg_pool_3x3~1|+", 1)])[0]
    (axes,) = draw_cells(NASBench201(), cell).axes
    assert _texts(axes) == ["1", "2", "avg_pool_3x3", "input", "output"]
    assert _patches(axes, FancyArrowPatch) == 1


def test_a_cell_without_any_edge_can_be_drawn() -> None:
    assert _rendered(draw_cells(NASBench201(), from_strings([EMPTY])[0])) > 1_000


def test_cells_of_nasbench101_have_their_operations_in_boxes() -> None:
    space = NASBench101()
    adjacency = np.array([[[0, 1, 1, 0], [0, 0, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0]]], np.uint8)
    row = space.from_matrices(adjacency, np.array([[3, 0, 2, 4]], np.int8))[0]
    (axes,) = draw_cells(space, row, title="Mine").axes
    assert _texts(axes) == ["conv3x3", "input", "maxpool3x3", "output"]
    assert _patches(axes, FancyArrowPatch) == 5


def test_a_part_of_a_space_is_drawn_as_the_space() -> None:
    space = get_space("nasbench201")
    part = space.restricted_to(space.enumerated_keys()[:50])
    assert draw_cells(part, part.enumerate()[49]).get_suptitle() == "NAS-Bench-201"


def test_an_unknown_space_is_refused() -> None:
    class Mine(ProductSpace):
        name = "mine"
        num_choices = (2, 2)
        graphs = NASBench201.graphs

    with pytest.raises(ConfigurationError, match="space 'mine' cannot be drawn"):
        draw_cells(Mine(), np.zeros(2, np.int8))
