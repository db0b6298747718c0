"""What a user can put right."""

LONGEST = 1000
"""Characters of a message: what a file holds, a value of a hundred megabytes say, may be part of a message."""


class UserError(Exception):
    """One clear line: the file, the rule it breaks and what to do; of a long one, both ends."""

    def __init__(self, message: object) -> None:
        text = str(message)
        half = LONGEST // 2 - 3
        super().__init__(text if len(text) <= LONGEST else f"{text[:half]} […] {text[-half:]}")
