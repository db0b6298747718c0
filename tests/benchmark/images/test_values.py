"""Which intensities are refused: fill values far from all others, in every kind of number, and values too large."""

import numpy as np
import pytest

from benchmark.errors import UserError
from benchmark.images.values import Values


def checked(data: np.ndarray, scale: float = 1.0, offset: float = 0.0) -> None:
    """``data`` as stored, added in two parts, as values."""
    values = Values(data.dtype, scale, offset)
    for part in np.array_split(data, 2):
        values.add(part if (scale, offset) == (1, 0) else part * scale + offset)
    values.check("scan.nii")


@pytest.mark.parametrize(
    ("dtype", "fill"),
    [(np.int16, -(2**15)), (np.int32, -(2**31)), (np.float32, "max"), (np.float32, "min"), (np.float64, "max")],
)
def test_fill_value_is_counted_in_the_numbers_of_the_file(dtype: type, fill: int | str) -> None:
    data = np.arange(100).astype(dtype)
    data[[3, 70, 71]] = getattr(np.finfo(dtype), fill) if isinstance(fill, str) else fill
    with pytest.raises(UserError, match=r"^scan.nii: 3 voxels hold .*, a fill value; all others lie within 0 to 99: "):
        checked(data)


def test_fill_value_of_the_stored_numbers_is_found_after_scaling() -> None:
    data = np.arange(100).astype(np.int16)
    data[5] = -(2**15)
    with pytest.raises(UserError, match=r"1 voxels hold -16374, a fill value; all others lie within 10 to 59.5"):
        checked(data, 0.5, 10)


@pytest.mark.parametrize(("gap", "refused"), [(15_000, False), (20_000, False), (20_001, True)])
def test_lowest_number_is_a_fill_value_beyond_twice_the_range_of_the_others(gap: int, refused: bool) -> None:
    """The others span 10,000; the distance is from the nearer end."""
    data = np.linspace(0, 10_000, 101).astype(np.int16) + np.int16(gap - 2**15)
    data = np.append(data, np.int16(-(2**15)))
    if refused:
        with pytest.raises(UserError, match="a fill value"):
            checked(data)
    else:
        checked(data)


def test_numbers_of_one_byte_have_no_fill_value() -> None:
    checked(np.array([-128, *range(10)], np.int8))
    checked(np.array([255, *range(10)], np.uint8))


@pytest.mark.parametrize(("largest", "refused"), [(4e37, False), (5e37, True)])
def test_values_need_room_for_interpolation_in_single_precision(largest: float, refused: bool) -> None:
    """Single precision ends at 3.4e38, of which an eighth is 4.25e37."""
    data = np.linspace(0, largest, 50).astype(np.float32)
    if refused:
        with pytest.raises(UserError, match=r"values up to 5e\+37; divide the scan by its largest"):
            checked(data)
    else:
        checked(data)


def test_values_that_are_not_finite_are_counted() -> None:
    data = np.arange(12, dtype=np.float32)
    data[[0, 7, 9]] = np.nan, np.inf, -np.inf
    with pytest.raises(UserError, match="3 voxels are NaN or infinite"):
        checked(data)
    with pytest.raises(UserError, match=r"every voxel is 4\.0"):
        checked(np.full(12, 4, np.float32))
