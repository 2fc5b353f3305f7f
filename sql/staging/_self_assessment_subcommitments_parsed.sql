-- One row per sub-commitment page: its status, the commitment and plan it belongs to, and every problem found.
-- Which self-assessment it is: the pages name one date, August 2023 (in the key `aug_2023_progress`), inside the
-- plan's term of 2022 to 2024; the update below the front matter is later and undated, and nothing says that the
-- term had ended. So the assessment is the mid-term one, the progress text is of August 2023, and the status, which
-- follows the later update (us0115-0 was "on track" in August 2023 and is Complete), has no date.
with
identified as (
    select
        pages.*,
        regexp_extract(upper(tidy(pages.commitment_detail_sub_id)), '^([A-Z]{2,4}\d{4})[-._ ]+(\d{1,3})$',
                       ['commitment', 'number']) as id_parts,
        nullif(upper(replace(regexp_extract(pages.permalink, '/([A-Za-z]{2,4}\d{4}[-.]\d{1,3})/?$', 1), '-', '.')), '')
            as id_in_path,
        coalesce(plan_number_in_path(pages.permalink), plan_number_in_path(pages.c_permalink)) as plan_number,
        sources.released_date
    from staging._self_assessment_subcommitments_corrected as pages
    inner join meta.sources as sources on sources.source_file = pages._source_file
),
named as (
    select
        identified.*,
        coalesce(nullif(id_parts.commitment, ''), ogp_commitment_id(identified.commitment_id)) as ogp_id,
        case when id_parts.number <> '' then id_parts.commitment || '.' || id_parts.number::integer end as subcommitment_id,
        prefixes.member_id,
        prefixes.claimed_by
    from identified
    left join staging.commitment_prefixes as prefixes
        on prefixes.prefix = regexp_extract(
            coalesce(nullif(id_parts.commitment, ''), ogp_commitment_id(identified.commitment_id)), '^[A-Z]+')
),
counted as (
    select
        *,
        row_number() over (partition by released_date, _source_row_sha256 order by _source_file) as copy,
        count(distinct _source_row_sha256) over (partition by released_date, subcommitment_id) as versions
    from named
),
read_rows as (
    select
        counted._source_file,
        counted._source_row::integer as _source_row,
        counted._source_sha256,
        subcommitment_id,
        ogp_id as commitment_id,
        try_cast(nullif(id_parts.number, '') as integer) as subcommitment_number,
        member_id,
        plan_number,
        plan_id_of(member_id, plan_number) as plan_id,
        'self_assessment_mid_term' as assessment,
        tidy(title) as title,
        tidy(commitment_agency) as agency,
        label_code(labels, 'item_status', commitment_status) as status,
        tidy(commitment_status) as status_text,
        tidy(aug_2023_progress) as progress_text,
        date '2023-08-01' as progress_date,
        tidy(regexp_replace(regexp_extract("Page text", '(?is)progress update:(.*?)(?:evidence:|$)', 1), '^\s+', ''))
            as update_text,
        tidy(regexp_extract("Page text", '(?is)evidence:(.*)$', 1)) as evidence,
        list_filter(flatten([[
            case when subcommitment_id is null
                then problem('commitment_detail_sub_id', 'subcommitment_id_unreadable', 'quarantine',
                             commitment_detail_sub_id, null) end,
            commitment_prefix_problem('commitment_detail_sub_id', ogp_id, member_id, claimed_by),
            case when plan_id_of(member_id, plan_number) is null and member_id is not null
                then problem('permalink', 'plan_number_unreadable', 'quarantine', permalink, null) end,
            case when copy > 1
                then problem('commitment_detail_sub_id', 'duplicate_row', 'quarantine', commitment_detail_sub_id, null)
                when subcommitment_id is not null and versions > 1
                then problem('commitment_detail_sub_id', 'subcommitment_id_repeated', 'quarantine',
                             commitment_detail_sub_id, null) end,
            case when subcommitment_id <> tidy(commitment_detail_sub_id)
                then problem('commitment_detail_sub_id', 'number_variant', 'repair', commitment_detail_sub_id,
                             subcommitment_id) end,
            case when upper(tidy(commitment_id)) is distinct from ogp_id
                then problem('commitment_id', 'commitment_id_disagrees', 'doubt', commitment_id, ogp_id) end,
            case when id_in_path <> subcommitment_id
                then problem('permalink', 'path_disagrees', 'doubt', permalink, subcommitment_id) end,
            case when commitment_status is null
                then problem('commitment_status', 'status_missing', 'unreadable', null, null) end,
            label_problem(labels, 'commitment_status', 'item_status', commitment_status)
        ],
        text_problems('title', title),
        text_problems('commitment_agency', commitment_agency),
        text_problems('aug_2023_progress', aug_2023_progress),
        text_problems('Page text', "Page text"),
        _corrections]), lambda p: p is not null) as found_problems
    from counted
    cross join reference._label_maps as labels
)
select
    * exclude (found_problems),
    is_refused(found_problems) as is_quarantined,
    problems_of_row(found_problems) as problems
from read_rows
