"""Damaged texts and files: changed in a byte, cut short, doubled, in another encoding, or noise."""

from hypothesis import strategies as st

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "latin-1")
PIECES = (b"", b"\0", b"\xff", b"\xb2", b"\n", b"\r", b'"', b"\t", b": ", b"- ", b"[", b"{", b"&a ", b"*a", b"!!set ")
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.dates(),
    st.binary(max_size=5),
    st.sampled_from(["", "²", "../x", "a\0b", "\ud800", "1e400", "nan", "x" * 100_000, 10**400, -1, 0, 2.0]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.one_of(st.text(max_size=3), st.integers()), st.integers(), max_size=2),
)
"""Values that nobody meant."""


@st.composite
def edited(draw: st.DrawFn, whole: bytes) -> bytes:
    """The bytes of a file after 1 to 4 edits."""
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(whole) - 1)))
        to = draw(st.integers(at, min(len(whole), at + 400)))
        piece = draw(st.one_of(st.sampled_from(PIECES), st.binary(max_size=8)))
        what = draw(st.sampled_from(["flip", "insert", "replace", "double", "cut", "empty"]))
        if what == "flip" and whole:
            whole = whole[:at] + bytes([whole[at] ^ 1 << draw(st.integers(0, 7))]) + whole[at + 1 :]
        elif what == "insert":
            whole = whole[:at] + piece + whole[at:]
        elif what == "replace":
            whole = whole[:at] + piece + whole[to:]
        elif what == "double":
            whole = whole[:to] + whole[at:]
        elif what == "cut":
            whole = whole[:at] if draw(st.booleans()) else whole[at:]
    return whole


def recoded(text: str) -> st.SearchStrategy[bytes]:
    """A text in one of several encodings."""
    return st.sampled_from([text.encode(one, "replace") for one in ENCODINGS])


def files(text: str) -> st.SearchStrategy[bytes]:
    """Possible contents instead of a file with ``text``."""
    return st.one_of(edited(text.encode()), recoded(text), st.binary(max_size=300), st.text(max_size=300).map(_encoded))


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
