"""Input functions of the rules, stage by stage."""

LAYOUTS = f"{RESULTS}/layouts"


def made_layout(wildcards):
    """The layout that a cohort reads, if the workflow makes this layout."""
    local = config["cohorts"][wildcards.cohort].get("local", "")
    inside = Path(local).is_relative_to(LAYOUTS)
    return [f"{LAYOUTS}/{Path(local).relative_to(LAYOUTS).parts[0]}"] if inside else []


def source(wildcards):
    """The scan of a subject; one clear line if the subject is not in the cohort's sheet, or its scan is missing.

    A prepared volume needs no scan, which may be deleted to save space.
    """
    sheet_path = f"{RESULTS}/cohorts/{wildcards.cohort}.tsv"
    sources = {row.subject: row.source for row in cohort_sheet(wildcards.cohort)}
    if wildcards.subject not in sources:
        known = meant(wildcards.subject, sources)
        refuse(str(UserError(f"{sheet_path}: no subject '{wildcards.subject}'{known}")))
    scan = sources[wildcards.subject]
    volume = f"{RESULTS}/volumes/{wildcards.cohort}/{wildcards.subject}.nii.gz"
    if workflow.is_main_process and not (
        os.path.exists(scan) or os.path.exists(volume)
    ):
        refuse(
            f"{scan}: missing since the cohort was drawn; put it back, or delete {sheet_path} to download it again"
        )
    return scan


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


def starting_weights(wildcards):
    """The files from which a training starts; one clear line if the network cannot be trained."""
    try:
        recipe.trainable(config, wildcards.network)
    except UserError as error:
        refuse(str(error))
    return recipe.files_at_start(config, wildcards.network)


def public_downloads():
    """The public weights that the study's trainings start from, except those already on this machine (`local:`)."""
    starts = [
        file
        for network in study_networks(config)
        for file in recipe.files_at_start(config, network)
    ]
    return sorted(
        {file for file in starts if Path(file).parent == Path(DATA, "public")}
    )


def score_files(cohorts, methods=METHODS):
    return [
        f"{RESULTS}/scores/{cohort}/fold{fold}/{method}.csv"
        for cohort in cohorts
        for method in methods
        for fold in folds_of(method)
    ]


DRAWN = {
    cohort: share for cohort, share in config["weights"]["cohorts"].items() if share
}


NO_SHARES = "weights: weights.networks names no network, or weights.cohorts no cohort with a share above 0; config/weights.yaml has both"


def weights_volumes(wildcards):
    """By cohort, the volumes of its patients for cross-validation; test patients are not used."""
    if not DRAWN:
        refuse(NO_SHARES)
    return {
        cohort: volumes(cohort, sheet.cross_validated(cohort_sheet(cohort)))
        for cohort in DRAWN
    }


def weights_shares(wildcards):
    """Relative frequency with which each of these volumes is drawn."""
    return [
        DRAWN[cohort] / len(paths)
        for cohort, paths in weights_volumes(wildcards).items()
        for _ in paths
    ]


def solver(wildcards):
    """Sampler and η in a file's name; `none`: a sampler without η."""
    eta = 0.0 if wildcards.eta == "none" else float(wildcards.eta)
    return {"sampler": wildcards.sampler, "eta": eta}
