"""Every method on every patient, restored with networks that never saw this patient."""
