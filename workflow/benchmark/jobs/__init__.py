"""What the rules' scripts run: training, restoration, scoring, timing. The only room that imports torch at the top."""
