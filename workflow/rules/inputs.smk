"""What jobs take in, stage by stage: the functions of the stages that follow."""

LAYOUTS = f"{RESULTS}/layouts"


def made_layout(wildcards):
    """The layout that a cohort reads, where it is one of those the workflow makes."""
    local = config["cohorts"][wildcards.cohort].get("local", "")
    inside = Path(local).is_relative_to(LAYOUTS)
    return [f"{LAYOUTS}/{Path(local).relative_to(LAYOUTS).parts[0]}"] if inside else []


def source(wildcards):
    rows = cohort_sheet(wildcards.cohort)
    return next(row.source for row in rows if row.subject == wildcards.subject)


def training_volumes(wildcards):
    rows = cohort_sheet(wildcards.cohort)
    return volumes(wildcards.cohort, sheet.training(rows, int(wildcards.fold)))


def validation_volumes(wildcards):
    rows = cohort_sheet(wildcards.cohort)
    return volumes(wildcards.cohort, sheet.validation(rows, int(wildcards.fold)))


def perceptual_trunk(wildcards):
    training = config["networks"][wildcards.network]["training"]
    net = training.get("perceptual_net", "vgg")
    return (
        [f"{DATA}/trunks/{net}.safetensors"]
        if training.get("perceptual_weight", 0)
        else []
    )


def score_files(cohorts, methods=METHODS):
    return [
        f"{RESULTS}/scores/{cohort}/fold{fold}/{method}.csv"
        for cohort in cohorts
        for method in methods
        for fold in folds_of(method)
    ]
