"""One figure of the article, with its caption."""

from benchmark.figures import draw
from benchmark.figures.scene import Scene
from benchmark.files import written
from benchmark.jobs.job import job
from benchmark.print.style import save
from benchmark.print.typeset import rst_escape

with job(snakemake) as say:
    files = {key: snakemake.input.get(key) for key in ("detail", "volumes", "gaps", "restored", "scores")}
    figure, caption = draw(Scene(**snakemake.params.scene, files=files))
    save(figure, snakemake.output.png, snakemake.output.pdf)
    with written(snakemake.output.caption) as aside:
        aside.write_text(rst_escape(caption) + "\n")
    say(caption)
