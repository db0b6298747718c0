"""Zooms your own scan: the input is a clinical scan, the output a finer volume at the right position, and a page that
describes it.

One function, ``zoom.run.zoom``, is called by the command ``mri-zoom`` (``cli.py``) and by the rule
``snakemake zoom`` (``workflow/scripts/zoom.py``).
"""
