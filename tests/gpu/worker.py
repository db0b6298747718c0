"""One group of checks in a separate process: a broken device context does not affect other groups.

Lines that begin with ``MARK`` are JSON: a check that begins, or its outcome. All other output is a log.
"""

import argparse
import json
import os
import sys
import time
import traceback
from dataclasses import asdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow"), str(Path(__file__).parent)]

from board import FAILED, OK, SKIPPED, Outcome  # noqa: E402
from groups import groups  # noqa: E402
from setting import Check, Setting, Skipped  # noqa: E402

MARK = "@@ "


def main() -> None:
    """Runs the checks of a group that fit into the time left."""
    parser = argparse.ArgumentParser()
    parser.add_argument("group")
    parser.add_argument("--device", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--trunks", type=Path)
    parser.add_argument("--cores", type=int, required=True)
    parser.add_argument("--until", type=float, required=True, help="time.time() at which all must have ended")
    parser.add_argument("--eager", action="store_true")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    channel = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print goes to the log
    setting = Setting(given.device, given.folder, given.trunks, given.cores)
    for check in groups(not given.eager)[given.group]:
        channel.write(MARK + json.dumps({"begins": check.name}) + "\n")
        channel.write(MARK + json.dumps(asdict(run(check, setting, given.until - time.time()))) + "\n")


def run(check: Check, setting: Setting, left: float) -> Outcome:
    """The check's outcome, whatever it raises; ``left``: seconds."""
    if left < check.estimate:
        return Outcome(check.name, SKIPPED, 0.0, f"{left:.0f} s are left and it takes about {check.estimate:.0f}")
    began = time.monotonic()
    try:
        detail = check.call(setting)
        return Outcome(check.name, OK, time.monotonic() - began, detail)
    except Skipped as reason:
        return Outcome(check.name, SKIPPED, time.monotonic() - began, str(reason))
    except Exception as error:
        lines = traceback.format_exc().splitlines()
        kept = lines if len(lines) <= 60 else [*lines[:8], "  …", *lines[-50:]]
        first = (str(error).splitlines() or [""])[0]
        detail = f"{type(error).__name__}: {first}"[:300]
        return Outcome(check.name, FAILED, time.monotonic() - began, detail, "\n".join(kept))


if __name__ == "__main__":
    main()
