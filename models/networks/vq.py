"""First stage: VQGAN (article, section 3.1; Rombach et al. 2022, VQ-f4)."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from models.compiling import eagerly
from models.first_stage import FirstStage
from models.first_stage import build_vq as build
from models.perceptual import Perceptual
from models.training.data import SliceBank, random_crop
from models.training.patch_discriminator import PatchDiscriminator, adversarial_loss, hinge
from models.training.task import Phase, Task, rate_schedule
from models.training.upsampling import cut

__all__ = ["Training", "build"]

ABOUT = {
    "label": "first stage (VQ)",
    "parameters": 55.3e6,
    "step_seconds": 0.30,
    "training_mb": 60000,
    "width": 128,
    "in_plane": "the true slice",
}


class Training(Task[SliceBank]):
    """L1 + LPIPS (VGG16) + hinge patch discriminator + codebook loss, as the original first stage was trained.

    Options: ``base_rate`` (× slices a step), ``crop`` (smallest side), ``crop_at`` (``random`` or ``centre``),
    ``patch`` (learn from windows of this side, for small machines; whole slices if absent), ``perceptual_weight``,
    ``discriminator_weight``, ``discriminator_start`` (first step at which it counts), ``codebook_weight``,
    ``rate_schedule``, ``codebook_init`` (``uniform`` in ±1/codes, as the original, or ``data``: latents of training
    slices; a short training needs ``data``, otherwise it uses few codes; weights to start from have a codebook), and
    ``trunk`` (LPIPS trunk file, needed if ``perceptual_weight`` > 0).
    """

    network: FirstStage

    def __init__(self, network: nn.Module, needs: Mapping[str, nn.Module], steps: int, options: Mapping[str, Any]):
        super().__init__(network, needs, steps, options)
        self.from_data = self.options.choice("codebook_init", "uniform", "data") == "data"
        channels = self.network.size["in_channels"]
        self.perceptual = Perceptual(options["trunk"], net="vgg") if options["perceptual_weight"] else None
        self.adversarial = bool(options["discriminator_weight"])
        if self.adversarial:
            self.discriminator = PatchDiscriminator(channels)
            start = options["discriminator_start"]
            self.complete_from = start if start < steps else 0

    def prepare(self, bank: SliceBank) -> None:
        if self.initialised or not self.from_data:
            return
        codebook = self.network.vq.quantize.embedding.weight
        with torch.no_grad(), eagerly():
            latents = torch.cat([self.network.encode(part) for part in bank.spread(64).split(8)])
            vectors = latents.permute(0, 2, 3, 1).reshape(-1, latents.shape[1])
            codebook.copy_(vectors[torch.linspace(0, len(vectors) - 1, len(codebook)).long()])

    def phases(self) -> dict[str, Phase]:
        rate = self.options["base_rate"] * self.options["slices_per_step"]
        phases = {}
        for name in ("network", "discriminator") if self.adversarial else ("network",):
            optimiser = torch.optim.Adam(getattr(self, name).parameters(), lr=rate, betas=(0.5, 0.9))
            phases[name] = Phase(optimiser, rate_schedule(self.options.get("rate_schedule"), optimiser, self.steps))
        return phases

    def forward(self, phase: str, batch: Tensor, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        return self._autoencode(batch, step) if phase == "network" else self._discriminate(step)

    def _autoencode(self, batch: Tensor, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        slices = random_crop(cut(batch, self.options), self.options["crop"], self.options.get("crop_at", "random"))
        codes, codebook_loss, index = self.network.quantise(self.network.encode(slices))
        rgb = self.network.decode_rgb(codes, quantise=False)
        target = (slices * 2 - 1).expand_as(rgb)
        l1 = (rgb - target).abs().mean()
        reconstruction = l1
        if self.perceptual is not None:
            distance = self.perceptual((rgb + 1) / 2, (target + 1) / 2).mean()
            reconstruction = l1 + self.options["perceptual_weight"] * distance
        loss = reconstruction + self.options["codebook_weight"] * codebook_loss
        log = {"l1": l1.detach(), "codebook_loss": codebook_loss.detach(), **self.codebook_use(index)}
        if self.adversarial:
            self.images = target.detach(), rgb.detach()
            if step >= self.options["discriminator_start"]:
                generator_loss = adversarial_loss(self.discriminator(rgb))
                weight = self._adaptive_weight(reconstruction, generator_loss)
                loss = loss + weight * generator_loss
                log |= {"generator_loss": generator_loss.detach(), "adaptive_weight": weight}
        return loss, log

    def _discriminate(self, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Half the hinge losses of real and reconstructed slices; zero before ``discriminator_start``, as in the
        original."""
        real, fake = self.images
        on_real = hinge(self.discriminator(real), True)
        on_fake = hinge(self.discriminator(fake), False)
        started = float(step >= self.options["discriminator_start"])
        return started * (on_real + on_fake) / 2, {}

    def _adaptive_weight(self, reconstruction: Tensor, generator_loss: Tensor) -> Tensor:
        """Weight for which both losses have equal gradients at the decoder's last layer, × ``discriminator_weight``."""
        last = self.network.last_layer
        pull = torch.autograd.grad(reconstruction, last, retain_graph=True)[0].norm()
        push = torch.autograd.grad(generator_loss, last, retain_graph=True)[0].norm()
        return (pull / (push + 1e-4)).clamp(0, 1e4).detach() * self.options["discriminator_weight"]

    def codebook_use(self, index: Tensor) -> dict[str, Tensor]:
        """Share of the codes that this batch uses, and the perplexity of their use (near 1: the codebook has
        collapsed)."""
        # Not bincount, which waits for a GPU to get the largest number.
        used = index.flatten()
        counts = torch.zeros(self.network.size["codes"], device=used.device)
        counts.scatter_add_(0, used, torch.ones_like(used, dtype=counts.dtype))
        share = counts / counts.sum()
        entropy = -(share * share.clamp_min(1e-12).log()).sum()
        return {"codes_used": (counts > 0).float().mean(), "code_perplexity": entropy.exp()}

    def report(self, rows: list[dict[str, float]]) -> list[str]:
        perplexity = rows[-1]["code_perplexity"]
        least = math.log2(self.network.size["codes"])
        if perplexity < least:
            return [f"the codebook has collapsed: perplexity {perplexity:.1f} of {self.network.size['codes']} codes"]
        return []

    def held_out_loss(self, batch: Tensor) -> Tensor:
        return self._autoencode(batch, -1)[0]  # −1: without the discriminator's loss, which measures no quality

    def picture(self, batch: Tensor) -> list[Tensor]:
        return [self.network(batch), batch]
