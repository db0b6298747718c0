"""The form of the survey and its key."""

from pathlib import Path

from benchmark import volume
from benchmark.figures.detail import read_detail
from benchmark.figures.gaps import gap
from benchmark.files import written
from benchmark.jobs.job import job
from benchmark.survey.kit import codes, form, kit_name, pictures, write_key

with job(snakemake) as say:
    params = snakemake.params
    key = codes(params.methods, params.seed)
    shown = gap(params.gap, read_detail(snakemake.input.detail[0]))
    folders = {Path(folder).name: Path(folder) for folder in snakemake.input.gaps}
    slices = {code: volume.read(folders[method] / shown.file)[0][1:-1] for code, method in key.items()}
    sequences = pictures(slices)
    with written(snakemake.output.form) as aside:
        aside.write_text(form(sequences), encoding="utf-8")
    write_key(snakemake.output.key, key, kit_name(sequences))
    say(f"{len(key)} sequences of {shown.n} slices; send out {snakemake.output.form}, keep {snakemake.output.key}")
