"""Score every slice of every restored volume."""


rule trunk:
    """Fetch the feature extractor that LPIPS needs, checked by the hash of its tensors."""
    output:
        f"{DATA}/trunks/{{net}}.safetensors",
    log:
        f"{RESULTS}/logs/trunk/{{net}}.log",
    wildcard_constraints:
        net="alex|vgg",
    localrule: True
    script:
        "../scripts/trunk.py"


rule score:
    """SSIM, PSNR and LPIPS of every slice, full frame and brain."""
    input:
        volumes=test_volumes,
        removals=removals,
        restored=rules.restore.output[0],
        trunk=f"{DATA}/trunks/alex.safetensors",
    output:
        f"{RESULTS}/scores/{{cohort}}/fold{{fold}}/{{method}}.csv",
    log:
        f"{RESULTS}/logs/score/{{cohort}}/fold{{fold}}/{{method}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/score/{{cohort}}/fold{{fold}}/{{method}}.tsv"
    script:
        "../scripts/score.py"


def score_files(cohorts, methods=METHODS):
    return [
        f"{RESULTS}/scores/{cohort}/fold{fold}/{method}.csv"
        for cohort in cohorts
        for method in methods
        for fold in folds_of(method)
    ]


rule scores:
    """All scores."""
    input:
        score_files(COHORTS),
