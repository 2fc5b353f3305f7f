-- One row per commitment that a local monitoring body reported on: the id it has here, and its review at inception.
with
releases as (
    select source_file, released_date, layout || ' ' || coalesce(released_date::varchar, 'undated') as source_release
    from meta.sources
    where status = 'loaded'
),
named as (
    select distinct commitment_id as named_as, commitment_id_basis, commitment_number, plan_id
    from (
        select commitment_id, commitment_id_basis, commitment_number, plan_id from staging.local_inception_commitments
        union all
        select commitment_id, commitment_id_basis, commitment_number, plan_id from staging.local_end_of_commitment
    )
),
numbered as (
    -- a number that two loaded commitments of a plan have names neither
    select plan_id, commitment_number, any_value(commitment_id) as commitment_id
    from marts.commitments
    group by plan_id, commitment_number
    having count(*) = 1
),
resolved as (
    select
        named.*,
        coalesce(by_id.commitment_id, numbered.commitment_id, named.named_as) as commitment_id,
        coalesce(by_id.plan_id, numbered.plan_id) as loaded_plan_id
    from named
    left join marts.commitments as by_id on by_id.commitment_id = named.named_as
    left join numbered on numbered.plan_id = named.plan_id and numbered.commitment_number = named.commitment_number
),
commitments as (
    select
        commitment_id,
        coalesce(any_value(loaded_plan_id), min(plan_id)) as plan_id,
        list_sort(list(distinct named_as)) as named_as,
        list_sort(list(distinct plan_id)) as named_plans,
        min(commitment_id_basis) = 'ogp_id' or max(commitment_id_basis) = 'ogp_id' as has_ogp_id_given,
        count(loaded_plan_id) > 0 as is_commitment_loaded
    from resolved
    group by commitment_id
),
reviews as (
    -- the newest file that reviews the commitment
    select
        resolved.commitment_id,
        staged.* exclude (commitment_id),
        releases.source_release
    from staging.local_inception_commitments as staged
    inner join resolved on resolved.named_as = staged.commitment_id and resolved.plan_id = staged.plan_id
    inner join releases on releases.source_file = staged._source_file
    qualify row_number() over (
        partition by resolved.commitment_id
        order by releases.released_date desc nulls last, staged._source_file, staged._source_row
    ) = 1
)
select
    commitments.commitment_id,
    commitments.plan_id,
    plans.member_id,
    commitments.named_as,
    commitments.named_plans,
    case when commitments.has_ogp_id_given then 'ogp_id' else 'number_in_plan' end as commitment_id_basis,
    commitments.is_commitment_loaded,
    reviews.commitment_id is not null as is_reviewed_at_inception,
    reviews.verifiable = 'yes' as is_verifiable,
    coalesce(
        reviews.open_government_lens = 'yes',
        case
            when 'yes' in (reviews.value_access, reviews.value_participation, reviews.value_accountability) then true
            when reviews.value_access = 'no' and reviews.value_participation = 'no'
                and reviews.value_accountability = 'no' then false
        end
    ) as has_open_government_lens,
    reviews.value_access,
    reviews.value_participation,
    reviews.value_accountability,
    reviews.potential_for_results,
    reviews.explanation,
    reviews.evidence,
    reviews.source_release,
    reviews._source_file as source_file
from commitments
inner join marts.action_plans as plans using (plan_id)
left join reviews on reviews.commitment_id = commitments.commitment_id
order by commitments.commitment_id
