"""Differences between the networks of a run and the article's: sizes, lengths, losses, training data."""

from collections.abc import Iterable, Mapping
from typing import Any

from benchmark.config.solvers import printed

ARTICLE: dict[str, dict[str, Any]] = {
    "vq": {"channels": [128, 256, 512], "layers_per_block": 2, "codes": 8192},
    "ldm": {"width": 160, "multipliers": [1, 2, 2, 4], "layers_per_block": 2},
    "edsr": {"blocks": 16},
}
"""Sizes in section 3.1 or in the authors' configuration, by class of network."""


def needed(config: Mapping[str, Any]) -> dict[str, Any]:
    """The networks of the study's methods, and the networks that these need, by name."""
    names = [name for method in config["study"]["methods"] for name in config["methods"][method]["networks"]]
    networks: dict[str, Any] = {}
    while names:
        name = names.pop(0)
        if name not in networks:
            networks[name] = config["networks"][name]
            names += config["networks"][name].get("needs", [])
    return networks


def deviations(config: Mapping[str, Any]) -> list[str]:
    """A sentence for each difference, derived from sizes, lengths and losses in the config."""
    networks = needed(config)
    if not networks:
        return []
    by_class: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
    for name, network in networks.items():
        by_class.setdefault(network.get("class", name), []).append((name, network))
    sentences = [
        text for kind, members in by_class.items() for name, network in members for text in _losses(kind, name, network)
    ]
    sizes = "; ".join(
        text for kind, members in by_class.items() for name, network in members if (text := _size(kind, name, network))
    )
    if sizes:
        sentences.insert(0, f"Networks of another size than the article's: {sizes}.")
    sentences += [*_starts(networks), _lengths(networks, config["minutes"])]
    for name, network in by_class.get("edsr", []):
        sentences += _taught_by(name, network["training"], config["sampling"])
    return sentences


def _size(kind: str, name: str, network: Mapping[str, Any]) -> str:
    article, size = ARTICLE.get(kind, {}), network["size"]
    other = [f"{key} {_plain(size[key])}, not {_plain(v)}" for key, v in article.items() if size.get(key, v) != v]
    return f"{name} ({'; '.join(other)})" if other else ""


def _losses(kind: str, name: str, network: Mapping[str, Any]) -> Iterable[str]:
    """Losses and degradations of the article that this network's training lacks."""
    training = network["training"]
    without = {key: not training.get(key, 0) for key in ("perceptual_weight", "discriminator_weight")}
    if kind == "vq":
        names = {"perceptual_weight": "perceptual", "discriminator_weight": "adversarial"}
        if lacking := [names[key] for key in names if without[key]]:
            yield f"The first stage ({name}) is trained without the {' and the '.join(lacking)} loss of section 3.1."
    if kind == "ldm" and training.get("degradation") != "bsrgan_light":
        yield (
            f"The diffusion ({name}) is trained on slices made coarse by the degradation "
            f"“{training.get('degradation')}”; the article has BSRGAN-light."
        )
    if kind == "srgan" and without["perceptual_weight"]:
        yield f"SRGAN ({name}) is trained without its perceptual loss."
    if kind == "edsr" and training.get("loss") != "mae":
        yield f"EDSR ({name}) is trained by {str(training.get('loss')).upper()} (eq. 14); section 3.1 has MAE."


def _lengths(networks: Mapping[str, Any], minutes: float | None) -> str:
    what, limit = "Lengths and batches of training", ""
    if minutes is not None:  # the config does not say how many steps fit into this time
        what = "Greatest lengths, and batches, of training"
        limit = (
            f" A training ends earlier if its share of {minutes:g} minutes is over; the last row of models/…/NAME.csv "
            "has the steps that were taken."
        )
    lengths = []
    for name, network in networks.items():
        training = network["training"]
        length = f"{training['steps']:,} steps" if "steps" in training else f"{training.get('epochs')} epochs"
        lengths.append(f"{name} {length} of {training['batch']}")
    return (
        f"{what}: {', '.join(lengths)}.{limit} The article gives only EDSR's length (25 epochs of "
        "1,000 steps), batches of 16 and the first stage's rate; the authors' configuration gives the diffusion 15 "
        "epochs, 4 slices on each of two GPUs, a base rate of 4.5e-7 and crops about the middle. All other lengths and "
        "rates are this project's."
    )


def _starts(networks: Mapping[str, Any]) -> Iterable[str]:
    """The starting weights of networks, and which networks all folds share."""
    for init in dict.fromkeys(network["init"] for network in networks.values() if network.get("init")):
        names = ", ".join(name for name, network in networks.items() if network.get("init") == init)
        yield (
            f"Trained from {init}: {names}. The authors' configuration starts the diffusion from public 4× weights and "
            "loads the authors' own first stage; the article mentions neither, nor the starting weights of that first "
            "stage."
        )
    if shared := [name for name, network in networks.items() if network.get("shared")]:
        yield (
            f"One training per cohort, of fold 1, used in all folds, as the authors did: {', '.join(shared)}. It has "
            "not seen the test patients, but has seen the patients that folds 2 and up hold out."
        )
    if early := [name for name, network in networks.items() if network["training"].get("early_stop")]:
        names = ", ".join(early)
        yield f"The loss on held-out patients may end the training of {names}; the weights of the lowest loss stay."


def _taught_by(name: str, training: Mapping[str, Any], sampling: Mapping[str, Any]) -> Iterable[str]:
    taught = (training.get("sampler", "ddim"), training.get("sampling_steps"), training.get("eta", 1.0))
    used = (sampling["sampler"], sampling["steps"], sampling["eta"])
    if taught != used:
        yield (
            f"EDSR ({name}) is trained on samples by {printed(*taught)}, and sharpens samples by "
            f"{printed(*used)}; in table 6 it sharpens every row, which slightly favours its own η."
        )


def _plain(value: Any) -> str:
    return "/".join(map(str, value)) if isinstance(value, list) else str(value)
