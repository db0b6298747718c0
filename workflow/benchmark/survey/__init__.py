"""Table 5: the form that raters fill in, their answers, and how far the raters agree."""
