"""Latent diffusion for arbitrary zoom MRI super-resolution (Mármol-Rivera et al., 2025): the benchmark.

The stages in order: cohort → preprocess → protocol → train → restore → score → tables, figures → report.
"""

from snakemake.utils import min_version

min_version("9.0")


configfile: "config/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/resources.smk"
include: "workflow/rules/inputs.smk"
include: "workflow/rules/contest_inputs.smk"
include: "workflow/rules/zoom_inputs.smk"
include: "workflow/rules/cohort.smk"
include: "workflow/rules/preprocess.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/weights.smk"
include: "workflow/rules/restore.smk"
include: "workflow/rules/score.smk"
include: "workflow/rules/plan.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/significance.smk"
include: "workflow/rules/samplers.smk"
include: "workflow/rules/survey.smk"
include: "workflow/rules/inplane.smk"
include: "workflow/rules/contest.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/zoom.smk"
include: "workflow/rules/planning.smk"


rule all:
    """The whole study: every table and every figure."""
    default_target: True
    input:
        rules.tables.input,
        rules.figures.input,
        trained_for_zoom(),
