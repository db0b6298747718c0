"""One diagram of the article, drawn from the config."""

from benchmark.figures import draw
from benchmark.figures.setting import Setting
from benchmark.files import written
from benchmark.jobs.job import job
from benchmark.print.style import save
from benchmark.print.typeset import rst_escape

with job(snakemake) as say:
    figure, caption = draw(Setting(**snakemake.params.setting))
    save(figure, snakemake.output.png, snakemake.output.pdf)
    with written(snakemake.output.caption) as aside:
        aside.write_text(rst_escape(caption) + "\n")
    say(caption)
