"""What ``benchmarks/run.py`` is made of: fleets, contestants, measurements, and the page about them."""
