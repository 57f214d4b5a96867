"""Quantiles of the gamma distribution against those of SciPy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import gammainc, gammaincinv

from minewatch.detect.pools.gamma import gamma_quantile, lower_incomplete

shapes = st.floats(0.05, 2e5) | st.integers(1, 400).map(float)


@given(shapes, st.floats(1e-5, 1 - 1e-5))
def test_quantiles(shape: float, probability: float) -> None:
    assert gamma_quantile(shape, probability) == pytest.approx(gammaincinv(shape, probability), rel=1e-6)


@given(shapes, st.floats(0.01, 3.0))
def test_probabilities(shape: float, ratio: float) -> None:
    expected = gammainc(shape, ratio * shape)
    assert lower_incomplete(shape, ratio * shape) == pytest.approx(expected, rel=1e-8, abs=1e-9)
