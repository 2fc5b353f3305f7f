-- Generic tests that dbt itself has not; each returns the rows that break it.
{% test key_is_unique(model, columns) %}
    select {{ columns | join(', ') }}
    from {{ model }}
    group by all
    having count(*) > 1
{% endtest %}

{% test values_match(model, column_name, pattern) %}
    select {{ column_name }} from {{ model }} where not regexp_matches({{ column_name }}, '{{ pattern }}')
{% endtest %}

{% test values_between(model, column_name, lowest, highest) %}
    select {{ column_name }} from {{ model }} where {{ column_name }} not between {{ lowest }} and {{ highest }}
{% endtest %}

{% test not_before(model, later, earlier) %}
    select {{ later }}, {{ earlier }} from {{ model }} where {{ later }} < {{ earlier }}
{% endtest %}

{% test row_count(model, rows) %}
    select count(*) as found from {{ model }} having count(*) <> {{ rows }}
{% endtest %}
