"""All checks by group. The checks of a group depend on each other and run one after another, in a separate process."""

import other_checks
import restoring_checks
import training_checks
from setting import Check


def groups(compiled: bool) -> dict[str, list[Check]]:
    """Groups by name: those apart from networks, then the longest first, so that a lack of time skips the variants of a
    network. ``compiled``: with the checks that compile a network.
    """
    apart, found = other_checks.checks(), {}
    for name in training_checks.networks():
        found[f"train-{name}"] = training_checks.checks(name, compiled)
    for family in restoring_checks.families():
        found[f"restore-{family}"] = restoring_checks.checks(family, compiled)
    return apart | dict(sorted(found.items(), key=lambda group: -sum(check.estimate for check in group[1])))
