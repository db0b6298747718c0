"""New slices between two slices, as many as the figures want, by one method."""

from pathlib import Path

from benchmark.figures.detail import read_detail
from benchmark.figures.gaps import gap, restore_gap
from benchmark.jobs.job import job
from benchmark.jobs.restoration import Restoration

with job(snakemake) as say:
    method, params = snakemake.params.method, snakemake.params
    restoration = Restoration(
        method.get("class", snakemake.wildcards.method),
        snakemake.input.get("weights", []),
        options=params.sampling | method["options"],
        chunk=snakemake.config["compute"]["chunk"],
        seed=params.seed,
        dataset=params.dataset,
        **params.compute,
    )
    detail = read_detail(snakemake.input.detail)
    truths = {Path(path).name.removesuffix(".nii.gz"): Path(path) for path in snakemake.input.volumes}
    for spec in params.gaps:
        asked = gap(spec, detail)
        restore_gap(restoration, asked, truths[asked.subject], Path(snakemake.output[0]))
    say(f"{snakemake.wildcards.method}: {len(params.gaps)} gaps")
