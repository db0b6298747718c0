"""The work of the rules' scripts: training, restoration, scoring, timing.

The only folder that imports torch at the top.
"""
