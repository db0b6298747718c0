"""The patients of the contest, and the scores for its tables."""

CONTEST = config["contest"]


def held_out(wildcards):
    """The patients that the fold's networks never saw; all patients in fold 0 (methods without networks).

    With one fold, networks are trained on all patients, so there is no contest.
    """
    if len(FOLDS) < 2:
        refuse(
            "contest: with study.folds: 1 the networks have seen every patient; set study.folds to 2 or more"
        )
    rows = cohort_sheet(wildcards.cohort)
    fold = int(wildcards.fold)
    return sheet.validation(rows, fold) if fold else sheet.cross_validated(rows)


def with_shared_networks(methods):
    """Labels of methods with networks that, in folds 2 and up, were trained on patients that the fold holds out."""
    return [
        config["methods"][method]["label"]
        for method in methods
        if len(FOLDS) > 1 and set(SHARED) & set(needed_networks(config, method))
    ]


def contest_files(methods, folds):
    return [
        f"{RESULTS}/contest/{cohort}/fold{fold}/{method}.csv"
        for cohort in CONTEST["cohorts"]
        for method in dict.fromkeys(methods)
        for fold in (folds if config["methods"][method]["networks"] else [0])
    ]


def pictured(wildcards):
    """The patients of fold 1, which the figure shows; one clear line for a cohort outside the contest."""
    if wildcards.cohort not in CONTEST["cohorts"]:
        refuse(
            f"contest: contest.cohorts does not name {wildcards.cohort}; add it there"
        )
    return sheet.validation(cohort_sheet(wildcards.cohort), 1)


def contest_parts():
    """Scores of every variant and of its base method."""
    return contest_files(
        [v for group in CONTEST["parts"] for v in (group["of"], *group["variants"])],
        CONTEST["parts_folds"],
    )
