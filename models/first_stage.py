"""The first stage: a VQGAN that reduces a slice four times in each direction.

Section "Networks" of the article (it says VQ-VAE; with its perceptual and adversarial losses it is the
VQGAN of Esser et al. 2021 in the form that Rombach et al. 2022 call VQ-f4). The blocks are those of
`diffusers.VQModel`. This file adds grey slices in [0, 1], the codebook look-up, and decoding with or without the
look-up.
"""

from collections.abc import Sequence

import torch
from diffusers.models.autoencoders.vq_model import VQModel
from torch import Tensor, nn

from models.attention import widen
from models.half import exact_products, weights_dtype
from models.normalisation import normalise_by_channels

COMMITMENT = 0.25
"""β of the codebook loss, see `FirstStage.quantise`."""


def canonical_size(
    *,
    in_channels: int = 3,
    channels: Sequence[int] = (128, 256, 512),
    layers_per_block: int = 2,
    latent_channels: int = 3,
    codes: int = 8192,
    code_dim: int = 3,
    norm_groups: int = 32,
    mid_attention: bool = True,
) -> dict:
    """The full description of a first stage, defaults filled in; two equal networks have equal descriptions.

    `channels` are the widths of the levels from fine to coarse; the latent is 2^(levels − 1) times smaller.
    The defaults are the article's size. Raises ValueError where a width cannot be split into `norm_groups`.
    """
    for width in channels:
        if width % norm_groups:
            raise ValueError(f"first stage: width {width} is not a multiple of norm_groups = {norm_groups}")
    return {
        "in_channels": int(in_channels),
        "channels": [int(width) for width in channels],
        "layers_per_block": int(layers_per_block),
        "latent_channels": int(latent_channels),
        "codes": int(codes),
        "code_dim": int(code_dim),
        "norm_groups": int(norm_groups),
        "mid_attention": bool(mid_attention),
    }


def build_vq(**size) -> "FirstStage":
    """A first stage with fresh weights; `size` as `canonical_size`. By default 55,322,782 parameters."""
    return FirstStage(**size)


