"""Score every slice of every restored volume."""


rule trunk:
    """Download the feature extractor that LPIPS needs, and check it by the hash of its tensors."""
    output:
        f"{DATA}/trunks/{{net}}.safetensors",
    log:
        f"{RESULTS}/logs/trunk/{{net}}.log",
    wildcard_constraints:
        net="alex|vgg",
    retries: 0  # a refused download would be refused again
    localrule: True
    conda:
        "../../envs/benchmark.yaml"
    script:
        "../scripts/trunk.py"


rule score:
    """SSIM, PSNR and LPIPS of every slice, full frame and inside the head or brain."""
    input:
        volumes=test_volumes,
        removals=test_removals,
        restored=rules.restore.output[0],
        trunk=f"{DATA}/trunks/alex.safetensors",
    output:
        f"{RESULTS}/scores/{{cohort}}/fold{{fold}}/{{method}}.csv",
    log:
        f"{RESULTS}/logs/score/{{cohort}}/fold{{fold}}/{{method}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/score/{{cohort}}/fold{{fold}}/{{method}}.tsv"
    conda:
        "../../envs/benchmark.yaml"
    script:
        "../scripts/score.py"


rule scores:
    """All scores."""
    input:
        score_files(COHORTS),
