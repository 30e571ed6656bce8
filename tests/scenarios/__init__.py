"""What a data scientist writes for common trainings, in files of a few lines, and the YAML that it becomes."""
