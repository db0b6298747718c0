"""The references of a methods section."""

from benchmark.project import NAME

ARTICLE = (
    "Mármol-Rivera JA, Fernández-Rodríguez JD, Asenjo B, López-Rubio E. Latent diffusion for arbitrary zoom MRI "
    "super-resolution. Expert Systems with Applications 2025. doi:10.1016/j.eswa.2025.127970"
)
PROJECT = (
    f"The {NAME} founders. {NAME}: a re-runnable benchmark of latent diffusion for arbitrary zoom MRI super-resolution."
)
CARD = f"Model card of the weights shipped with {NAME} (docs/weights.md)."
BACK_PROJECTION = (
    "Irani M, Peleg S. Improving resolution by image registration. CVGIP: Graphical Models and Image Processing 1991; "
    "53(3): 231–239. doi:10.1016/1049-9652(91)90045-L"
)
NIBABEL = "Brett M, Markiewicz CJ, Hanke M, et al. NiBabel. Zenodo. doi:10.5281/zenodo.591597"
NUMPY = (
    "Harris CR, Millman KJ, van der Walt SJ, et al. Array programming with NumPy. Nature 2020; 585: 357–362. "
    "doi:10.1038/s41586-020-2649-2"
)
SCIPY = (
    "Virtanen P, Gommers R, Oliphant TE, et al. SciPy 1.0: fundamental algorithms for scientific computing in Python. "
    "Nature Methods 2020; 17: 261–272. doi:10.1038/s41592-019-0686-2"
)
TORCH = (
    "Paszke A, Gross S, Massa F, et al. PyTorch: an imperative style, high-performance deep learning library. NeurIPS "
    "2019. arXiv:1912.01703"
)
BIDS = (
    "Gorgolewski KJ, Auer T, Calhoun VD, et al. The brain imaging data structure, a format for organizing and "
    "describing outputs of neuroimaging experiments. Scientific Data 2016; 3: 160044. doi:10.1038/sdata.2016.44"
)
DCM2NIIX = (
    "Li X, Morgan PS, Ashburner J, Smith J, Rorden C. The first step for neuroimaging data analysis: DICOM to NIfTI "
    "conversion. Journal of Neuroscience Methods 2016; 264: 47–56. doi:10.1016/j.jneumeth.2016.03.001"
)


class References:
    """Numbers for references, in the order in which a text names them."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, text: str) -> str:
        """``[2]``."""
        if text not in self.texts:
            self.texts.append(text)
        return f"[{self.texts.index(text) + 1}]"
