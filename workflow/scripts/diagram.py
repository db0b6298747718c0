"""One diagram of the article, drawn from the config."""

from benchmark.figures import draw
from benchmark.figures.setting import Setting
from benchmark.jobs.job import job
from benchmark.print.style import save
from benchmark.print.typeset import write_caption

with job(snakemake) as say:
    figure, caption = draw(Setting(**snakemake.params.setting))
    save(figure, snakemake.output.png, snakemake.output.pdf)
    write_caption(snakemake.output.caption, caption)
    say(caption)
