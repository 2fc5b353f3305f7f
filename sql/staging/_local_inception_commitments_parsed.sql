-- One row per raw row of the commitments at inception: the commitment, the answers on its design, and every problem.
with
given as (
    select
        _source_file,
        _source_row::integer as _source_row,
        _source_sha256,
        _source_row_sha256,
        _source_note,
        _corrections,
        tidy("Member") as member,
        "Plan number" as plan_number_text,
        "Commitment" as commitment_text,
        tidy("Is the commitment verifiable?") as verifiable_text,
        tidy("Open government lens?") as lens_text,
        tidy("Lens - access to information") as access_text,
        tidy("Lens - civic participation") as participation_text,
        tidy("Lens - public accountability") as accountability_text,
        tidy("Potential for results at inception") as potential_text,
        "Explanation of the design" as explanation_text,
        "Evidence for the design" as evidence_text
    from staging._local_inception_commitments_corrected
),
identified as (
    select
        given.*,
        names.member_id,
        names.official_name,
        names.claimed_by,
        names.member_type,
        whole_number(plan_number_text) as plan_number,
        plan_id_of(names.member_id, whole_number(plan_number_text)) as plan_id,
        commitment_reference(plan_id_of(names.member_id, whole_number(plan_number_text)), commitment_text) as reference
    from given
    left join staging.form_member_names as names on names.name_key = fold(given.member)
),
counted as (
    select
        *,
        row_number() over (partition by _source_file, _source_row_sha256 order by _source_row) as copy,
        count(distinct _source_row_sha256) over (partition by _source_file, reference.id) as versions
    from identified
),
coded as (
    select
        counted.*,
        label_code(labels, 'local_answer', verifiable_text) as is_verifiable_answer,
        label_code(labels, 'local_answer', lens_text) as lens_answer,
        label_code(labels, 'local_answer', access_text) as value_access,
        label_code(labels, 'local_answer', participation_text) as value_participation,
        label_code(labels, 'local_answer', accountability_text) as value_accountability,
        label_code(labels, 'local_potential', potential_text) as potential_for_results,
        labels,
        member_of_prefix
    from counted
    cross join reference._label_maps as labels
    left join (select prefix as id_prefix, member_id as member_of_prefix from staging.commitment_prefixes) as prefixes
        on prefixes.id_prefix = commitment_prefix(reference.id)
),
read_rows as (
    select
        _source_file,
        _source_row,
        _source_sha256,
        reference.id as commitment_id,
        reference.number as commitment_number,
        reference.basis as commitment_id_basis,
        plan_id,
        member_id,
        plan_number,
        member_type,
        is_verifiable_answer as verifiable,
        lens_answer as open_government_lens,
        value_access,
        value_participation,
        value_accountability,
        potential_for_results,
        tidy(explanation_text) as explanation,
        tidy(evidence_text) as evidence,
        list_filter(flatten([_corrections, [
            form_member_problem('Member', member, member_id, official_name, claimed_by),
            plan_number_problem('Plan number', plan_number_text),
            other_member_problem('Commitment', commitment_text, member_of_prefix, member_id, 'quarantine'),
            commitment_reference_problem('Commitment', commitment_text, plan_id, reference),
            case
                when copy > 1 then problem('Commitment', 'duplicate_row', 'quarantine', commitment_text, null)
                when reference.id is not null and versions > 1
                    then problem('Commitment', 'commitment_repeated', 'quarantine', commitment_text, reference.id)
            end,
            case when _source_note is not null then problem(null, 'row_width', 'doubt', _source_note, null) end,
            case when member_type = 'national'
                then problem('Member', 'not_a_local_member', 'doubt', member, member_id) end,
            answer_missing('Is the commitment verifiable?', verifiable_text),
            answer_missing('Open government lens?', lens_text),
            answer_missing('Potential for results at inception', potential_text),
            case when lens_answer = 'no' and 'yes' in (value_access, value_participation, value_accountability)
                    or lens_answer = 'yes' and value_access = 'no' and value_participation = 'no'
                        and value_accountability = 'no'
                then problem('Open government lens?', 'lens_disagrees', 'doubt', lens_text, lens_answer) end,
            label_problem(labels, 'Is the commitment verifiable?', 'local_answer', verifiable_text),
            label_problem(labels, 'Open government lens?', 'local_answer', lens_text),
            label_problem(labels, 'Lens - access to information', 'local_answer', access_text),
            label_problem(labels, 'Lens - civic participation', 'local_answer', participation_text),
            label_problem(labels, 'Lens - public accountability', 'local_answer', accountability_text),
            label_problem(labels, 'Potential for results at inception', 'local_potential', potential_text)
        ],
        text_problems('Explanation of the design', explanation_text),
        text_problems('Evidence for the design', evidence_text)]), lambda p: p is not null) as found_problems
    from coded
)
select
    * exclude (found_problems),
    is_refused(found_problems) as is_quarantined,
    problems_of_row(found_problems) as problems
from read_rows
