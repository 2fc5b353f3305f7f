-- One row per milestone or sub-commitment that a government reported on, by commitment, assessment and period.
with
reported as (
    select
        'self_assessment_subcommitments' as layout,
        _source_file,
        _source_row,
        commitment_id,
        null::varchar as commitment_number,
        member_id,
        plan_id,
        assessment,
        '' as period,
        subcommitment_id as item,
        subcommitment_number as item_number,
        title,
        status,
        status_text,
        progress_text,
        progress_date,
        update_text,
        evidence,
        null::varchar as challenges,
        null::date as reported_date
    from staging.self_assessment_subcommitments
    union all
    select
        'self_assessment',
        _source_file,
        _source_row,
        commitment_id,
        commitment_number,
        member_id,
        plan_id,
        assessment,
        period,
        item,
        null,
        item,
        status,
        status_text,
        progress_text,
        reported_date,
        null,
        evidence,
        challenges,
        reported_date
    from staging.self_assessment
),
numbered_commitments as (
    -- a form may name a commitment by its number where the chosen release gives it an id of OGP's
    select plan_id, commitment_number, min(commitment_id) as commitment_id
    from marts.commitments
    group by plan_id, commitment_number
    having count(*) = 1
),
dated as (
    select
        reported.* exclude (commitment_id, commitment_number),
        coalesce(numbered.commitment_id, reported.commitment_id) as commitment_id,
        sources.released_date,
        reported.layout || ' ' || coalesce(sources.released_date::varchar, 'undated') as source_release,
        -- the pages of one release belong together; each form stands alone
        case
            when reported.layout = 'self_assessment' then reported.layout || ' ' || reported._source_file
            else reported.layout
        end as report
    from reported
    inner join meta.sources as sources on sources.source_file = reported._source_file
    left join numbered_commitments as numbered
        on numbered.plan_id = reported.plan_id and numbered.commitment_number = reported.commitment_number
),
chosen as (
    -- the newest report on a commitment replaces older ones whole, for their milestones may be cut differently
    select *
    from dated
    qualify dense_rank() over (
        partition by commitment_id, assessment, period order by released_date desc nulls last, report
    ) = 1
),
told_once as (
    -- one row by number and one by id can mean the same milestone
    select *
    from chosen
    qualify row_number() over (
        partition by commitment_id, assessment, period, fold(item) order by _source_row, _source_file
    ) = 1
)
select
    commitment_id,
    assessment,
    period,
    item,
    item_number,
    member_id,
    plan_id,
    title,
    status,
    status_text,
    progress_text,
    progress_date,
    update_text,
    evidence,
    challenges,
    reported_date,
    _source_file as source_file,
    _source_row as source_row,
    source_release
from told_once
order by commitment_id, assessment, period, item
