-- One row per variable: how often two coders of the same final report read the same.
with
opinions as (
    -- who coded a report twice and differently holds no opinion
    select plan_id, commitment_id, product, variable, coder_key, min(value) as value
    from marts._irm_codings
    where is_final and is_of_product
    group by plan_id, commitment_id, product, variable, coder_key
    having count(distinct value) = 1
),
pairs as (
    select
        first_coder.variable,
        first_coder.coder_key as first_coder,
        second_coder.coder_key as second_coder,
        first_coder.value as first_value,
        second_coder.value as second_value
    from opinions as first_coder
    inner join opinions as second_coder using (plan_id, commitment_id, product, variable)
    where first_coder.coder_key < second_coder.coder_key
),
counted as (
    select
        variable,
        count(*) as pairs,
        count_if(first_value = second_value) as agreeing_pairs,
        count(distinct (first_coder, second_coder)) as coder_pairs
    from pairs
    group by variable
),
chance as (
    -- of all ways to put the values of one coder beside those of the other, those that agree
    select first_values.variable, sum(first_values.times * second_values.times) as agreeing_by_chance
    from (select variable, first_value as value, count(*) as times from pairs group by all) as first_values
    inner join (select variable, second_value as value, count(*) as times from pairs group by all) as second_values
        using (variable, value)
    group by first_values.variable
),
judged as (
    select
        labels.code as variable,
        coalesce(counted.pairs, 0) as pairs,
        coalesce(counted.agreeing_pairs, 0) as agreeing_pairs,
        coalesce(chance.agreeing_by_chance, 0) as agreeing_by_chance,
        case
            when counted.pairs is null then 'no_pairs'
            when counted.coder_pairs > 1 then 'more_than_two_coders'
            when chance.agreeing_by_chance = counted.pairs * counted.pairs then 'no_variation'
            else 'shown'
        end as kappa_status
    from reference.labels as labels
    left join counted on counted.variable = labels.code
    left join chance on chance.variable = labels.code
    where labels.list = 'irm_variable'
)
select
    variable,
    pairs,
    agreeing_pairs,
    case when pairs > 0 then agreeing_pairs / pairs end as agreement_rate,
    -- (observed - chance) / (1 - chance), both times pairs squared
    case
        when kappa_status = 'shown'
            then (pairs * agreeing_pairs - agreeing_by_chance) / (pairs * pairs - agreeing_by_chance)
    end as cohens_kappa,
    kappa_status
from judged
order by variable
