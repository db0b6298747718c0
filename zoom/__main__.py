"""``python -m zoom``: the command ``mri-zoom``, if it is not installed."""

import sys

from zoom.cli import main

sys.exit(main())
