"""placeholder"""


rule figures:
    input:
        rules.scores.input,
