-- One row per measure and date of a published count: what is loaded beside what OGP published. Measures without a
-- published count have one row.
with
synthetic as (
    select coalesce(bool_or(is_synthetic), false) as is_synthetic
    from meta.sources
    where status = 'loaded'
),
member_plans as (
    select plans.plan_id, plans.member_id, plans.commitments, plans.is_partial, members.member_type, members.is_founder
    from marts.action_plans as plans
    inner join marts.members as members using (member_id)
    -- what an official release or the process database holds; a form can name a plan that does not exist
    where plans.source_release is not null or plans.process_source_file is not null
),
counted as (
    select
        count(distinct member_id) filter (where member_type = 'national') as national_members,
        count(distinct member_id) filter (where member_type = 'local') as local_members,
        count(distinct member_id) filter (where is_founder) as founders,
        count(*) as plans,
        count_if(member_type = 'national') as national_plans,
        count_if(member_type = 'local') as local_plans,
        (
            select count(*) from marts.action_plans
            where source_release is null and process_source_file is null
        ) as plans_named_by_forms_alone,
        (select count(*) from marts.commitments) as commitments,
        coalesce(sum(commitments) filter (where not is_partial), 0) as commitments_whole_plans,
        coalesce(sum(commitments) filter (where is_partial), 0) as commitments_partial_plans
    from member_plans
),
loaded_counts as (
    select measure, loaded
    from (select columns(*)::bigint from counted)
    unpivot (
        loaded for measure in (
            national_members, local_members, founders, plans, national_plans, local_plans,
            plans_named_by_forms_alone, commitments,
            commitments_whole_plans, commitments_partial_plans
        )
    )
),
published as (
    select measure, counted_on, count, is_lower_bound, source_note
    from reference.published_counts
    union all
    -- the commitments of whole and of partial plans stand beside the same count
    select loaded_counts.measure, counted_on, count, is_lower_bound, source_note
    from reference.published_counts
    inner join loaded_counts on starts_with(loaded_counts.measure, 'commitments_')
    where reference.published_counts.measure = 'commitments'
)
select
    measure,
    coalesce(published.counted_on, '') as counted_on,
    loaded_counts.loaded,
    published.count as published,
    published.is_lower_bound,
    case when not synthetic.is_synthetic then loaded_counts.loaded / published.count end as share,
    synthetic.is_synthetic,
    case when synthetic.is_synthetic then 'SYNTHETIC' else 'real' end as loaded_is,
    published.source_note
from loaded_counts
cross join synthetic
full outer join published using (measure)
order by measure, counted_on
