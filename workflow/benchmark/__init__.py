"""The library of the benchmark: volumes, datasets, protocol, metrics, significance, tables and figures.

Knows nothing of Snakemake: the scripts in ``workflow/scripts`` call it, and so can anyone else.
"""
