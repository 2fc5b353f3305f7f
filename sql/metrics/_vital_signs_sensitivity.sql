-- One row per figure, choice and plan: the level and the commitments of the plan as the choice reads them. Only the
-- definition a figure shows by default, and only choices that exist for its outcome.
with
figures as (
    select figure, outcome, definition, default_stage, assessed_codes, hit_codes, requires_relevant
    from reference.outcome_definitions
    where is_default
),
questions as (
    select
        figures.figure,
        figures.outcome,
        figures.definition,
        choices.choice,
        choices.coding,
        choices.judged,
        choices.counting,
        coalesce(choices.reading, figures.default_stage) as reading
    from figures
    inner join reference.sensitivity_choices as choices
        on choices.outcomes is null or list_contains(string_split(choices.outcomes, '|'), figures.outcome)
),
both_stages as (
    select
        coding,
        plan_id,
        max(level_rank) as higher_rank,
        min(level_rank) as lower_rank,
        arg_max(level, level_rank) as higher_level
    from marts._influence
    where stage in ('development', 'implementation')
    group by coding, plan_id
    having count(*) = 2
),
readings as (
    select coding, plan_id, stage as reading, level, level_rank
    from marts._influence
    union all
    select coding, plan_id, 'throughout_highest', higher_level, higher_rank
    from both_stages
    union all
    select coding, plan_id, 'throughout_equal', higher_level, higher_rank
    from both_stages
    where lower_rank = higher_rank
),
latest as (
    -- official outcomes stand in both codings, those of analysts in the second
    select unnest(case coding_source when 'official' then ['official', 'official_and_analyst']
            else ['official_and_analyst'] end) as coding, commitment_id, outcome, definition, is_hit
    from marts._outcomes
    semi join figures using (outcome, definition)
),
completions as (
    select commitment_id, is_relevant, 'progress' as judged, completion_progress as code
    from marts.commitments
    union all
    select commitment_id, is_relevant, 'end_of_term', completion_end_of_term
    from marts.commitments
),
judgements as (
    select coding, 'latest' as judged, outcome, definition, commitment_id, is_hit
    from latest
    union all
    select
        'official',
        completions.judged,
        figures.outcome,
        figures.definition,
        completions.commitment_id,
        list_contains(string_split(figures.hit_codes, '|'), completions.code)
            and (not figures.requires_relevant or coalesce(completions.is_relevant, false))
    from completions
    inner join figures on figures.outcome = 'completion'
    where list_contains(string_split(figures.assessed_codes, '|'), completions.code)
    union all
    select
        'official',
        bounds.code,
        figures.outcome,
        figures.definition,
        commitments.commitment_id,
        coalesce(latest.is_hit, bounds.code = 'excluded_as_success')
    from marts.commitments as commitments
    cross join figures
    inner join reference.labels as bounds
        on bounds.list = 'sensitivity_judged' and bounds.code in ('excluded_as_failure', 'excluded_as_success')
    left join latest
        on latest.coding = 'official'
        and latest.commitment_id = commitments.commitment_id
        and latest.outcome = figures.outcome
        and latest.definition = figures.definition
),
units as (
    -- a cluster of a plan, or a commitment that is in none
    select
        judgements.coding,
        judgements.judged,
        judgements.outcome,
        judgements.definition,
        commitments.plan_id,
        count(*) as commitments,
        count_if(judgements.is_hit) as hits
    from judgements
    inner join marts.commitments as commitments using (commitment_id)
    group by
        judgements.coding,
        judgements.judged,
        judgements.outcome,
        judgements.definition,
        commitments.plan_id,
        commitments.cluster,
        case when commitments.cluster is null then commitments.commitment_id end
),
plan_outcomes as (
    select
        coding,
        judged,
        outcome,
        definition,
        plan_id,
        sum(commitments)::bigint as commitments,
        sum(hits)::double as hits,
        count(*) as units,
        -- members of a cluster can differ in a value: each then weighs 1 / members. In a fixed order, so that equal
        -- inputs give equal bits
        list_sum(list(hits / commitments order by hits / commitments)) as hits_of_units
    from units
    group by all
)
select
    questions.figure,
    questions.choice,
    questions.counting,
    plan_outcomes.plan_id,
    readings.level,
    case when readings.level_rank >= involve.number::integer then 'involve_or_above' else 'below_involve' end as side,
    case questions.counting when 'clusters_once' then plan_outcomes.units else plan_outcomes.commitments end
        as commitments,
    case questions.counting when 'clusters_once' then plan_outcomes.hits_of_units else plan_outcomes.hits end as hits
from questions
inner join plan_outcomes using (coding, judged, outcome, definition)
inner join readings using (coding, reading, plan_id)
inner join reference.labels as involve on involve.list = 'influence_level' and involve.code = 'involve'
