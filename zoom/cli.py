"""The command: ``mri-zoom scan.nii.gz --n 4 -o out.nii.gz``."""

import argparse
import io
import signal
import sys
from collections.abc import Sequence
from typing import Any

from benchmark.errors import UserError
from benchmark.project import COMMAND
from zoom.process import set_up_memory

EXAMPLES = f"""\
examples:
  {COMMAND} scan.nii.gz --spacing 1 -o finer.nii.gz       slices 1 mm apart, by the weights that ship with this project
  {COMMAND} scan.nii.gz --n 4 --method spline -o finer.nii.gz   four new slices in each gap, by no weights
  {COMMAND} scan.nii.gz --zoom 2.5 --in-plane 4 -o out/   2.5 slices for each, and four times finer in plane
  {COMMAND} sub-01/anat/sub-01_T1w.nii.gz --n 2 -o derivatives/zoom      BIDS in, BIDS derivatives out
  {COMMAND} scan.nii.gz --n 4 --weights sample/1 --config config/demo.yaml --uncertainty 5 -o finer.nii.gz

Beside the output come a page (.html: look at it) and a description (.json). Not for diagnosis.
"""


def parser(defaults: dict | None = None) -> argparse.ArgumentParser:
    """The command's arguments; ``defaults``: the config's ``zoom`` block, shown in the help."""
    settings = defaults or {}
    command = argparse.ArgumentParser(
        prog=COMMAND,
        description="Zoom an MRI scan of your own: a finer volume, in the right place, with an honest page about it.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = command.add_argument
    add("scan", help="NIfTI-1/2, Analyze or MGH (.nii, .nii.gz, .img, .hdr, .mgz, .mgh), a volume or a 4-D series")
    add("-o", "--output", required=True, help="a file (.nii.gz, .nii, .mgz, .mgh), or a folder to name it in")
    fineness = command.add_argument_group("how fine (one of these)").add_mutually_exclusive_group(required=True)
    fineness.add_argument("--n", type=int, help="new slices in each gap: N slices become (N − 1)(n + 1) + 1")
    fineness.add_argument("--zoom", type=float, help="slices for each of the scan's, any number from 1 on")
    fineness.add_argument("--spacing", type=float, metavar="MM", help="distance of the slices wanted")

    group = command.add_argument_group("how")
    add = group.add_argument
    add("--in-plane", type=int, choices=(1, 4), help=f"in-plane factor (config: {settings.get('in_plane')})")
    add("--axis", type=_axis, help="slice axis: 0, 1, 2 as stored, or axial, coronal, sagittal (the thickest)")
    add("--orientation", metavar="CODES", help="directions in which the stored axes grow, e.g. ASL (the file's own)")
    add("--method", help=f"of the config's methods ({settings.get('method')}; spline and linear have no weights)")
    add("--weights", nargs="+", default=[], metavar="W", help="cohort/fold as trained here, a folder, or files")
    add("--steps", type=int, help="of the diffusion sampler: fewer are faster (the config's)")
    add("--tile", type=int, help="side of the tiles networks are given, in low-resolution pixels (as trained)")
    add("--no-consistency", action="store_true", help="do not make the output average back to the scan")
    add("--thickness", type=_thickness, metavar="MM", help="of a slice (auto: the sidecar's, else the spacing)")
    add("--profile", choices=("auto", "gaussian", "box", "point"), help="of a slice along its thickness (auto)")
    add("--uncertainty", type=int, metavar="K", help="map where the result is least certain: the spread of K samples")
    add("--dtype", choices=("auto", "int16", "float32"), help="numbers in the output (auto: as the scan's)")
    add("--seed", type=int, help="of every random draw (the config's)")

    group = command.add_argument_group("where and whether")
    add = group.add_argument
    add("--dry-run", action="store_true", help="say what would come out: shape, spacing, memory, time")
    add("--viewer", action="store_true", help="also write a page of whole volumes, linked: …_view.html")
    add("--overwrite", action="store_true", help="replace outputs that exist")
    add("--memory", type=float, metavar="GB", help=f"that may be used in total ({settings.get('memory')})")
    add("--device", choices=("auto", "cpu", "cuda"), help="where networks run (the config's)")
    add("--threads", type=int, help="CPU threads (the config's)")
    add("--config", help="a configuration on top of config/config.yaml, e.g. config/demo.yaml")
    add("--results", help="folder of the study that cohort/fold is looked up in (the config's)")
    return command


def _axis(text: str) -> int | str:
    return int(text) if text.isdigit() else text


def _thickness(text: str) -> float | str:
    return text if text == "auto" else float(text)


def readable() -> None:
    """Lets a terminal of any locale show what it can, and the rest by its number."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code: 0, 1 for what a user can put right, 2 for a wrong command line."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    readable()
    set_up_memory()
    before = _interruptible()
    try:
        from benchmark.config import load_config

        first = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
        first.add_argument("--config")
        config = load_config(first.parse_known_args(words)[0].config)
        given = parser(config["zoom"]).parse_args(words)
        return _run(given, config)
    except UserError as error:
        print(f"{COMMAND}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{COMMAND}: interrupted; nothing was written", file=sys.stderr)
        return 130
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interruptible() -> dict[signal.Signals, Any]:
    """Lets every signal that ends a process by default act as Ctrl-C does, so that files that were begun are removed.

    Returns the handlers from before. A signal that the caller ignores stays ignored: ``nohup mri-zoom`` outlives its
    terminal. Windows has SIGTERM alone.
    """
    names = ("SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")
    numbers = [signal.Signals[name] for name in names if name in signal.Signals.__members__]
    before = {number: signal.getsignal(number) for number in numbers}
    before = {number: handler for number, handler in before.items() if handler not in (signal.SIG_IGN, None)}
    for number in before:
        signal.signal(number, _interrupt)
    return before


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _run(given: argparse.Namespace, config: dict) -> int:
    from zoom.request import request
    from zoom.run import zoom

    for name in ("device", "threads"):
        if getattr(given, name) is not None:
            config["compute"][name] = getattr(given, name)
    for name in ("seed", "results"):
        if getattr(given, name) is not None:
            config[name] = getattr(given, name)
    if given.steps is not None:
        config["sampling"]["steps"] = given.steps
    wanted = request(
        config,
        given.scan,
        given.output,
        n=given.n,
        zoom=given.zoom,
        spacing=given.spacing,
        method=given.method,
        weights=tuple(given.weights),
        in_plane=given.in_plane,
        axis=given.axis,
        orientation=given.orientation,
        consistency=False if given.no_consistency else None,
        thickness=given.thickness,
        profile=given.profile,
        uncertainty=given.uncertainty,
        dtype=given.dtype,
        memory=given.memory,
        tile=given.tile,
        overwrite=given.overwrite or None,
        viewer=given.viewer or None,
    )
    zoom(wanted, config, lambda line: print(line, file=sys.stderr), dry_run=given.dry_run)
    return 0


if __name__ == "__main__":
    sys.exit(main())
