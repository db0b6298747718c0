"""Where the networks of a run differ from the article's: sizes, lengths, losses, what they learn from."""

from collections.abc import Iterable, Mapping
from typing import Any

ARTICLE: dict[str, dict[str, Any]] = {
    "vq": {"channels": [128, 256, 512], "layers_per_block": 2, "codes": 8192},
    "ldm": {"width": 160, "multipliers": [1, 2, 2, 4], "layers_per_block": 2},
    "edsr": {"blocks": 16},
}
"""Sizes that section 3.1 or the authors' configuration gives, by class of network."""


def needed(config: Mapping[str, Any]) -> dict[str, Any]:
    """Networks that the study's methods are made of, and what they need, by name."""
    wanted = [name for method in config["study"]["methods"] for name in config["methods"][method]["networks"]]
    found: dict[str, Any] = {}
    while wanted:
        name = wanted.pop(0)
        if name not in found:
            found[name] = config["networks"][name]
            wanted += config["networks"][name].get("needs", [])
    return found


def deviations(config: Mapping[str, Any]) -> list[str]:
    """A sentence for each difference, worked out from sizes, lengths and losses in the config."""
    networks = needed(config)
    if not networks:
        return []
    by_class: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
    for name, network in networks.items():
        by_class.setdefault(network.get("class", name), []).append((name, network))
    found = [
        text for kind, members in by_class.items() for name, network in members for text in _losses(kind, name, network)
    ]
    sizes = "; ".join(
        text for kind, members in by_class.items() for name, network in members if (text := _size(kind, name, network))
    )
    if sizes:
        found.insert(0, f"Networks of another size than the article's: {sizes}.")
    found += [*_starts(networks), _lengths(networks)]
    for name, network in by_class.get("edsr", []):
        found += _taught_by(name, network["training"], config["sampling"])
    return found


def _size(kind: str, name: str, network: Mapping[str, Any]) -> str:
    article, size = ARTICLE.get(kind, {}), network["size"]
    other = [f"{key} {_plain(size[key])}, not {_plain(v)}" for key, v in article.items() if size.get(key, v) != v]
    return f"{name} ({'; '.join(other)})" if other else ""


def _losses(kind: str, name: str, network: Mapping[str, Any]) -> Iterable[str]:
    """What the article trains with and this network does without."""
    training = network["training"]
    without = {key: not training.get(key, 0) for key in ("perceptual_weight", "discriminator_weight")}
    if kind == "vq":
        names = {"perceptual_weight": "perceptual", "discriminator_weight": "adversarial"}
        if lacking := [names[key] for key in names if without[key]]:
            yield f"The first stage ({name}) is trained without the {' and the '.join(lacking)} loss of section 3.1."
    if kind == "ldm" and training.get("degradation") != "bsrgan_light":
        yield (
            f"The diffusion ({name}) learns from slices made coarse by the degradation "
            f"“{training.get('degradation')}”, where the article has BSRGAN-light."
        )
    if kind == "srgan" and without["perceptual_weight"]:
        yield f"SRGAN ({name}) is trained without its perceptual loss."
    if kind == "edsr" and training.get("loss") != "mae":
        yield f"EDSR ({name}) is trained by {str(training.get('loss')).upper()} (eq. 14), where section 3.1 has MAE."


def _lengths(networks: Mapping[str, Any]) -> str:
    lengths = []
    for name, network in networks.items():
        training = network["training"]
        length = f"{training['steps']:,} steps" if "steps" in training else f"{training.get('epochs')} epochs"
        lengths.append(f"{name} {length} of {training['batch']}")
    return (
        f"Lengths and batches of training: {', '.join(lengths)}. The article gives EDSR's length alone (25 epochs of "
        "1,000 steps), batches of 16 and the first stage's rate; the authors' configuration gives the diffusion 15 "
        "epochs, 4 slices on each of two GPUs, a base rate of 4.5e-7 and crops about the middle. All other lengths and "
        "rates are this project's."
    )


def _starts(networks: Mapping[str, Any]) -> Iterable[str]:
    """What networks start from, and which of them all folds share."""
    for init in dict.fromkeys(network["init"] for network in networks.values() if network.get("init")):
        names = ", ".join(name for name, network in networks.items() if network.get("init") == init)
        yield (
            f"Trained from {init}: {names}. The authors' configuration starts the diffusion from public 4× weights and "
            "loads a first stage of their own; the article says neither, nor what their first stage started from."
        )
    if shared := [name for name, network in networks.items() if network.get("shared")]:
        yield (
            f"One training a cohort, that of fold 1, in all folds, as the authors had: {', '.join(shared)}. It has not "
            "seen the test patients, and has seen those that folds 2 and up hold out."
        )
    if early := [name for name, network in networks.items() if network["training"].get("early_stop")]:
        yield f"The loss on held-out patients may end the training of {', '.join(early)}; its lowest point is kept."


def _taught_by(name: str, training: Mapping[str, Any], sampling: Mapping[str, Any]) -> Iterable[str]:
    taught = (training.get("sampler", "ddim"), training.get("sampling_steps"), training.get("eta", 1.0))
    used = (sampling["sampler"], sampling["steps"], sampling["eta"])
    if taught != used:
        yield (
            f"EDSR ({name}) learns from samples by {taught[0]}, T = {taught[1]}, η = {taught[2]:g} and sharpens "
            f"those by {used[0]}, T = {used[1]}, η = {used[2]:g}; in table 6 it sharpens every row, a little in "
            f"favour of its own η."
        )


def _plain(value: Any) -> str:
    return "/".join(map(str, value)) if isinstance(value, list) else str(value)
