"""The command: ``mri-zoom scan.nii.gz --n 4 -o out.nii.gz``."""

import argparse
import re
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmark.errors import UserError
from benchmark.project import COMMAND, release
from zoom.process import run

EXAMPLES = f"""\
examples:
  slices 1 mm apart, with the shipped weights:
    {COMMAND} scan.nii.gz --spacing 1 -o finer.nii.gz
  four new slices in each gap, without weights:
    {COMMAND} scan.nii.gz --n 4 --method spline -o finer.nii.gz
  2.5 slices for each slice of the scan, and four times finer in plane:
    {COMMAND} scan.nii.gz --zoom 2.5 --in-plane 4 -o out/
  from BIDS to BIDS derivatives:
    {COMMAND} sub-01/anat/sub-01_T1w.nii.gz --n 2 -o derivatives/zoom
  as a BIDS app:
    {COMMAND} bids derivatives/zoom participant --participant-label 01 02 --spacing 1
  every scan in a folder, and one more scan:
    {COMMAND} scans/ more.nii.gz --spacing 1 -o finer/
  also a label map on the scan's grid:
    {COMMAND} scan.nii.gz --spacing 1 --labels lesions.nii.gz -o finer.nii.gz

Next to the output: a page (.html: look at it) and a description (.json); for several scans, also index.html. The
path of each output goes to stdout, everything else to stderr. Not for diagnosis.
"""


#: argparse would print every option, twelve lines, before the one line of an error.
USAGE = (
    f"{COMMAND} SCAN [SCAN ...] (--spacing MM | --n N | --zoom ZOOM) -o OUTPUT [options]; all options: {COMMAND} --help"
)

#: Arguments that become fields of a request unchanged.
REQUESTED = (
    "n", "zoom", "spacing", "method", "in_plane", "axis", "orientation", "thickness", "profile", "uncertainty", "dtype",
    "memory", "tile", "labels",
)  # fmt: skip


def parser(defaults: dict | None = None) -> argparse.ArgumentParser:
    """The command's arguments; ``defaults``: the config's ``zoom`` block, shown in the help."""
    settings = defaults or {}
    command = argparse.ArgumentParser(
        prog=COMMAND,
        usage=USAGE,
        description="Makes an MRI scan finer. The output keeps the scan's position and units; a page describes it.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = command.add_argument
    add("--version", action="version", version=f"{COMMAND} {release()}")
    add(
        "scan",
        nargs="+",
        help="NIfTI-1/2, Analyze or MGH (.nii, .nii.gz, .img, .hdr, .mgz, .mgh), a volume or a 4-D series; several "
        "files; folders (every image, or every series of DICOM files); or as a BIDS app: BIDS OUT participant",
    )
    add(
        "-o",
        "--output",
        help="a file (.nii.gz, .nii, .mgz, .mgh), or a folder, in which outputs are named after the scans",
    )
    fineness = command.add_argument_group("number of slices (one of these)").add_mutually_exclusive_group(required=True)
    fineness.add_argument("--n", type=int, help="new slices in each gap: N slices become (N − 1)(n + 1) + 1")
    fineness.add_argument(
        "--zoom", type=float, help="output slices for each slice of the scan: any number of at least 1"
    )
    fineness.add_argument("--spacing", type=float, metavar="MM", help="distance between the output's slices")

    group = command.add_argument_group("method")
    add = group.add_argument
    add(
        "--in-plane",
        type=int,
        choices=(1, 4),
        help=f"how many times finer in plane (default: {settings.get('in_plane')})",
    )
    add(
        "--axis",
        type=_axis,
        help="slice axis: 0, 1, 2 as stored, or axial, coronal, sagittal (default: the axis with the largest spacing)",
    )
    add(
        "--orientation", metavar="CODES", help="where the stored axes point, e.g. ASL, instead of the file's directions"
    )
    add(
        "--method",
        help=f"method (default: {settings.get('method')}, the shipped network; spline and linear use no network)",
    )
    add(
        "--weights",
        nargs="+",
        default=[],
        metavar="W",
        help="weights: files, a folder, or, in a clone, cohort/fold of a study (default: the shipped weights)",
    )
    add("--steps", type=int, help="steps of the diffusion sampler, for diffusion methods only; fewer are faster")
    add(
        "--tile",
        type=int,
        help="side of the tiles that a network processes, in the scan's pixels (default: as in its training)",
    )
    add(
        "--no-consistency",
        action="store_true",
        help="do not correct the output so that its averages are the scan's slices",
    )
    add(
        "--thickness",
        type=_thickness,
        metavar="MM",
        help="slice thickness (default: auto, the sidecar's, else the spacing)",
    )
    add(
        "--profile",
        choices=("auto", "gaussian", "box", "point"),
        help="profile of a slice along its thickness (default: auto, box for thick slices, point for thin)",
    )
    add(
        "--labels",
        type=Path,
        metavar="FILE",
        help="a label map on the scan's grid, written on the output's grid (nearest neighbour)",
    )
    add(
        "--uncertainty",
        type=int,
        metavar="K",
        help="also write a map of uncertainty: the spread of K results with different random numbers",
    )
    add("--dtype", choices=("auto", "int16", "float32"), help="data type of the output (default: auto, like the scan)")
    add("--seed", type=int, help="seed of random numbers")

    group = command.add_argument_group("which scans of a BIDS dataset")
    add = group.add_argument
    names = ("--participant-label", "--participant_label")  # BIDS apps spell it either way
    add(*names, nargs="+", default=[], metavar="ID", help="only these subjects, e.g. 01 02")
    add("--suffix", nargs="+", default=[], metavar="S", help="only these suffixes, e.g. T1w FLAIR")

    group = command.add_argument_group("run and output")
    add = group.add_argument
    add("--dry-run", action="store_true", help="only print the plan: shape, spacing, memory, time")
    add(
        "--viewer",
        action="store_true",
        help="also write …_view.html, a page on which you scroll through the whole volumes",
    )
    add("--json", action="store_true", help="write the report, or with --dry-run the plan, to stdout as JSON")
    add("-q", "--quiet", action="store_true", help="print only errors and warnings")
    add("--overwrite", action="store_true", help="replace outputs that exist")
    add(
        "--memory",
        type=float,
        metavar="GB",
        help=f"memory that the command may use, in GB (default: {settings.get('memory')})",
    )
    add(
        "--device",
        choices=("auto", "cpu", "cuda"),
        help="device of the networks (default: auto, a GPU if PyTorch finds one)",
    )
    add("--threads", type=int, help="CPU threads")
    add("--config", help="a YAML file with settings that replace the shipped ones (config/README.md in a clone)")
    add("--results", help="folder of the study for --weights cohort/fold")
    _completion(command)
    return command


def _completion(command: argparse.ArgumentParser) -> None:
    """Adds ``--print-completion``, and marks the arguments that are paths."""
    import shtab

    shtab.add_argument_to(command, "--print-completion", help="print a script that completes arguments in this shell")
    paths = dict.fromkeys(("scan", "output", "weights", "labels", "config"), shtab.FILE) | {"results": shtab.DIRECTORY}
    for action in command._actions:
        if action.dest in paths:
            action.complete = paths[action.dest]  # type: ignore[attr-defined]


def _axis(text: str) -> int | str:
    return int(text) if text.isdigit() else text


def _thickness(text: str) -> float | str:
    try:
        return text if text == "auto" else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}'; give millimetres, or auto") from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code: 0, 1 for errors that a user can fix, 2 for a wrong command line."""
    words = list(sys.argv[1:] if arguments is None else arguments)

    def work() -> int:
        from benchmark.config import load_config

        _refuse_empty(words)
        first = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
        first.add_argument("--config")
        config = load_config(first.parse_known_args(words)[0].config)
        command = parser(config["zoom"])
        options = command.parse_intermixed_args(words)
        try:
            bids_app(options)
        except ValueError as error:
            command.error(str(error))
        return _run(options, config)

    return run(COMMAND, work)


