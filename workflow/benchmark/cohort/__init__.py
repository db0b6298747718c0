"""From scans to a study's inputs: the sheet of patients and folds, preprocessing, the removal protocol."""
