"""The two parts of a safetensors file, for tests that edit its header: a JSON object, and the bytes of the tensors."""

import json
import struct
from pathlib import Path
from typing import Any


def read_parts(path: Path) -> tuple[dict[str, Any], bytes]:
    """Header and tensors."""
    raw = path.read_bytes()
    length = struct.unpack("<Q", raw[:8])[0]
    return json.loads(raw[8 : 8 + length]), raw[8 + length :]


def write_parts(path: Path, header: dict[str, Any], tensors: bytes) -> Path:
    """Writes ``header`` and ``tensors`` as they are, whether they agree or not, and returns the path."""
    content = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(content)) + content + tensors)
    return path
