"""``python -m benchmark.zoom``: the command ``zoom``, where it is not installed."""

import sys

from benchmark.zoom.cli import main

sys.exit(main())
