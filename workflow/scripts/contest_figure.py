"""The contest as a picture; only the slice in the picture is restored."""

from benchmark.contest.figure import draw, most_detail, shown
from benchmark.datasets import of_cohort
from benchmark.jobs.job import job
from benchmark.jobs.restoration import Restoration, inputs
from benchmark.print.style import save
from benchmark.print.typeset import write_caption
from benchmark.scores.aggregate import read_scores

with job(snakemake) as say:
    labels, cohort = snakemake.params.labels, snakemake.wildcards.cohort
    dataset = of_cohort(snakemake.config["cohorts"][cohort], snakemake.config["data"])
    subject, truth, removal, place = most_detail(snakemake.input.volumes, snakemake.input.removals, dataset.shown)
    restored, restorations = {}, snakemake.params.restorations
    classes = {name: restoration["name"] for name, restoration in restorations.items()}
    for name in shown(read_scores(snakemake.input.scores), cohort, labels["methods"], classes):
        restoration = Restoration(
            weights=snakemake.params.weights[name],
            chunk=snakemake.config["compute"]["chunk"],
            **restorations[name],
        )
        restorer = restoration.build(subject)
        restored[name] = restorer.restore(*inputs(restorer, truth, removal), [place])[0]
    methods = {key: method["label"] for key, method in labels["methods"].items()}
    figure, caption = draw(subject, truth[place], place, restored, methods, labels["cohorts"][cohort]["label"])
    save(figure, snakemake.output.png, snakemake.output.pdf)
    write_caption(snakemake.output.caption, caption)
    say(caption)