def _refuse_empty(words: Sequence[str]) -> None:
    """``UserError`` for an empty word, as a shell makes of "$VARIABLE" that is not set: as a path it is this folder."""
    for before, word in pairwise([COMMAND, *map(str, words)]):
        if word == "" or re.fullmatch("--[a-z-]+=", word):
            raise UserError(f"the argument after '{word or before}' is empty: give a value")


def bids_app(options: argparse.Namespace) -> None:
    """Turns the form of a BIDS app, ``BIDS OUT participant``, into a scan and an output.

    Raises ``ValueError``, which argparse prints: another level, or no output.
    """
    if len(options.scan) == 3 and options.scan[2] in ("participant", "group", "session") and not options.output:
        folder, output, level = options.scan
        if level != "participant":
            raise ValueError(f"level '{level}': scans are zoomed one by one; give participant")
        options.scan, options.output = [folder], output
    if not options.output:
        raise ValueError("the output is required: -o OUTPUT, or as a BIDS app: BIDS OUT participant")


def _run(arguments: argparse.Namespace, config: dict) -> int:
    from zoom.batch import batch
    from zoom.gather import WARNING, Task, gather
    from zoom.names import is_folder
    from zoom.request import Request, request, set_up

    set_up(config, vars(arguments))
    output = Path(arguments.output)
    requested = {name: getattr(arguments, name) for name in REQUESTED}
    requested |= {"weights": tuple(arguments.weights), "consistency": False if arguments.no_consistency else None}
    requested |= {"overwrite": arguments.overwrite or None, "viewer": arguments.viewer or None}

    def ask(task: Task) -> Request:
        return request(config, task.scan, task.output, converted=task.converted, **requested)

    def say(line: str) -> None:
        if not arguments.quiet:
            warn(line)

    def warn(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    with TemporaryDirectory(prefix=f"{COMMAND}-") as work:
        tasks, left_out = gather(arguments.scan, output, Path(work), arguments.participant_label, arguments.suffix)
        if arguments.labels and len(tasks) > 1:
            raise UserError(f"{arguments.labels}: labels need one scan, but there are {len(tasks)}")
        for line in left_out:
            (warn if line.startswith(WARNING) else say)(line)
        many = is_folder(output) and (len(tasks) > 1 or any(Path(one).is_dir() for one in arguments.scan))
        how = {"dry_run": arguments.dry_run, "quiet": arguments.quiet, "as_json": arguments.json}
        outcome = batch(tasks, ask, config, say, **how, warn=warn, index=output if many else None)
    return 1 if outcome.failed else 0


if __name__ == "__main__":
    sys.exit(main())
