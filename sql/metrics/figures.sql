-- One row per figure: whether its default can be shown, what its data are, what it says and what it lacks, in words.
with
cells as (
    select
        *,
        replace(level, '_', ' ') as level_words,
        pooled_share is not null as is_drawable,
        plans between 1 and 2 as is_too_few,
        -- assessed on the outcome, the level would have plans enough
        pooled_share is null and plans_at_level >= 3 as lacks_outcomes,
        pooled_share is null and plans_at_level < 3 as lacks_levels
    from metrics.vital_signs
    where is_default
),
totals as (
    select
        figure,
        outcome,
        definition,
        stage,
        sum(plans)::bigint as plans,
        sum(commitments)::bigint as commitments,
        sum(hits)::bigint as hits,
        sum(commitments_progress)::bigint as commitments_progress,
        sum(plans_at_level)::bigint as plans_at_level,
        sum(commitments_at_level)::bigint as commitments_at_level,
        min(first_year) as first_year,
        max(last_year) as last_year,
        count_if(is_drawable) as levels_drawable,
        count_if(is_too_few) as levels_suppressed,
        string_agg(level_words, ', ' order by level_rank) filter (where is_too_few) as suppressed_words,
        string_agg(level_words, ', ' order by level_rank) filter (where lacks_outcomes) as lacking_outcomes,
        string_agg(level_words, ', ' order by level_rank) filter (where lacks_levels) as lacking_levels
    from cells
    group by figure, outcome, definition, stage
),
choices as (
    -- what the table repeats at each level stands once
    select
        figure,
        any_value(conclusion_stable) as conclusion_stable,
        count_if(choice_status = 'computed' and agrees_with_default is not null) as choices_compared,
        count_if(choice_status = 'computed' and agrees_with_default) as choices_agreeing,
        string_agg(words, '; ' order by position)
            filter (where choice_status = 'computed' and not agrees_with_default) as disagreeing_words,
        max(case when choice_status = 'default' then direction end) as direction,
        max(case when choice_status = 'default' then share_below_involve end) as share_below_involve,
        max(case when choice_status = 'default' then share_involve_or_above end) as share_involve_or_above,
        max(case when choice_status = 'default' then plans_below_involve end) as plans_below_involve,
        max(case when choice_status = 'default' then plans_involve_or_above end) as plans_involve_or_above
    from (
        select distinct
            figure, choice, choice_status, conclusion_stable, agrees_with_default, direction, share_below_involve,
            share_involve_or_above, plans_below_involve, plans_involve_or_above, choices.position, choices.words
        from metrics.vital_signs_sensitivity
        inner join reference.sensitivity_choices as choices using (choice)
    )
    group by figure
),
judged as (
    select
        totals.*,
        choices.* exclude (figure),
        words.* exclude (figure),
        stages.meaning as stage_words,
        commitments_progress / nullif(commitments, 0) as share_progress,
        commitments / nullif(commitments_at_level, 0) as share_assessed,
        case
            when levels_drawable < 2 then 'not_showable'
            when levels_suppressed > 0 then 'partly_suppressed'
            else 'shown'
        end as status
    from totals
    inner join choices using (figure)
    inner join reference.figure_words as words using (figure)
    inner join reference.labels as stages on stages.list = 'stage' and stages.code = totals.stage
),
explained as (
    select
        *,
        case
            when status = 'not_showable' and plans_at_level = 0
                then 'no plan has an assessed level of public influence ' || stage_words
            when status = 'not_showable'
                then 'a level is drawn from 3 plans on, and '
                    || case when levels_drawable = 0 then 'no level has' else 'only one level has' end
                    || ' so many with commitments assessed on ' || outcome_words || ': '
                    || format('{:,}', commitments) || ' of ' || counted(commitments_at_level, 'commitment') || ' in '
                    || plans || ' of ' || counted(plans_at_level, 'plan') || ' with a level are assessed'
            when status = 'partly_suppressed' then 'under 3 plans: ' || suppressed_words
        end as reason,
        case
            when status <> 'shown' then
                concat_ws(
                    '; ',
                    case when lacking_outcomes is not null then input_outcomes || ' (' || lacking_outcomes || ')' end,
                    case when lacking_levels is not null then input_levels || ' (' || lacking_levels || ')' end
                )
        end as missing_input,
        'Figure ' || figure || ': ' || headline || ', by level of public influence ' || stage_words
            || case
                when commitments = 0 then '; no assessed commitments'
                else case
                        when share_progress = 0 then '; all of it end of term'
                        when share_progress > 0 then '; ' || percent(share_progress) || ' of it mid-term'
                        else ''
                    end
                    || '; plans of ' || year_span(first_year, last_year)
            end as title,
        case
            when commitments_at_level = 0 then 'No plan has an assessed level of public influence at this stage.'
            else 'Assessed on this outcome: ' || percent(share_assessed) || ' of '
                || counted(commitments_at_level, 'commitment') || ' in ' || counted(plans_at_level, 'plan')
                || ' with a level.'
        end as subtitle,
        case
            when choices_compared = 0 then 'No other choice could be computed beside it.'
            when conclusion_stable
                then 'The direction is the same under all ' || counted(choices_compared, 'choice') || ' compared.'
            else 'The direction depends on choices: it is the same under ' || choices_agreeing || ' of '
                || counted(choices_compared, 'choice') || ' compared, and not under: ' || disagreeing_words || '.'
        end as stability_words
    from judged
)
select
    figure,
    outcome,
    definition,
    stage,
    status,
    levels_drawable,
    levels_suppressed,
    reason,
    missing_input,
    title,
    subtitle,
    case
        when status = 'not_showable' then 'Figure ' || figure || ' cannot be shown: ' || reason || '.'
        when direction = 'not_computable'
            then 'Involve or above and below Involve cannot be compared: one of them has under 3 plans ('
                || plans_involve_or_above || ' and ' || plans_below_involve || ').'
        else 'Of commitments in plans at Involve or above ' || percent(share_involve_or_above) || ' ' || hit_words
            || ' (' || counted(plans_involve_or_above, 'plan') || '), of those below ' || percent(share_below_involve)
            || ' (' || counted(plans_below_involve, 'plan') || '): '
            || case direction
                when 'equal' then 'no difference is seen. '
                else 'in these plans the share at Involve or above is ' || direction || '. '
            end
            || stability_words
    end as sentence,
    conclusion_stable,
    choices_compared,
    choices_agreeing,
    plans,
    commitments,
    hits,
    first_year,
    last_year,
    share_progress,
    share_assessed,
    plans_at_level,
    commitments_at_level
from explained
order by figure
