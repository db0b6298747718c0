"""Table 6, the curve of few steps and the efficiency of section 3.7."""
