"""The inputs of a study: the sheet of patients and folds, preprocessing, the removal protocol."""
