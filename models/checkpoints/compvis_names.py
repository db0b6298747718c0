"""The name in a CompVis checkpoint of each module of our networks (which have diffusers' names).

Both functions return our module's name → (theirs, third): `third` is None, or 0, 1, 2 where their tensor joins queries,
keys and values.
"""

Names = dict[str, tuple[str, int | None]]

UNET_BLOCK = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
VQ_BLOCK = {
    "norm1": "norm1",
    "conv1": "conv1",
    "norm2": "norm2",
    "conv2": "conv2",
    "conv_shortcut": "nin_shortcut",
}
VQ_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}


def unet_names(size: dict) -> Names:
    """Names for a U-Net of `size` (see `models.unet.canonical_size`)."""
    names: Names = {
        "time_embedding.linear_1": ("time_embed.0", None),
        "time_embedding.linear_2": ("time_embed.2", None),
        "conv_in": ("input_blocks.0.0", None),
        "conv_norm_out": ("out.0", None),
        "conv_out": ("out.2", None),
    }

    def block(ours: str, theirs: str) -> None:
        names.update({f"{ours}.{a}": (f"{theirs}.{b}", None) for a, b in UNET_BLOCK.items()})

    def attention(ours: str, theirs: str) -> None:
        names[f"{ours}.group_norm"] = (f"{theirs}.norm", None)
        names[f"{ours}.to_out.0"] = (f"{theirs}.proj_out", None)
        for third, name in enumerate(("to_q", "to_k", "to_v")):
            names[f"{ours}.{name}"] = (f"{theirs}.qkv", third)

    levels, layers = len(size["multipliers"]), size["layers_per_block"]
    attends = [2**level in size["attention_factors"] for level in range(levels)]
    n = 1
    for level in range(levels):
        for layer in range(layers):
            block(f"down_blocks.{level}.resnets.{layer}", f"input_blocks.{n}.0")
            if attends[level]:
                attention(f"down_blocks.{level}.attentions.{layer}", f"input_blocks.{n}.1")
            n += 1
        if level < levels - 1:
            names[f"down_blocks.{level}.downsamplers.0.conv"] = (f"input_blocks.{n}.0.op", None)
            n += 1
    block("mid_block.resnets.0", "middle_block.0")
    attention("mid_block.attentions.0", "middle_block.1")
    block("mid_block.resnets.1", "middle_block.2")
    n = 0
    for up, level in enumerate(reversed(range(levels))):
        for layer in range(layers + 1):
            block(f"up_blocks.{up}.resnets.{layer}", f"output_blocks.{n}.0")
            if attends[level]:
                attention(f"up_blocks.{up}.attentions.{layer}", f"output_blocks.{n}.1")
            if layer == layers and level > 0:
                names[f"up_blocks.{up}.upsamplers.0.conv"] = (
                    f"output_blocks.{n}.{1 + attends[level]}.conv",
                    None,
                )
            n += 1
    return names


def first_stage_names(size: dict) -> Names:
    """Names for a first stage of `size` (see `models.first_stage.canonical_size`)."""
    names: Names = {name: (name, None) for name in ("quantize.embedding", "quant_conv", "post_quant_conv")}

    def block(ours: str, theirs: str) -> None:
        names.update({f"{ours}.{a}": (f"{theirs}.{b}", None) for a, b in VQ_BLOCK.items()})

    for side in ("encoder", "decoder"):
        names[f"{side}.conv_in"] = (f"{side}.conv_in", None)
        names[f"{side}.conv_norm_out"] = (f"{side}.norm_out", None)
        names[f"{side}.conv_out"] = (f"{side}.conv_out", None)
        block(f"{side}.mid_block.resnets.0", f"{side}.mid.block_1")
        block(f"{side}.mid_block.resnets.1", f"{side}.mid.block_2")
        for ours, theirs in VQ_ATTENTION.items():
            names[f"{side}.mid_block.attentions.0.{ours}"] = (f"{side}.mid.attn_1.{theirs}", None)
    levels, layers = len(size["channels"]), size["layers_per_block"]
    for level in range(levels):
        # CompVis counts the decoder's levels from fine to coarse, diffusers in order of use.
        up = levels - 1 - level
        for layer in range(layers):
            block(f"encoder.down_blocks.{level}.resnets.{layer}", f"encoder.down.{level}.block.{layer}")
        for layer in range(layers + 1):
            block(f"decoder.up_blocks.{up}.resnets.{layer}", f"decoder.up.{level}.block.{layer}")
        names[f"encoder.down_blocks.{level}.downsamplers.0.conv"] = (
            f"encoder.down.{level}.downsample.conv",
            None,
        )
        names[f"decoder.up_blocks.{up}.upsamplers.0.conv"] = (f"decoder.up.{level}.upsample.conv", None)
    return names
