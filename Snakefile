"""The study, from the repository's root. Its stages stand in workflow/Snakefile, where Snakemake looks for them in a repository."""


include: "workflow/Snakefile"


rule study:
    """The whole study: every table and every figure."""
    default_target: True  # a rule that is included is no default target
    input:
        rules.all.input,
    localrule: True
