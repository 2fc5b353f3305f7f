-- One row per figure, choice and level of public influence: the cells of the figure's default under each choice that
-- could have been made otherwise, and whether the difference between Involve or above and below keeps its direction.
with
cells as (
    -- the six levels and the two sides that are compared
    select
        figure,
        choice,
        cell,
        count(*) as plans,
        sum(commitments)::bigint as commitments,
        list_sum(list(hits order by hits)) as hits,
        case any_value(counting)
            when 'plan_mean' then list_avg(list(hits / commitments order by hits / commitments))
            else list_sum(list(hits order by hits)) / sum(commitments)
        end as share
    from (
        select *, unnest([level, side]) as cell
        from metrics._vital_signs_sensitivity
    )
    group by figure, choice, cell
),
questions as (
    select
        definitions.figure,
        definitions.outcome,
        definitions.definition,
        definitions.default_stage,
        choices.choice,
        choices.position,
        choices.outcomes is null or list_contains(string_split(choices.outcomes, '|'), definitions.outcome)
            as is_applicable
    from reference.outcome_definitions as definitions
    cross join reference.sensitivity_choices as choices
    where definitions.is_default
),
numbers as (
    -- all that a choice says of a figure, to see whether it changes anything
    select figure, choice, list((cell, plans, commitments, hits, share) order by cell) as said
    from cells
    group by figure, choice
),
compared as (
    select
        questions.*,
        case when below.plans >= 3 then below.share end as share_below_involve,
        case when above.plans >= 3 then above.share end as share_involve_or_above,
        coalesce(below.plans, 0) as plans_below_involve,
        coalesce(above.plans, 0) as plans_involve_or_above,
        case when below.plans >= 3 and above.plans >= 3 then above.share - below.share end as difference,
        numbers.said is not distinct from first_value(numbers.said) over by_position as says_the_same
    from questions
    left join numbers using (figure, choice)
    left join cells as below
        on below.figure = questions.figure and below.choice = questions.choice and below.cell = 'below_involve'
    left join cells as above
        on above.figure = questions.figure and above.choice = questions.choice and above.cell = 'involve_or_above'
    window by_position as (partition by questions.figure order by questions.choice <> 'pooled', questions.position)
),
directions as (
    select
        *,
        case
            when difference is null then 'not_computable'
            when abs(difference) < 1e-9 then 'equal'
            when difference > 0 then 'higher'
            else 'lower'
        end as direction,
        case
            when choice = 'pooled' then 'default'
            when not is_applicable then 'not_applicable'
            when says_the_same then 'same_as_default'
            when difference is null then 'not_computable'
            else 'computed'
        end as choice_status
    from compared
),
agreements as (
    select
        *,
        case
            when direction <> 'not_computable' and default_direction <> 'not_computable'
                then direction = default_direction
        end as agrees_with_default
    from (
        select
            *,
            max(case when choice = 'pooled' then direction end) over (partition by figure) as default_direction
        from directions
    )
),
conclusions as (
    -- NULL where nothing was compared: bool_and of no row
    select
        *,
        bool_and(case when choice_status = 'computed' then agrees_with_default end) over (partition by figure)
            as conclusion_stable
    from agreements
)
select
    conclusions.figure,
    conclusions.choice,
    levels.code as level,
    levels.number::integer as level_rank,
    conclusions.outcome,
    conclusions.definition,
    conclusions.default_stage,
    conclusions.choice_status,
    coalesce(cells.plans, 0) as plans,
    coalesce(cells.commitments, 0) as commitments,
    coalesce(cells.hits, 0) as hits,
    case when cells.plans >= 3 then cells.share end as share,
    coalesce(cells.plans, 0) < 3 as is_suppressed,
    conclusions.plans_below_involve,
    conclusions.plans_involve_or_above,
    conclusions.share_below_involve,
    conclusions.share_involve_or_above,
    conclusions.difference,
    conclusions.direction,
    conclusions.agrees_with_default,
    conclusions.conclusion_stable
from conclusions
inner join reference.labels as levels on levels.list = 'influence_level' and levels.number is not null
left join cells
    on cells.figure = conclusions.figure and cells.choice = conclusions.choice and cells.cell = levels.code
order by conclusions.figure, conclusions.choice, levels.code
