"""The reproducible engine behind the OGP Vital Signs: official files in, one DuckDB file out."""
