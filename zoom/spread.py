"""Where the result is least certain: the spread of several samples, voxel by voxel."""

from pathlib import Path

import numpy as np

from zoom.store import Store, block_length, blocks


class Spread:
    """Standard deviation over samples (Welford's running sums), on disk; sample after sample of (S', H, W)."""

    def __init__(self, shape: tuple[int, int, int], folder: Path) -> None:
        self.count = 0
        self.mean, self.deviation = Store(shape, folder), Store(shape, folder)
        self._length = block_length(shape[1] * shape[2] * 4)
        self._total = self._largest = 0.0

    def add(self, sample: Store) -> None:
        """Adds a sample."""
        self.count += 1
        for start, stop in blocks(len(sample), self._length):
            values, mean = sample[start:stop], self.mean[start:stop]
            step = values - mean
            mean += step / self.count
            self.deviation.write(start, self.deviation[start:stop] + step * (values - mean))
            self.mean.write(start, mean)

    def finish(self, scale: float) -> None:
        """Converts ``deviation`` to the sample standard deviation in the scan's units (1 is ``scale`` units)."""
        for start, stop in blocks(len(self.deviation), self._length):
            spread = np.sqrt(self.deviation[start:stop] / (self.count - 1)) * np.float32(scale)
            self._total += float(spread.sum(dtype=np.float64))
            self._largest = max(self._largest, float(spread.max()))
            self.deviation.write(start, spread)

    def summary(self) -> dict[str, float]:
        """Samples, mean and largest spread in the scan's units."""
        return {
            "Samples": self.count,
            "Mean": self._total / float(np.prod(self.deviation.shape)),
            "Largest": self._largest,
        }
