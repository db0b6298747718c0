"""One restoring job: a truth volume and its removal in, the restored volume out."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from benchmark import volume
from benchmark.cohort.protocol import Removal, read_removal
from benchmark.files import subject_of
from benchmark.seeds import derive
from models import auto
from models import weights as weight_files
from models.compiling import restoring_pays
from models.interpolation import FACTOR, degrade
from models.method import Restorer, method
from models.streaming import ahead


def inputs(restorer: Restorer, truth: np.ndarray, removal: Removal) -> tuple[np.ndarray, np.ndarray]:
    """The input of a method under the protocol: ``slices`` and ``known``.

    Oracles see the truth, as their ``sees`` says.
    """
    known = np.arange(removal.slices) if restorer.sees in ("all", "all_low") else removal.known
    slices = truth[known]
    if restorer.sees in ("low", "all_low"):
        coarse = degrade(torch.from_numpy(slices).unsqueeze(1), antialias=restorer.antialias)
        slices = coarse.squeeze(1).clamp(0, 1).numpy()
    return slices, known


class Restoration:
    """A method with its networks loaded once, to restore one subject after another."""

    def __init__(
        self,
        name: str,
        weights: Iterable[str],
        *,
        options: Mapping[str, Any],
        chunk: int | Literal["auto"],
        seed: int,
        dataset: str,
        device: str = "auto",
        threads: int = 1,
        half: bool | Literal["auto"] = False,
        compile: bool | Literal["auto"] = False,
        volumes: Sequence[str] = (),
        antialias: bool = True,
    ) -> None:
        """``name``: file in models/methods; ``weights``: safetensors of its networks; ``options``: arguments of its
        class.

        ``antialias``: how known slices are made coarse (``models.interpolation.degrade``).

        ``chunk``, ``half``, ``compile``: how networks are evaluated (``models.method.Restorer``). ``auto``: as many
        slices as fit into a GPU's free memory; half precision on a GPU; compiled if restoring ``volumes`` (files; a
        file restored several times is listed several times) takes long enough. A rule's ``params.restoration``
        (``restoration_params`` in common.smk) holds all arguments except ``weights``, ``chunk`` and ``volumes``.
        """
        torch.set_num_threads(threads)
        device = auto.device(device)
        self.name, self.options, self.seed, self.dataset = name, options, seed, dataset
        self.antialias = antialias
        self.networks = weight_files.load_by_class(weights, device)
        self.evaluation: dict[str, Any] = {"chunk": None if chunk == "auto" else chunk, "device": device}
        self.evaluation["half"] = auto.decided(half, device != "cpu")
        self.evaluation["compiled"] = auto.decided(compile, compile == "auto" and _pays(volumes, options, device))

    def build(self, subject: str) -> Restorer:
        """The method for one subject. Its noise is seeded by dataset and subject."""
        seed = derive(self.seed, "noise", self.dataset, subject)
        restorer = method(self.name, self.networks, seed=seed, **self.evaluation, **self.options)
        restorer.antialias = self.antialias
        return restorer

    def subjects(self, truths: Iterable[str], removals: Iterable[str], into: Path) -> Iterator[str]:
        """Restores all slices of each subject into the folder ``into``; yields a line for each subject.

        The noise is seeded by dataset and subject, so methods that share networks share their samples. While a volume
        is restored, threads read the next volume and write the last one.
        """
        pairs = zip(map(Path, truths), map(Path, removals), strict=True)
        loaded = ahead((truth.name, *volume.read(truth), read_removal(removal)) for truth, removal in pairs)
        writing: Future[None] | None = None
        with ThreadPoolExecutor(1) as writer:
            for file, truth, affine, removal in loaded:
                name = subject_of(file)
                restorer = self.build(name)
                slices, known = inputs(restorer, truth, removal)
                start = time.perf_counter()
                restored = restorer.restore(slices, known, np.arange(len(truth)))
                seconds = time.perf_counter() - start
                if writing:
                    writing.result()
                writing = writer.submit(volume.write, into / file, restored, affine)
                yield f"{name}: {len(known)} known slices, {len(restored)} restored in {seconds:.1f} s"
            if writing:
                writing.result()


def _pays(volumes: Sequence[str], options: Mapping[str, Any], device: str) -> bool:
    """Whether restoring the volumes takes so long that compiling the networks first saves time; only diffusion does."""
    shapes = [volume.shape(path) for path in volumes] if "steps" in options else []
    work = sum(slices for _, _, slices in shapes)
    side = max((max(shape[:2]) for shape in shapes), default=0) // FACTOR
    return restoring_pays(torch.device(device), work, options.get("steps", 0), side)
