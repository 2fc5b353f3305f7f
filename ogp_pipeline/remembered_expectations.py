"""Expectations of Great Expectations that write down their own configuration once.

A validation asks each expectation for its configuration over a hundred times, and the ones of the library build it
anew each time: that is half of what a suite costs. What is asked and what is answered stays the library's own.
"""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def remembering(kind: str) -> str:
    """The name under which an expectation that remembers is known, by the name of the library's own.

    What the library raises where it knows no such expectation is raised here.
    """
    from great_expectations.compatibility import pydantic
    from great_expectations.expectations.registry import get_expectation_impl

    own = get_expectation_impl(kind)

    def configuration(self: Any) -> Any:
        fields, remembered = self._remembered
        if fields != self.__dict__:  # none yet, or of before a field was set or the expectation copied with another
            remembered = own.configuration.fget(self)
            self._remembered = dict(self.__dict__), remembered
        return remembered

    made = type(own)(
        f"{own.__name__}Remembering",
        (own,),
        {
            "__module__": __name__,
            "__doc__": own.__doc__,
            "_remembered": pydantic.PrivateAttr(default=(None, None)),
            "configuration": property(configuration),
        },
    )
    return made.expectation_type


@cache
def counts_rows(kind: str) -> bool:
    """The expectation of this name judges row by row; where it holds no row breaks it."""
    from great_expectations.expectations import expectation
    from great_expectations.expectations.registry import get_expectation_impl

    by_row = (
        expectation.ColumnMapExpectation,
        expectation.ColumnPairMapExpectation,
        expectation.MulticolumnMapExpectation,
    )
    return issubclass(get_expectation_impl(kind), by_row)
