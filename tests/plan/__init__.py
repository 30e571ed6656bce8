"""What ``modelyard plan`` tells."""
