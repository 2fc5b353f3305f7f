-- One row per plan and id that a commitment of it had in an older release than the one chosen now.
with
older as (
    -- what other files say of the plan, unless they are newer than the chosen one
    select
        staged.plan_id,
        staged.commitment_id,
        staged.commitment_number,
        coalesce(staged.title, left(staged.full_text, 200)) as title,
        theirs.released_date,
        staged._source_file
    from staging.commitments as staged
    inner join marts.action_plans as plans
        on plans.plan_id = staged.plan_id and plans.source_file <> staged._source_file
    left join meta.sources as theirs on theirs.source_file = staged._source_file
    left join meta.sources as chosen on chosen.source_file = plans.source_file
    where coalesce(theirs.released_date, date '0001-01-01') <= coalesce(chosen.released_date, date '0001-01-01')
),
former as (
    select plan_id, commitment_id as former_id, commitment_number, title, title_key(title, commitment_number) as title_key
    from older
    where (plan_id, commitment_id) not in (select (plan_id, commitment_id) from marts.commitments)
    qualify row_number() over (
        partition by plan_id, commitment_id order by released_date desc nulls last, _source_file
    ) = 1
),
present as (
    -- a commitment that had its id before has no other former one
    select
        plan_id,
        commitment_id,
        commitment_number,
        title_key(coalesce(title, left(full_text, 200)), commitment_number) as title_key
    from marts.commitments
    where plan_id in (select plan_id from former)
        and (plan_id, commitment_id) not in (select (plan_id, commitment_id) from older)
),
likeness as (
    select
        former.plan_id,
        former.former_id,
        present.commitment_id,
        former.commitment_number is not distinct from present.commitment_number as has_same_number,
        title_similarity(former.title_key, present.title_key) as similarity
    from former
    inner join present using (plan_id)
),
candidates as (
    -- 0.8 under the same number and 0.9 under another: see the contract
    select
        *,
        case
            when similarity = 1 and has_same_number then 'number_and_title'
            when similarity = 1 then 'title'
            when has_same_number then 'number_and_similar_title'
            else 'similar_title'
        end as match,
        case
            when similarity = 1 and has_same_number then 3
            when similarity = 1 then 2
            when has_same_number then 1
            else 0
        end + similarity / 2 as score
    from likeness
    where similarity >= case when has_same_number then 0.8 else 0.9 end
),
compared as (
    select
        *,
        max(score) over (partition by plan_id, former_id) as best_of_former,
        max(score) over (partition by plan_id, commitment_id) as best_of_present
    from candidates
),
matched as (
    -- each is the one best of the other: of two that fit as well neither is taken
    select
        *,
        count(*) over (partition by plan_id, former_id) as fitting_present,
        count(*) over (partition by plan_id, commitment_id) as fitting_former
    from compared
    where score = best_of_former and score = best_of_present
    qualify fitting_present = 1 and fitting_former = 1
)
select
    former.plan_id,
    former.former_id,
    matched.commitment_id,
    coalesce(matched.match, 'none') as match,
    matched.similarity,
    case
        when matched.commitment_id is not null then null
        when (former.plan_id, former.former_id) in (select (plan_id, former_id) from candidates) then 'ambiguous'
        else 'no_similar_title'
    end as no_match_reason,
    former.commitment_number as former_number,
    former.title as former_title
from former
left join matched using (plan_id, former_id)
order by former.plan_id, former.former_id
