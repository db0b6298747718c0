"""The seed of this commit's inputs before the tests, and the outcomes of the inputs after them."""

import pytest
from fuzz import COUNTS, MORE, SEED


def pytest_report_header() -> str:
    return f"fuzz: seed {SEED}, {MORE:g} times the usual number of inputs (FUZZ_SEED={SEED} FUZZ={MORE:g} repeats this)"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not COUNTS:
        return
    terminalreporter.section(f"fuzz: outcomes of the inputs of seed {SEED}")
    for kind_of_input, count in COUNTS.items():
        shares = ", ".join(f"{count[kind]} {kind}" for kind in ("valid", "refused", "failed"))
        terminalreporter.write_line(f"{kind_of_input}: {count.total()} inputs, {shares}")
