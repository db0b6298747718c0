"""What a user can put right."""


class UserError(Exception):
    """One clear line: the file, the rule it breaks and what to do."""
