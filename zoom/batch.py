"""Zooms several scans: each failure gives one line, the other scans continue, and the weights are loaded once."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmark.errors import UserError
from benchmark.project import COMMAND
from zoom.choice import choose
from zoom.gather import Task
from zoom.index import write_index
from zoom.loaded import Loaded
from zoom.prepare import place
from zoom.request import Request
from zoom.run import Say, zoom


@dataclass
class Outcome:
    """The result of a batch: the images, and one line for each scan that failed."""

    made: list[Path] = field(default_factory=list)
    failed: dict[Path, str] = field(default_factory=dict)
    reports: list[dict[str, Any]] = field(default_factory=list)


def batch(
    tasks: Sequence[Task],
    ask: Callable[[Task], Request],
    config: Mapping[str, Any],
    say: Say,
    *,
    dry_run: bool = False,
    quiet: bool = False,
    as_json: bool = False,
    warn: Say | None = None,
    index: Path | None = None,
) -> Outcome:
    """Zooms the scans of ``tasks`` one after the other and writes each output's path to stdout at once.

    ``ask``: returns the request for a task; ``as_json``: print the report (the plan in a dry run) instead of the path,
    an object for a single scan, a list for several; ``warn``: as for ``zoom.run.zoom``; ``index``: the folder of an
    index page. With a single scan every error is raised; with several, each error is one line on stderr.
    """
    outcome, load, claimed = Outcome(), Loaded(), dict[Path, Path]()
    alone = len(tasks) == 1
    if not alone:  # an error common to all scans is reported once
        first = ask(tasks[0])
        choose(config, first.method, first.weights, in_plane=first.in_plane, tile=first.tile)
    for number, task in enumerate(tasks, 1):
        if not alone:
            say(f"{number}/{len(tasks)}       {task.shown}")
        try:
            request = ask(task)
            image = place(request).image
            if (other := claimed.setdefault(image.absolute(), task.scan)) != task.scan:
                raise UserError(f"{task.scan}: its output would be {image}, which is the output of {other}")
            about = zoom(request, config, say, dry_run=dry_run, quiet=quiet, load=load, warn=warn)
        except KeyboardInterrupt:
            if alone:
                raise
            raise KeyboardInterrupt(f"{len(outcome.made)} of {len(tasks)} scans were finished") from None
        except Exception as error:
            if alone:
                raise
            line = str(error) if isinstance(error, UserError) else f"{task.scan}: {type(error).__name__}: {error}"
            outcome.failed[task.scan] = " ".join(line.split())
            print(f"{COMMAND}: {outcome.failed[task.scan]}", file=sys.stderr, flush=True)
            continue
        outcome.reports.append(about)
        outcome.made.append(image)
        if not (dry_run or as_json):
            print(image, flush=True)
    if as_json:
        print(json.dumps(outcome.reports[0] if alone else outcome.reports, indent=2))
    if index and not dry_run and (path := write_index(index, list(outcome.failed.values()))):
        say(f"index     {path}")
    if outcome.failed:
        print(f"{COMMAND}: {len(outcome.failed)} of {len(tasks)} scans failed", file=sys.stderr)
    return outcome
