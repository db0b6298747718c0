"""Parameters and work of every network: `python -m models.count [config.yaml …]`.

Work is given in GFLOP for one slice; a multiplication and an addition are two operations. PyTorch counts it on tensors
without memory (matrix products, convolutions and attention; not element-wise work and the codebook look-up).
"""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from models.first_stage import FirstStage
from models.interpolation import FACTOR
from models.latent_diffusion import LatentDiffusion
from models.networks import lens, slab
from models.networks.lens import Lens
from models.networks.quartet import Quartet
from models.networks.slab import Slab
from models.weights import network


def table(networks: Mapping[str, Mapping[str, Any]], side: int = 256) -> list[dict[str, Any]]:
    """One row for each operation of a network: network, does, parameters, gflop_per_slice.

    `networks`: name → a mapping with `size`, as in the config. `side`: height and width of a
    full-resolution slice.
    """
    rows = []
    for name, block in networks.items():
        with torch.device("meta"), torch.no_grad():
            module = network(block.get("class", name), block["size"]).eval()
            parameters = sum(parameter.numel() for parameter in module.parameters())
            for does, call in calls(module, side):
                with FlopCounterMode(display=False) as counter:
                    call()
                work = counter.get_total_flops() / 1e9
                rows.append({"network": name, "does": does, "parameters": parameters, "gflop_per_slice": work})
    return rows


def calls(module: nn.Module, side: int) -> list[tuple[str, Callable[[], Tensor]]]:
    """The operations of a network on one slice.

    A network of unknown kind is called with the low-resolution slice, or, if the result then does not have full
    resolution, with a full slice.
    """
    full, low = torch.empty(1, 1, side, side), torch.empty(1, 1, side // FACTOR, side // FACTOR)
    if isinstance(module, FirstStage):
        latent = module.encode(full)
        return [
            ("encode", lambda: module.encode(full)),
            ("decode", lambda: module.decode_rgb(latent, quantise=False)),
        ]
    if isinstance(module, LatentDiffusion):
        noisy = low.expand(-1, module.unet.size["out_channels"], -1, -1)
        return [("one step", lambda: module(noisy, torch.empty(1, dtype=torch.long), low))]
    if isinstance(module, Quartet):
        return [
            ("low to full", lambda: module(low.expand(-1, module.slices, -1, -1), torch.empty(1, module.slices - 1)))
        ]
    if isinstance(module, Slab):
        slices, about = full.expand(-1, slab.SLICES, -1, -1), torch.empty(1, slab.DESCRIPTION)
        features = module.features(slices, about)
        where = torch.empty(1, 1, slab.WHERE)
        return [
            ("a gap", lambda: module.features(slices, about)),
            ("a new slice", lambda: module.at(features, slices, about, where)),
        ]
    if isinstance(module, Lens):
        return [("low to full", lambda: module(low.expand(-1, lens.SLICES, -1, -1)))]
    whole = low if module(low).shape[-1] == side else full
    return [("low to full" if whole is low else "full to full", lambda: module(whole))]


def markdown(rows: list[dict[str, Any]]) -> str:
    """The rows as a Markdown table."""
    lines = ["| network | does | parameters | GFLOP a slice |", "|---|---|---:|---:|"]
    for row in rows:
        lines.append("| {network} | {does} | {parameters:,} | {gflop_per_slice:.1f} |".format(**row))
    return "\n".join(lines)


def merged(base: dict, over: Mapping) -> dict:
    """`base` updated with `over`, key by key at every depth, as Snakemake merges configurations."""
    both = dict(base)
    for key, value in over.items():
        both[key] = merged(both[key], value) if isinstance(value, Mapping) and key in both else value
    return both


def main() -> None:
    parser = argparse.ArgumentParser(description="Parameters and GFLOP a slice of each network.")
    parser.add_argument("config", nargs="*", type=Path, default=[Path("config/config.yaml")], help="later files win")
    config: dict = {}
    for path in parser.parse_args().config:
        config = merged(config, yaml.safe_load(path.read_text(encoding="utf-8")))
    frame = config["preprocess"]
    networks = {name: block for name, block in config["networks"].items() if "class" not in block}  # no variants
    print(markdown(table(networks, frame["size"] // frame["shrink"])))


if __name__ == "__main__":
    main()
