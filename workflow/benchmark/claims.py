"""Which claims "A is better than B" a study tests (section 3.4). Read while rules are parsed: it imports nothing."""

from collections.abc import Mapping


def pairs(methods: Mapping[str, str], ours: str, reference: str = "linear") -> list[tuple[str, str]]:
    """(A, B) for each claim: ours over every other method, and every other one over ``reference``.

    ``methods``: kind by key, in order. Oracles, which see the truth, are not compared.
    """
    honest = [method for method, kind in methods.items() if kind != "oracle"]
    over_others = [(ours, method) for method in honest if method != ours]
    over_reference = [(method, reference) for method in honest if reference in honest and method != reference]
    return over_others + [pair for pair in over_reference if pair not in over_others]
