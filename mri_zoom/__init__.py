"""Zooms MRI scans from Python: ``from mri_zoom import zoom``. docs/zoom.md shows how."""

from benchmark.errors import UserError
from benchmark.project import version
from zoom.api import zoom

__all__ = ["UserError", "zoom"]
__version__ = version()
