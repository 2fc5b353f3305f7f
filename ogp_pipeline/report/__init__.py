"""The report of a release: HTML that reads the finished DuckDB file and nothing else."""
