"""Zoom a scan of one's own: a clinical scan goes in, a finer volume comes out, in the right place, with an honest page.

One function, ``zoom.run.zoom``, behind two doors: the command ``mri-zoom`` (``cli.py``) and the rule
``snakemake zoom`` (``workflow/scripts/zoom.py``).
"""
