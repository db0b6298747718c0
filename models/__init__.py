"""The code that restores a volume. It knows arrays and tensors; it knows no dataset, path, rule or table.

Importing this package first makes torchvision, and with it diffusers and lpips, importable
next to a torch that its compiled library was not built for.
"""

from models._torchvision import declare_missing_operators

# The declarations exist as long as this object exists.
_operators = declare_missing_operators()
