"""New slices between two slices by one method, for the figures and the survey."""

from pathlib import Path

from benchmark.figures.detail import read_detail
from benchmark.figures.gaps import gap, restore_gap
from benchmark.files import subject_of
from benchmark.jobs.job import job
from benchmark.jobs.restoration import Restoration

with job(snakemake) as say:
    restoration = Restoration(
        weights=snakemake.input.get("weights", []),
        chunk=snakemake.config["compute"]["chunk"],
        **snakemake.params.restoration,
    )
    detail = read_detail(snakemake.input.detail)
    truths = {subject_of(path): Path(path) for path in snakemake.input.volumes}
    for spec in snakemake.params.gaps:
        place = gap(spec, detail)
        restore_gap(restoration, place, truths[place.subject], Path(snakemake.output[0]))
    say(f"{snakemake.wildcards.method}: {len(snakemake.params.gaps)} gaps")