class FirstStage(nn.Module):
    """`diffusers.VQModel` for grey slices. `self.vq` is the model itself, for three channels in [−1, 1]."""

    def __init__(self, **size) -> None:
        super().__init__()
        self.size = canonical_size(**size)
        levels = len(self.size["channels"])
        self.factor = 2 ** (levels - 1)
        self.vq = VQModel(
            in_channels=self.size["in_channels"],
            out_channels=self.size["in_channels"],
            down_block_types=("DownEncoderBlock2D",) * levels,
            up_block_types=("UpDecoderBlock2D",) * levels,
            block_out_channels=tuple(self.size["channels"]),
            layers_per_block=self.size["layers_per_block"],
            latent_channels=self.size["latent_channels"],
            num_vq_embeddings=self.size["codes"],
            vq_embed_dim=self.size["code_dim"],
            norm_num_groups=self.size["norm_groups"],
            mid_block_add_attention=self.size["mid_attention"],
            scaling_factor=1.0,
        )
        widen(self.vq)
        normalise_by_channels(self.vq)
        self.nearest = NearestCode()

    @property
    def last_layer(self) -> nn.Parameter:
        """The decoder's last weight, on which the adversarial loss is balanced against the reconstruction."""
        return self.vq.decoder.conv_out.weight

    @property
    def costly(self) -> list[nn.Module]:
        """The parts that are worth compiling."""
        return [self.vq.encoder, self.vq.decoder, self.nearest]

    def encode(self, slices: Tensor) -> Tensor:
        """Slices (B, 1 or 3, H, W) in [0, 1] → latents (B, code_dim, H/4, W/4) *before* quantisation.

        The diffusion works on these latents. A grey slice is repeated to the network's channels. H and W must be
        multiples of the reduction, else ValueError.
        """
        height, width = slices.shape[-2:]
        if height % self.factor or width % self.factor:
            raise ValueError(f"first stage: {height}×{width} slices are not multiples of {self.factor}")
        channels = self.size["in_channels"]
        if slices.shape[1] == 1:
            slices = slices.expand(-1, channels, -1, -1)
        inputs = (slices * 2 - 1).to(weights_dtype(self.vq.encoder))
        return self.vq.encode(inputs).latents.to(slices.dtype)

    def quantise(self, latents: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Latents (B, code_dim, h, w) → (their nearest codes, the codebook loss, the codes' numbers (B, h,
        w)).

        The gradient of the codes passes straight through to the latents. The loss is

            ‖sg[e] − z‖² + β ‖e − sg[z]‖²,  β = 0.25  (means over all entries),

        that is, with β on the *codebook's* term. The VQ-VAE paper (van den Oord et al. 2017, eq. 3) has β on the
        commitment's term; the original latent diffusion code uses taming-transformers' `VectorQuantizer2` with
        `legacy=True`, which has β as written here, and diffusers' `VectorQuantizer` has the same default.
        """
        codebook = self.vq.quantize.embedding.weight
        with torch.autocast(latents.device.type, enabled=False):
            z = latents.float().permute(0, 2, 3, 1)
            index = self.nearest(z.detach().reshape(-1, z.shape[-1]), codebook.detach()).view(z.shape[:-1])
            code = nn.functional.embedding(index, codebook.float())
            loss = (code.detach() - z).pow(2).mean() + COMMITMENT * (code - z.detach()).pow(2).mean()
            code = z + (code - z).detach()
        return code.permute(0, 3, 1, 2).contiguous(), loss, index

    def decode_rgb(self, latents: Tensor, quantise: bool | Tensor = True) -> Tensor:
        """Latents (B, code_dim, h, w) → (B, 3, 4h, 4w) around [−1, 1], not clamped: for training and checks.

        With `quantise`, each latent is first replaced by its nearest code, as the authors' code always does. `quantise`
        may be a boolean tensor (B,): a choice for each slice.
        """
        if isinstance(quantise, Tensor):
            chosen = quantise.to(latents.device, torch.bool).view(-1, 1, 1, 1)
            latents = torch.where(chosen, self.quantise(latents)[0].to(latents.dtype), latents)
        elif quantise:
            latents = self.quantise(latents)[0]
        inputs = latents.to(weights_dtype(self.vq.decoder))
        # Not `vq.decode`, which copies a number from the CPU and waits for the copy.
        return self.vq.decoder(self.vq.post_quant_conv(inputs)).to(latents.dtype)

    def decode(self, latents: Tensor, quantise: bool | Tensor = True) -> Tensor:
        """As `decode_rgb`, but grey slices (B, 1, 4h, 4w) in [0, 1]: the mean of the channels, clamped."""
        rgb = self.decode_rgb(latents, quantise)
        return ((rgb.mean(dim=1, keepdim=True) + 1) / 2).clamp(0, 1)

    def forward(self, slices: Tensor) -> Tensor:
        """Slices (B, 1 or 3, H, W) in [0, 1] → their reconstructions (B, 1, H, W) in [0, 1]."""
        return self.decode(self.encode(slices))


class NearestCode(nn.Module):
    """`nearest_code` as a module that can be compiled; the table of distances is then never written to memory."""

    def forward(self, vectors: Tensor, codebook: Tensor) -> Tensor:
        """Vectors (N, d) and codes (K, d) → int64 (N,)."""
        if not torch.compiler.is_compiling():
            return nearest_code(vectors, codebook)
        distance = torch.zeros((), device=vectors.device)
        for i in range(codebook.shape[1]):
            distance = distance + (vectors[:, i, None] - codebook[:, i]) ** 2
        return distance.argmin(dim=1)


def nearest_code(vectors: Tensor, codebook: Tensor) -> Tensor:
    """For each of N vectors (N, d) the number of the nearest code of (K, d), int64 (N,), in float32.

    |z|² + |e|² − 2 z·e, rounded as in the original: a codebook near zero (as every codebook is at first) has many near
    ties, and another form of the distance would choose other codes. Computed in chunks, because the table of distances
    is N × 8192.
    """
    vectors, codebook = vectors.float(), codebook.float()
    norms = codebook.pow(2).sum(dim=1)
    with exact_products():
        numbers = [
            (part.pow(2).sum(dim=1, keepdim=True) + norms).sub_(part @ codebook.T, alpha=2).argmin(dim=1)
            for part in vectors.split(1 << 14 if vectors.is_cuda else 1 << 11)
        ]
    return torch.cat(numbers)
