-- One row per commitment that a government assessed, by assessment and period: its milestones rolled up
-- (DOMAIN.md section 8). Without a completion where there are no milestones, or where one that cannot be read decides.
with
refused as (
    -- a refused milestone counts as one whose status is not known; the second copy of a row is no loss
    select commitment_id, assessment, period, count(*) as items
    from (
        select commitment_id, assessment, '' as period, problems
        from staging._self_assessment_subcommitments_parsed
        where is_quarantined
        union all
        select commitment_id, assessment, period, problems
        from staging._self_assessment_parsed
        where is_quarantined
    )
    where list_bool_or(list_transform(problems, lambda p: p.rule <> 'duplicate_row'))
    group by all
),
pages as (
    select
        staged.commitment_id,
        'self_assessment_mid_term' as assessment,
        '' as period,
        staged.plan_id,
        staged.member_id,
        staged.title,
        'self_assessment_commitments ' || coalesce(sources.released_date::varchar, 'undated') as source_release
    from staging.self_assessment_commitments as staged
    inner join meta.sources as sources on sources.source_file = staged._source_file
    qualify row_number() over (
        partition by staged.commitment_id order by sources.released_date desc nulls last, staged._source_file
    ) = 1
),
counted as (
    select
        commitment_id,
        assessment,
        period,
        min(plan_id) as plan_id,
        min(member_id) as member_id,
        count(*) as items,
        count_if(status = 'complete') as items_complete,
        count_if(status = 'in_progress') as items_in_progress,
        count_if(status = 'not_started') as items_not_started,
        count_if(status is null) as items_unread,
        max(reported_date) as reported_date,
        min(source_release) as source_release
    from marts.self_assessment_items
    group by commitment_id, assessment, period
),
assessed as (
    select
        commitment_id,
        assessment,
        period,
        coalesce(counted.plan_id, pages.plan_id) as plan_id,
        coalesce(counted.member_id, pages.member_id) as member_id,
        coalesce(pages.title, commitments.title) as title,
        coalesce(counted.items, 0) as items,
        coalesce(counted.items_complete, 0) as items_complete,
        coalesce(counted.items_in_progress, 0) as items_in_progress,
        coalesce(counted.items_not_started, 0) as items_not_started,
        coalesce(counted.items_unread, 0) + coalesce(refused.items, 0) as items_unread,
        counted.reported_date,
        pages.commitment_id is not null as has_commitment_page,
        coalesce(counted.source_release, pages.source_release) as source_release
    from counted
    full outer join pages using (commitment_id, assessment, period)
    left join refused using (commitment_id, assessment, period)
    left join marts.commitments as commitments using (commitment_id)
)
select
    commitment_id,
    assessment,
    period,
    plan_id,
    member_id,
    title,
    items,
    items_complete,
    items_in_progress,
    items_not_started,
    items_unread,
    case
        when items_in_progress > 0 or (items_complete > 0 and items_not_started > 0) then 'in_progress'
        when items_unread > 0 then null
        when items_complete > 0 then 'complete'
        when items_not_started > 0 then 'not_started'
    end as completion,
    case
        when items_in_progress > 0 or (items_complete > 0 and items_not_started > 0) then null
        when items_unread > 0 then 'items_unread'
        when items = 0 then 'no_items'
    end as no_completion_reason,
    reported_date,
    has_commitment_page,
    source_release
from assessed
order by commitment_id, assessment, period
