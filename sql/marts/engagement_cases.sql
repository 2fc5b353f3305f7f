-- One row per initiative and period: the reference cases, extended or replaced by the forms that are loaded.
-- Of a synthetic sample only its own cases.
with
synthetic as (
    select coalesce(bool_or(is_synthetic), false) as is_synthetic
    from meta.sources
    where status = 'loaded'
),
cases as (
    select
        staged.initiative,
        staged.member_id,
        staged.plan_number,
        staged.commitment_id,
        staged.first_day,
        staged.last_day,
        staged.days,
        staged.proposals_received,
        staged.proposals_received_is_minimum,
        staged.proposals_taken_up,
        staged.proposals_taken_up_is_minimum,
        staged.url,
        'engagement form: ' || staged._source_file || ':' || staged._source_row as source_note,
        true as is_from_form,
        sources.released_date,
        staged._source_file as source_file,
        staged._source_row as source_row
    from staging.engagement as staged
    inner join meta.sources as sources on sources.source_file = staged._source_file
    union all
    select
        initiative,
        member_id,
        plan_number,
        commitment_id,
        first_day,
        last_day,
        days,
        proposals_received,
        proposals_received_is_minimum,
        proposals_taken_up,
        proposals_taken_up_is_minimum,
        url,
        source_note,
        false,
        null,
        null,
        null
    from reference.engagement_cases
    cross join synthetic
    where not synthetic.is_synthetic
)
select
    cases.member_id || ': ' || fold(cases.initiative) || coalesce(': ' || cases.first_day::varchar, '') as case_id,
    cases.initiative,
    cases.member_id,
    cases.commitment_id,
    coalesce(plan_id_of(cases.member_id, cases.plan_number), commitments.plan_id) as plan_id,
    cases.first_day,
    cases.last_day,
    cases.days,
    cases.proposals_received,
    cases.proposals_received_is_minimum,
    cases.proposals_taken_up,
    cases.proposals_taken_up_is_minimum,
    cases.url,
    cases.source_note,
    cases.source_file,
    cases.source_row
from cases
left join marts.commitments as commitments on commitments.commitment_id = cases.commitment_id
qualify row_number() over (
    partition by case_id
    order by cases.is_from_form desc, cases.released_date desc nulls last, cases.source_file, cases.source_row
) = 1
order by case_id
