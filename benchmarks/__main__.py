"""Runs every benchmark and prints one table: python -m benchmarks [--quick] [NAME ...]."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

import click

from benchmarks.measurement import Measurement

BENCHMARKS: tuple[str, ...] = ("growth",)  # modules of this package with measure(quick: bool) -> list[Measurement]


@click.command()
@click.argument("names", nargs=-1)
@click.option("--quick", is_flag=True, help="A reduced set that takes a minute or two.")
def main(names: Sequence[str], quick: bool) -> None:
    """Run the benchmarks named, or all of them."""
    for name in names or BENCHMARKS:
        for found in importlib.import_module(f"benchmarks.{name}").measure(quick):
            click.echo(line(found))


def line(found: Measurement) -> str:
    """A measurement as a line of the table."""
    beside = "" if found.ratio is None else f"{found.ratio:8.2f} x {found.compared_with}"
    return f"{found.group:<14} {found.what:<52} {found.value:12,.2f} {found.unit:<14} {beside}"


if __name__ == "__main__":
    main()
