-- One row per rule and staged commitment that can be compared: our value and the one OGP stores (DOMAIN.md section 6).
-- Of several files of one layout the newest that holds the commitment speaks.
with
newest as (
    select staged.*
    from staging.commitments as staged
    inner join meta.sources as sources on sources.source_file = staged._source_file
    qualify row_number() over (
        partition by staged.layout, staged.commitment_id
        order by sources.released_date desc nulls last, staged._source_file
    ) = 1
),
read_values as (
    select
        *,
        any_yes(value_access, value_participation, value_accountability) as relevant_by_values,
        yes_as_boolean(ogp_relevant) as is_ogp_relevant,
        hits(potential_impact, ['moderate', 'transformative'], ['none', 'minor']) as is_ambitious,
        hits(potential_impact, ['transformative'], ['none', 'minor', 'moderate']) as is_transformative,
        hits(specificity, ['medium', 'high'], ['none', 'low']) as is_specific,
        coalesce(hits(specificity, ['medium', 'high'], ['none', 'low']), yes_as_boolean(verifiable)) as is_verifiable,
        hits(completion_progress, ['substantial', 'complete'], ['not_started', 'limited', 'withdrawn', 'unclear', 'no_evidence_available'])
            as is_mostly_done_at_mid_term,
        hits(completion_end_of_term, ['substantial', 'complete'], ['not_started', 'limited', 'withdrawn', 'unclear', 'no_evidence_available'])
            as is_mostly_done_at_end,
        case when is_coded(completion_end_of_term) then completion_end_of_term else completion_progress end as latest,
        list_position(['not_started', 'limited', 'substantial', 'complete'], completion_progress) as progress_step,
        list_position(['not_started', 'limited', 'substantial', 'complete'], completion_end_of_term) as end_step
    from newest
),
compared as (
    select
        layout,
        commitment_id,
        unnest([
            {'rule': 'relevant_from_values', 'ours': yes_no_text(relevant_by_values),
             'theirs': given_flag(ogp_relevant), 'positives': ['yes'], 'is_due': relevant_by_values is not null},
            {'rule': 'verifiable_from_specificity', 'ours': yes_no_text(is_specific),
             'theirs': given_flag(verifiable), 'positives': ['yes'], 'is_due': is_specific is not null},
            {'rule': 'ambition_assessed',
             'ours': yes_no_text(is_ambitious is not null or potential_for_results in ('unclear', 'modest', 'substantial')),
             'theirs': given_flag(ogp_ambition_assessed), 'positives': ['yes'], 'is_due': true},
            {'rule': 'high_ambition', 'ours': yes_no_text(is_ambitious and coalesce(is_ogp_relevant, false)),
             'theirs': given_flag(ogp_high_ambition), 'positives': ['yes'], 'is_due': true},
            {'rule': 'raw_completion', 'ours': latest,
             'theirs': case when is_coded(ogp_raw_completion) then ogp_raw_completion end,
             'positives': ['substantial', 'complete'], 'is_due': true},
            {'rule': 'completion_assessed',
             'ours': yes_no_text(latest in ('not_started', 'limited', 'substantial', 'complete')),
             'theirs': given_flag(ogp_completion_assessed), 'positives': ['yes'], 'is_due': true},
            {'rule': 'high_completion', 'ours': yes_no_text(latest in ('substantial', 'complete')),
             'theirs': given_flag(ogp_high_completion), 'positives': ['yes'], 'is_due': ogp_completion_assessed = 'yes'},
            {'rule': 'midterm_only', 'ours': yes_no_text(not is_coded(completion_end_of_term) and completion_progress <> 'not_reviewed'),
             'theirs': given_flag(ogp_midterm_only), 'positives': ['yes'], 'is_due': is_coded(ogp_raw_completion)},
            {'rule': 'change_in_completion',
             'ours': case
                 when end_step > progress_step then 'increase'
                 when end_step = progress_step then 'no_change'
                 when end_step < progress_step then 'decrease' end,
             'theirs': case when is_coded(ogp_change_in_completion) then ogp_change_in_completion end,
             'positives': ['increase', 'decrease'], 'is_due': true},
            {'rule': 'early_results_assessed',
             'ours': yes_no_text(is_coded(diog_overall) or is_coded(early_results)),
             'theirs': given_flag(ogp_diog_assessed), 'positives': ['yes'], 'is_due': true},
            {'rule': 'high_early_results',
             'ours': yes_no_text(diog_overall in ('major', 'outstanding') or early_results = 'significant'),
             'theirs': given_flag(ogp_high_diog), 'positives': ['yes'], 'is_due': ogp_diog_assessed = 'yes'},
            {'rule': 'starred_pre_2014', 'ours': yes_no_text(star(relevant_by_values, is_ambitious, is_mostly_done_at_mid_term, true)),
             'theirs': given_flag(ogp_starred_pre_2014), 'positives': ['yes'], 'is_due': true},
            {'rule': 'starred_2015', 'ours': yes_no_text(star(relevant_by_values, is_ambitious, is_mostly_done_at_mid_term, is_verifiable)),
             'theirs': given_flag(ogp_starred_2015), 'positives': ['yes'], 'is_due': true},
            {'rule': 'starred_current_progress',
             'ours': yes_no_text(star(relevant_by_values, is_transformative, is_mostly_done_at_mid_term, is_verifiable)),
             'theirs': given_flag(ogp_starred_current_progress), 'positives': ['yes'], 'is_due': true},
            {'rule': 'starred_current_end_of_term',
             'ours': yes_no_text(star(relevant_by_values, is_transformative, is_mostly_done_at_end, is_verifiable)),
             'theirs': given_flag(ogp_starred_current_end_of_term), 'positives': ['yes'], 'is_due': true}
        ]) as comparison
    from read_values
)
select
    case layout when 'explorer_commitments' then 'explorer' else 'master' end || '_' || comparison.rule as rule,
    commitment_id,
    coalesce(comparison.ours, 'not_assessed') as ours,
    comparison.theirs as theirs,
    coalesce(comparison.ours, 'not_assessed') = comparison.theirs as agrees,
    list_contains(comparison.positives, comparison.theirs) as is_positive
from compared
where comparison.is_due and comparison.theirs is not null
