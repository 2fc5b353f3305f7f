-- One row per action plan that a form or a self-assessment names, whether or not a release holds its commitments.
with
named as (
    select plan_id, member_id, plan_number from staging.irm_report_plans
    union all
    select plan_id, member_id, plan_number from staging.irm_report_commitments
    union all
    select plan_id, member_id, plan_number from staging.local_inception
    union all
    select plan_id, member_id, plan_number from staging.local_inception_commitments
    union all
    select plan_id, member_id, plan_number from staging.local_end_of_commitment
    union all
    select plan_id, member_id, plan_number from staging.local_learning
    union all
    select plan_id, member_id, plan_number from staging.self_assessment
    union all
    select plan_id, member_id, plan_number from staging.self_assessment_commitments
    union all
    select plan_id, member_id, plan_number from staging.self_assessment_subcommitments
    union all
    select plan_id, member_id, plan_number from staging.engagement where plan_id is not null
)
select distinct plan_id, member_id, plan_number
from named
order by plan_id
