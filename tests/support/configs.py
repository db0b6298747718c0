"""The shipped configurations, merged as by ``snakemake --configfile``."""

from pathlib import Path

import yaml
from snakemake.utils import update_config

FOLDER = Path(__file__).parents[2] / "config"


def merged(*names: str, **change) -> dict:
    config: dict = {}
    for name in ("config", *names):
        update_config(config, yaml.safe_load((FOLDER / f"{name}.yaml").read_text()))
    update_config(config, change)
    return config
