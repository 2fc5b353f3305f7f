-- One row per rule and commitment on which our value is not OGP's, with the reviewed explanation.
-- An explanation for the very commitment goes before one for a pair of values, and that before one for the rule.
with
explained as (
    select
        compared.rule,
        compared.commitment_id,
        compared.ours,
        compared.theirs,
        reviewed.explanation,
        row_number() over (
            partition by compared.rule, compared.commitment_id
            order by reviewed.commitment_id is not null desc, reviewed.ours is not null desc, reviewed.theirs is not null desc,
                reviewed.rule is not null desc
        ) as choice
    from metrics._conformance as compared
    left join reference.conformance_explanations as reviewed
        on coalesce(reviewed.rule = compared.rule, true)
        and coalesce(reviewed.commitment_id = compared.commitment_id, true)
        and coalesce(reviewed.ours = compared.ours, true)
        and coalesce(reviewed.theirs = compared.theirs, true)
    where not compared.agrees
)
select
    rule,
    commitment_id,
    ours,
    theirs,
    coalesce(explanation, 'Not reviewed yet: compare the row with its labels and add a line to reference/conformance_explanations.csv')
        as explanation,
    explanation is not null as is_reviewed
from explained
where choice = 1
order by rule, commitment_id
