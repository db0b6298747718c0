"""The library of the benchmark: volumes, datasets, protocol, metrics, significance, tables and figures.

It does not depend on Snakemake: the scripts in ``workflow/scripts`` call it, and other programs can too.
"""
