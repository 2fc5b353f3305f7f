"""The errors a user can cause and mend. Anything else that is raised is a bug and keeps its traceback."""

from __future__ import annotations

from ogp_pipeline.safe_text import visible


class OgpError(Exception):
    """One or more problems a user can mend; `problems` holds one line each.

    A line names the file, row and column where there are any, and ends with what to do. It quotes what stands in
    files, so it is spelled out: it stays one line and commands no terminal.
    """

    heading = "cannot go on"

    def __init__(self, problems: list[str] | str) -> None:
        self.problems = [visible(line) for line in ([problems] if isinstance(problems, str) else problems)]
        super().__init__("\n".join([f"{self.heading}:", *(f"  - {line}" for line in self.problems)]))


class InputError(OgpError):
    """The input files or the way they were named (exit status 2)."""

    heading = "the input cannot be read"


class OutputError(OgpError):
    """A file that was asked for cannot be written where it was asked for (exit status 2)."""

    heading = "the file was not written"


class SetAsideError(OgpError):
    """A file that is listed as refused, with this as the reason; the run goes on without it."""

    heading = "the file is set aside"


class ContractError(OgpError):
    """`sql/**` breaks the rules of models and contracts; raised while the definitions load."""

    heading = "sql/ does not keep its rules"


class MissingTableError(OgpError):
    """A working table that is read is missing or damaged."""

    heading = "a working table is missing"


class PublishRefusedError(OgpError):
    """The gate refused the candidate; the last release stays (exit status 1)."""

    heading = "the release was refused and the last one stays"


class LockedError(PublishRefusedError):
    """Another process works in the data folder (exit status 1)."""


class MachineError(OgpError):
    """The machine does not let the pipeline work: a full disk, a folder that cannot be written (exit status 2)."""

    heading = "this machine stands in the way"
