"""Zooms your own scan: the input is a clinical scan, the output a finer volume at the right position, with an honest
page.

One function, ``zoom.run.zoom``, is called by the command ``mri-zoom`` (``cli.py``) and by the rule
``snakemake zoom`` (``workflow/scripts/zoom.py``).
"""
