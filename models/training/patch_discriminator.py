"""The discriminator of patches in the first stage's adversarial loss (Isola et al. 2017), and its losses.

The losses are those of the original first stage (Esser et al. 2021). MONAI's differ: its scores pass through tanh.
"""

from torch import Tensor, nn


class PatchDiscriminator(nn.Sequential):
    """Five convolutions of 4×4: images (B, C, H, W) → one score for each patch of 70×70 pixels, (B, 1, h, w)."""

    def __init__(self, channels: int, width: int = 64) -> None:
        """``channels``: of the images; ``width``: features of the first convolution.

        Weights are drawn from N(0, 0.02²), weights of the batch normalisations from N(1, 0.02²); biases are 0.
        """
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        for inside, stride in ((width, 2), (2 * width, 2), (4 * width, 1)):
            layers += [
                nn.Conv2d(inside, 2 * inside, 4, stride, padding=1, bias=False),
                nn.BatchNorm2d(2 * inside),
                nn.LeakyReLU(0.2),
            ]
        super().__init__(*layers, nn.Conv2d(8 * width, 1, 4, padding=1))
        for layer in self:
            if isinstance(layer, nn.Conv2d):
                nn.init.normal_(layer.weight, 0, 0.02)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
            elif isinstance(layer, nn.BatchNorm2d):
                nn.init.normal_(layer.weight, 1, 0.02)


def hinge(scores: Tensor, real: bool) -> Tensor:
    """The discriminator's loss: mean of max(0, 1 ∓ score) over patches that are ``real`` or not (Lim & Ye 2017)."""
    return (1 - (scores if real else -scores)).clamp_min(0).mean()


def adversarial_loss(scores: Tensor) -> Tensor:
    """Minus the mean score: the loss of the network whose images the discriminator has scored (Lim & Ye 2017)."""
    return -scores.mean()
