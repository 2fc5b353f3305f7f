"""Tests of the pipeline: they call what a user calls, on small tables of cases with a reason for each."""
