-- One row per commitment with its member, plan, levels of public influence and outcomes: for quick questions.
with
levels as (
    -- as the default figures: official coding only
    select
        plan_id,
        max(case when stage = 'development' then official_level end) as influence_development,
        max(case when stage = 'implementation' then official_level end) as influence_implementation,
        max(case when stage = 'throughout' then official_level end) as influence_throughout
    from marts.influence
    group by plan_id
),
hits as (
    select
        commitment_id,
        bool_or(is_hit) filter (where definition = 'moderate_or_transformative') as is_moderate_or_transformative,
        bool_or(is_hit) filter (where definition = 'ambitious_and_relevant') as is_ambitious_and_relevant,
        bool_or(is_hit) filter (where definition = 'transformative') as is_transformative,
        bool_or(is_hit) filter (where definition = 'substantial_potential') as has_substantial_potential,
        bool_or(is_hit) filter (where definition = 'complete') as is_complete,
        bool_or(is_hit) filter (where definition = 'substantial_or_complete') as is_substantial_or_complete,
        bool_or(is_hit) filter (where definition = 'major_or_outstanding') as is_major_or_outstanding,
        bool_or(is_hit) filter (where definition = 'significant') as has_significant_results,
        bool_or(scale in ('potential_impact', 'potential_for_results')) as is_assessed_ambition,
        bool_or(scale = 'completion') as is_assessed_completion,
        bool_or(scale in ('diog', 'early_results')) as is_assessed_early_results
    from marts.outcomes
    group by commitment_id
)
select
    commitments.commitment_id,
    commitments.title,
    commitments.member_id,
    members.member_name,
    members.member_type,
    members.region,
    commitments.plan_id,
    plans.plan_number,
    plans.submitted_year,
    plans.is_partial,
    levels.influence_development,
    levels.influence_implementation,
    levels.influence_throughout,
    commitments.is_relevant,
    commitments.is_verifiable,
    commitments.potential_impact,
    commitments.potential_for_results,
    commitments.completion_latest,
    commitments.completion_basis,
    commitments.diog_overall,
    commitments.early_results,
    coalesce(hits.is_assessed_ambition, false) as is_assessed_ambition,
    coalesce(hits.is_assessed_completion, false) as is_assessed_completion,
    coalesce(hits.is_assessed_early_results, false) as is_assessed_early_results,
    hits.is_moderate_or_transformative,
    hits.is_ambitious_and_relevant,
    hits.is_transformative,
    hits.has_substantial_potential,
    hits.is_complete,
    hits.is_substantial_or_complete,
    hits.is_major_or_outstanding,
    hits.has_significant_results,
    commitments.is_starred_pre_2014,
    commitments.is_starred_2015,
    commitments.is_starred_current_progress,
    commitments.is_starred_current_end_of_term,
    commitments.start_date,
    commitments.end_date,
    commitments.lead_institution,
    commitments.cluster,
    commitments.cluster_status,
    commitments.source_release
from marts.commitments as commitments
inner join marts.action_plans as plans using (plan_id)
inner join marts.members as members on members.member_id = commitments.member_id
inner join levels using (plan_id)
left join hits using (commitment_id)
order by commitments.commitment_id
