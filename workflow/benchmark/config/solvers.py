"""Solvers of the diffusion as captions and tables print them."""

PRINTED = {"plms": "PLMS", "ddim": "DDIM", "dpm++": "DPM-Solver++", "dpm++sde": "DPM-Solver++ SDE", "unipc": "UniPC"}


def printed(sampler: str, steps: object, eta: object = "") -> str:
    """A solver, its steps and, for DDIM, η: ``DDIM, T = 200, η = 1``."""
    text = f"{PRINTED.get(sampler, sampler)}, T = {steps}"
    return f"{text}, η = {float(str(eta)):g}" if sampler == "ddim" and str(eta) not in ("", "nan") else text
