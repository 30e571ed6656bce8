"""Trainings as teams run them: each a few lines of Python, and the YAML that an expert would have written."""
