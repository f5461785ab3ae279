import numpy as np
from sklearn.datasets import load_digits

from predictornas.live.images.scikit_digits import digit_pixels, scikit_digits


def test_ink_of_sixteen_becomes_white():
    pixels, labels = digit_pixels()
    source = load_digits()
    assert pixels.shape == (1797, 8, 8)
    assert np.array_equal(labels, source.target)
    assert np.array_equal(pixels, np.floor(source.images / 16 * 255 + 0.5))


def test_every_third_digit_is_for_the_test():
    data = scikit_digits()
    pixels, labels = digit_pixels()
    assert (len(data.train), len(data.test), data.classes) == (1198, 599, 10)
    assert np.array_equal(data.test.pixels[:, 0].numpy(), pixels[::3])
    assert np.array_equal(data.train.labels.numpy(), np.delete(labels, slice(None, None, 3)))
    assert data.train.labels.unique().tolist() == data.test.labels.unique().tolist() == list(range(10))
