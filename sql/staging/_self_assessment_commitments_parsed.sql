-- One row per commitment page: the commitment and its plan, and every problem found.
with
identified as (
    select
        pages.*,
        ogp_commitment_id(pages.commitment_id) as ogp_id,
        prefixes.member_id,
        prefixes.claimed_by,
        coalesce(plan_number_in_path(pages.permalink), plan_number_in_path(pages.commitment_link)) as plan_number,
        sources.released_date
    from staging._self_assessment_commitments_corrected as pages
    inner join meta.sources as sources on sources.source_file = pages._source_file
    left join staging.commitment_prefixes as prefixes
        on prefixes.prefix = regexp_extract(ogp_commitment_id(pages.commitment_id), '^[A-Z]+')
),
counted as (
    -- a commitment has one page in each release; a release is what was published on one day
    select
        *,
        row_number() over (partition by released_date, _source_row_sha256 order by _source_file) as copy,
        count(distinct _source_row_sha256) over (partition by released_date, ogp_id) as versions
    from identified
),
read_rows as (
    select
        _source_file,
        _source_row::integer as _source_row,
        _source_sha256,
        ogp_id as commitment_id,
        member_id,
        plan_number,
        plan_id_of(member_id, plan_number) as plan_id,
        tidy(title) as title,
        tidy(commitment_theme_name) as theme,
        tidy(commitment_detail_sub) as full_text,
        list_filter(flatten([[
            case when ogp_id is null
                then problem('commitment_id', 'commitment_id_unreadable', 'quarantine', commitment_id, null) end,
            commitment_prefix_problem('commitment_id', ogp_id, member_id, claimed_by),
            case when plan_id_of(member_id, plan_number) is null and member_id is not null
                then problem('permalink', 'plan_number_unreadable', 'quarantine', permalink, null) end,
            case when copy > 1 then problem('commitment_id', 'duplicate_row', 'quarantine', commitment_id, null)
                when ogp_id is not null and versions > 1
                then problem('commitment_id', 'commitment_id_repeated', 'quarantine', commitment_id, null) end,
            case when tidy(title) is null then problem('title', 'title_missing', 'unreadable', title, null) end
        ],
        text_problems('title', title),
        text_problems('commitment_detail_sub', commitment_detail_sub),
        _corrections]), lambda p: p is not null) as found_problems
    from counted
)
select
    * exclude (found_problems),
    is_refused(found_problems) as is_quarantined,
    problems_of_row(found_problems) as problems
from read_rows
