"""How tables and figures look on paper: typesetting and the one style."""
