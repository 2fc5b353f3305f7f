"""From working tables to the file analysts open: candidate, audit, rename.

`publish` is the ordered list of steps, `candidate` builds the DuckDB file, `audit` judges it, `changes` compares it
with the release before (`change_causes` says why, `change_words` says it in words), `current` reads what is
published now, `record` keeps `data/last_run.json`. `change_list` is what `ogp-pipeline changes` shows.
"""
