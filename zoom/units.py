"""Bytes and seconds as text."""


def amount(size: int) -> str:
    """Bytes as text."""
    if size < 1e6:
        return f"{max(1, round(size / 1e3))} kB"
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{round(size / 1e6)} MB"


def duration(seconds: float) -> str:
    """Seconds as text."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
