"""Memory does not grow with n: measured from outside, in separate processes."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from zoom_scans import thick

pytestmark = pytest.mark.long
SCRIPT = """
import resource, sys
from pathlib import Path
from benchmark import config
from zoom.cli import main
config.CONFIG = Path(sys.argv[1])
code = main(sys.argv[2:])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
sys.exit(code)
"""


@pytest.mark.parametrize("side", [128, pytest.param(512, marks=pytest.mark.slow)])
@pytest.mark.parametrize("profile", ["point", "gaussian"])
@pytest.mark.parametrize("method", ["linear", "quartet", "quartet_full"])
def test_peak_memory_does_not_grow_with_n(
    save: Callable, config: dict, quartets: Path, tmp_path: Path, side: int, method: str, profile: str
) -> None:
    """1 and 20 new slices per gap (4 and 40 by linear). In memory, the output at 20 would take 80 or 800 MB."""
    slices = 40 if side == 512 else 61
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    scan = save(thick((side, side, slices)), name="scan.nii")
    weights = [] if method == "linear" else ["--weights", str(quartets / f"{method}.safetensors")]
    peaks = []
    for n in (4, 40) if method == "linear" else (1, 20):
        words = [scan, "--n", n, "-o", tmp_path / f"{n}.nii", "--method", method, "--profile", profile, *weights]
        ended = subprocess.run(
            [sys.executable, "-c", SCRIPT, *map(str, [tmp_path / "config.yaml", *words])],
            check=True,
            capture_output=True,
            text=True,
        )
        peaks.append(int(ended.stdout.split()[-1]))  # after the paths of the outputs
    assert max(peaks) < 1.1 * min(peaks)
