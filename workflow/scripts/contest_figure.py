"""The contest as a picture: only the one slice that is shown is restored."""

from pathlib import Path

from benchmark.contest.figure import draw, most_detail, shown
from benchmark.files import written
from benchmark.jobs.job import job
from benchmark.jobs.restoration import Restoration, inputs
from benchmark.print.style import save
from benchmark.print.typeset import rst_escape
from benchmark.scores.aggregate import read_scores

with job(snakemake) as say:
    params, methods = snakemake.params, snakemake.params.about["methods"]
    files = {Path(path).stem: path for path in snakemake.input.weights}
    subject, truth, removal, place = most_detail(snakemake.input.volumes, snakemake.input.removals)
    cohort, restored = snakemake.wildcards.cohort, {}
    for name in shown(read_scores(snakemake.input.scores), cohort, methods):
        sampling = params.about["sampling"] if "ldm" in methods[name]["networks"] else {}
        weights = [files[network] for network in methods[name]["networks"]]
        options = {"options": sampling | methods[name]["options"], "chunk": 16, "seed": params.seed}
        restoration = Restoration(
            methods[name].get("class", name), weights, dataset=params.dataset, **options, **params.compute
        )
        restorer = restoration.build(subject)
        restored[name] = restorer.restore(*inputs(restorer, truth, removal), [place])[0]
    labels = {key: method["label"] for key, method in methods.items()}
    figure, caption = draw(subject, truth[place], place, restored, labels, params.about["cohorts"][cohort]["label"])
    save(figure, snakemake.output.png, snakemake.output.pdf)
    with written(snakemake.output.caption) as aside:
        aside.write_text(rst_escape(caption) + "\n")
    say(caption)
