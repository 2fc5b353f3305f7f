"""From working tables to the file analysts open: candidate, audit, rename.

`publish` is the ordered list of steps, `candidate` builds the DuckDB file, `audit` judges it, `current` reads
what is published now, `record` keeps `data/last_run.json`.
"""
