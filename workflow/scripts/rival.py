"""Creates the environment of another author's program: from its pins to its folder."""

import subprocess
import venv
from pathlib import Path

from benchmark.jobs.job import job

with job(snakemake) as say:
    folder = Path(snakemake.output.program).parents[1]
    venv.create(folder, with_pip=True, clear=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install"]
    subprocess.run([*pip, "-r", snakemake.input.pins], check=True)
    say(f"{folder}: installed; `python -m zoom.truth SCAN … --rivals {folder.name}` runs it")
