"""placeholder"""


rule tables:
    input:
        rules.scores.input,
