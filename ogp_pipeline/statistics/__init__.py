"""The associations of level of public influence and outcomes: models, their rules, and the table made of them.

What is computed from the counts of plans belongs here; which plans and commitments count is decided in SQL
(`sql/metrics/_associations.sql`). Each model is a plain function from the plans of one outcome definition and stage
to a `Finding`, which says either an estimate or the reason why there is none.
"""
