import numpy as np
import torch

from predictornas.predictors.networks.rnn_network import RNNNetwork


def network(width=3, hidden=4, layers=2, seed=0):
    return RNNNetwork(width, hidden=hidden, layers=layers, generator=torch.Generator().manual_seed(seed))


def test_forward_is_the_textbook_lstm():
    net = network()
    sequences = torch.rand(5, 6, 3, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        scores = net(sequences).numpy()
    weights = {name: value.detach().numpy().astype(np.float64) for name, value in net.named_parameters()}

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    inputs = sequences.numpy().astype(np.float64)
    for layer in range(2):
        hidden = cell = np.zeros((5, 4))
        states = []
        for step in range(6):
            total = inputs[:, step] @ weights[f"recurrence.weight_ih_l{layer}"].T
            total = total + hidden @ weights[f"recurrence.weight_hh_l{layer}"].T
            total = total + weights[f"recurrence.bias_ih_l{layer}"] + weights[f"recurrence.bias_hh_l{layer}"]
            enter, forget, new, leave = np.split(total, 4, axis=1)
            cell = sigmoid(forget) * cell + sigmoid(enter) * np.tanh(new)
            hidden = sigmoid(leave) * np.tanh(cell)
            states.append(hidden)
        inputs = np.stack(states, axis=1)
    expected = hidden @ weights["output.weight"][0] + weights["output.bias"][0]
    np.testing.assert_allclose(scores, expected, atol=1e-6)


def test_weights_come_from_the_generator_alone():
    torch.manual_seed(0)
    first = network()
    after = torch.rand(())
    torch.manual_seed(0)
    np.testing.assert_array_equal(torch.rand(()), after)  # the global state was not drawn from
    torch.manual_seed(1)
    again, other = network(), network(seed=1)
    for a, b, c in zip(first.parameters(), again.parameters(), other.parameters(), strict=True):
        np.testing.assert_array_equal(a.detach(), b.detach())
        assert not torch.equal(a, c)
        assert a.abs().max() <= 0.5  # 1 / sqrt(4)
        assert a.requires_grad
