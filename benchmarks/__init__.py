"""Measurements of speed and growth; `python -m benchmarks` (make bench) runs them all and prints one table."""
