"""Biases by distance, against the definition."""

import pytest
import torch

from kernels.models.blocks.positions import RelativeBias, bucket


@pytest.mark.parametrize("both_ways", [True, False])
@pytest.mark.parametrize(("num_queries", "num_keys"), [(1, 1), (7, 7), (33, 33), (1, 20), (3, 20)])
def test_each_query_and_key_has_the_bias_of_its_distance_and_gives_the_table_its_gradient(num_queries: int, num_keys: int, both_ways: bool) -> None:
    module = RelativeBias(3, 8, 16, both_ways=both_ways)
    torch.nn.init.normal_(module.weight, generator=torch.Generator().manual_seed(1))
    queries = torch.arange(num_keys - num_queries, num_keys)
    places = bucket(torch.arange(num_keys) - queries[:, None], 8, 16, both_ways=both_ways)
    found = module(num_queries, num_keys)
    assert torch.equal(found, module.weight[places].permute(2, 0, 1))
    weight = torch.randn(3, num_queries, num_keys, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    (gradient,) = torch.autograd.grad((found.double() * weight).sum(), module.weight)
    expected = torch.zeros(8, 3, dtype=torch.float64).index_add(0, places.flatten(), weight.flatten(1).T)
    torch.testing.assert_close(gradient.double(), expected, rtol=1e-5, atol=1e-5)
