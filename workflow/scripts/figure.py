"""One figure of the article, with its caption."""

from benchmark.figures import draw
from benchmark.figures.scene import Scene
from benchmark.jobs.job import job
from benchmark.print.style import save
from benchmark.print.typeset import write_caption

with job(snakemake) as say:
    files = {key: snakemake.input.get(key) for key in ("detail", "volumes", "gaps", "restored", "scores")}
    figure, caption = draw(Scene(**snakemake.params.scene, files=files))
    save(figure, snakemake.output.png, snakemake.output.pdf)
    write_caption(snakemake.output.caption, caption)
    say(caption)
