"""Invalid JSON values: wrong types, huge numbers, deep lists, halves of surrogate pairs, and text that is not JSON."""

import json
from typing import Any

from hypothesis import strategies as st

NUMBERS = st.sampled_from([0, -1, 1, 2, 3, 64, 1000, 20_000, 10**9, 2**31, 2**63, 10**30, 10**400, -(10**30)])
FLOATS = st.sampled_from([0.0, -0.5, 1e-300, 1e300, float("nan"), float("inf")]) | st.floats()
TEXTS = st.sampled_from(["", "0", "auto", "../x", "<b>", "\ud800", "a\nb", "x" * 5000]) | st.text(max_size=8)
SCALARS: st.SearchStrategy[Any] = st.none() | st.booleans() | NUMBERS | FLOATS | TEXTS
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda part: st.lists(part, max_size=4) | st.dictionaries(TEXTS, part, max_size=3), max_leaves=8
)
NO_JSON = ["", "{", "[" * 100_000, "1" * 5000, "nul", "{'a': 1}", "\x00", "[1,]", '{"a":1}}', "\ufeff{}", "Infinity"]
#: The content of a file, text or bytes.
BYTES = st.sampled_from([text.encode() for text in NO_JSON]) | st.binary(max_size=40)


def json_bytes(value: Any) -> bytes:
    return json.dumps(value).encode()


@st.composite
def edited(draw: st.DrawFn, sound: dict[str, Any], most: int = 3) -> dict[str, Any]:
    """A valid object with a few values replaced, removed or added, at the top or one level below."""
    found = {**sound}
    for _ in range(draw(st.integers(1, most))):
        key = draw(st.sampled_from(sorted(sound)) | TEXTS)
        inner = found.get(key)
        if isinstance(inner, dict) and inner and draw(st.booleans()):
            found[key] = {**inner, draw(st.sampled_from(sorted(inner))): draw(VALUES)}
        elif draw(st.integers(0, 3)) == 0:
            found.pop(key, None)
        else:
            found[key] = draw(VALUES)
    return found
