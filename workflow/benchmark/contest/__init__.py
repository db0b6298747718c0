"""Every method on every patient, each restored by networks that never saw that patient."""
