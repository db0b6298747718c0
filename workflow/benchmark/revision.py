"""Which version of the code this is."""

import subprocess
from pathlib import Path


def revision() -> str:
    """Git revision of the code, or ``unknown`` outside a checkout."""
    here = Path(__file__).parent
    found = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=here, capture_output=True, text=True)
    return found.stdout.strip() or "unknown"
