-- One row per member and year: core eligibility and the values check (DOMAIN.md section 9).
with
rules as (
    select
        max(value) filter (where rule = 'points_per_criterion') as points_per_criterion,
        max(value) filter (where rule = 'pass_share') as pass_share,
        max(value) filter (where rule = 'not_applicable_criteria') as not_applicable_criteria
    from reference.eligibility_rules
),
latest as (
    select staged.*, 'eligibility ' || coalesce(sources.released_date::varchar, 'undated') as source_release
    from staging.eligibility as staged
    inner join meta.sources as sources on sources.source_file = staged._source_file
    qualify row_number() over (
        partition by staged.member_id, staged.year order by sources.released_date desc nulls last, staged._source_file
    ) = 1
),
scored as (
    select
        *,
        [fiscal_transparency, access_to_information, asset_disclosure, citizen_engagement] as scores,
        len(list_filter(
            [fiscal_transparency, access_to_information, asset_disclosure, citizen_engagement],
            lambda score: score = 'not_applicable'
        )) as not_applicable
    from latest
),
summed as (
    -- not computed where a score is missing or more criteria are left out than the rule allows
    select
        scored.* exclude (scores),
        rules.pass_share,
        case when len(list_filter(scores, lambda score: score is not null)) = len(scores)
                and not_applicable <= rules.not_applicable_criteria
            then list_sum(list_transform(scores, lambda score: coalesce(try_cast(score as integer), 0))) end as points,
        case when not_applicable <= rules.not_applicable_criteria
            then (len(scores) - not_applicable) * rules.points_per_criterion end as points_possible
    from scored
    cross join rules
)
select
    member_id,
    year,
    fiscal_transparency,
    access_to_information,
    asset_disclosure,
    citizen_engagement,
    points,
    points_possible,
    points / points_possible as points_share,
    points / points_possible >= pass_share as passes_core,
    case values_check when 'yes' then true when 'no' then false end as passes_values_check,
    points / points_possible >= pass_share
        and case values_check when 'yes' then true when 'no' then false end as is_eligible,
    url,
    _source_file as source_file,
    _source_row as source_row,
    source_release
from summed
order by member_id, year
