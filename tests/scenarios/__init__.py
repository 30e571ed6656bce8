"""What a team writes for common trainings and services, in a few lines, and the YAML that it becomes."""
