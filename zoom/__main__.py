"""``python -m zoom``: the command ``mri-zoom``, where it is not installed."""

import sys

from zoom.cli import main

sys.exit(main())
