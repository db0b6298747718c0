"""The work of the rules' scripts: training, restoration, scoring, timing.

The only room that imports torch at the top.
"""
