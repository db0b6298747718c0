"""The appearance of tables and figures: typesetting and style."""
