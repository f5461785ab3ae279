from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from predictornas.supernet.assembly import assembled
from predictornas.supernet.job import SearchJob
from predictornas.supernet.published import METHODS
from predictornas.supernet.state import SearchState
from tests.supernet.search_examples import job


def begun(searched: SearchJob) -> SearchState:
    return assembled(searched, searched.topology, searched.method.partial, searched.method.weights)


def test_weights_and_parameters_are_of_the_seed_alone() -> None:
    first, again, other = (begun(job("darts-1", seed=seed)) for seed in (3, 3, 4))
    for name, values in first.network.state_dict().items():
        assert torch.equal(values, again.network.state_dict()[name])
    assert torch.equal(first.parameters.alpha["normal"], again.parameters.alpha["normal"])
    assert not torch.equal(first.parameters.alpha["normal"], other.parameters.alpha["normal"])
    assert not torch.equal(*(dict(state.network.named_parameters())["classifier.weight"] for state in (first, other)))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_begins_with_the_same_weights_and_less_precision() -> None:
    here, there = (begun(replace(job("darts-1", "nasbench201"), device=device)) for device in ("cpu", "cuda"))
    for name, values in here.network.state_dict().items():
        assert torch.equal(values, there.network.state_dict()[name].cpu())
    assert (here.precision, there.precision) == (torch.float32, torch.bfloat16)
    stem = next(weight for weight in there.network.parameters() if weight.ndim == 4)
    assert stem.is_contiguous(memory_format=torch.channels_last)


def test_settings_reach_the_optimisers() -> None:
    state = begun(job("pc-darts"))
    sgd, adam = state.weight_optimiser.param_groups[0], state.architecture_optimiser.param_groups[0]
    assert (sgd["lr"], sgd["momentum"], sgd["weight_decay"]) == (0.1, 0.9, 3e-4)
    assert (adam["lr"], adam["betas"], adam["weight_decay"]) == (6e-4, (0.5, 0.999), 1e-3)
    assert state.parameters.beta is not None
    assert begun(job("darts-1")).parameters.beta is None


def test_label_smoothing() -> None:
    """With logits of 0 and ln 3 the loss of label 0 at a smoothing of 0.5 is ln 4 - (0.25 ln 3)."""
    weights = replace(METHODS["darts-1"].weights, label_smoothing=0.5)
    state = begun(job(replace(METHODS["darts-1"], weights=weights)))
    logits = torch.tensor([[0.0, 3.0]]).clamp(max=1.0) * torch.log(torch.tensor(3.0))
    expected = torch.log(torch.tensor(4.0)) - 0.25 * torch.log(torch.tensor(3.0))
    torch.testing.assert_close(state.loss(logits, torch.tensor([0])), expected)
