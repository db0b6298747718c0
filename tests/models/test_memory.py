"""The number of slices per chunk."""

import pytest

from models import memory
from models.method import method
from models.streaming import CPU_CHUNK


@pytest.mark.parametrize(
    ("slices", "memory_bytes", "expected"),
    [
        (155, 10_000, 155),  # all slices
        (155, 1_000, 78),  # 91 would fit: two equal chunks
        (155, 100, 1),  # not even one slice fits, but this is the smallest chunk
        (155, 120, 3),
        (1000, 10**6, 250),  # larger chunks are not faster
    ],
)
def test_largest_equal_chunks_that_fit_memory_are_chosen(slices: int, memory_bytes: int, expected: int) -> None:
    assert memory.fitting(slices, memory_bytes, first=100, further=10) == expected


def test_cpu_chunk_is_16_unless_given() -> None:
    assert method("linear").chunk == CPU_CHUNK == 16
    assert method("linear", chunk=3).chunk == 3
