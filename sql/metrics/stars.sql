-- One row per formula, type of member and year of submission: commitments of plans held whole for which the formula can
-- be computed, and the starred ones (DOMAIN.md section 3).
with
judged as (
    select
        formulas.formula,
        members.member_type,
        plans.submitted_year,
        commitments.plan_id,
        case formulas.formula
            when 'pre_2014' then commitments.is_starred_pre_2014
            when '2015' then commitments.is_starred_2015
            when 'current_progress' then commitments.is_starred_current_progress
            when 'current_end_of_term' then commitments.is_starred_current_end_of_term
        end as is_starred
    from marts.commitments as commitments
    inner join marts.action_plans as plans using (plan_id)
    inner join marts.members as members on members.member_id = commitments.member_id
    cross join (select distinct code as formula from reference.labels where list = 'star_formula') as formulas
    where not plans.is_partial and plans.plan_kind is distinct from 'local' and plans.submitted_year is not null
),
counted as (
    select
        formula,
        member_type,
        submitted_year,
        count(distinct case when is_starred is not null then plan_id end) as plans,
        count(*) as commitments,
        count(is_starred) as commitments_computable,
        count(*) filter (where is_starred) as starred
    from judged
    group by all
)
select
    *,
    shown_share(starred, commitments_computable, plans) as share,
    plans < 3 as is_suppressed
from counted
order by formula, member_type, submitted_year
