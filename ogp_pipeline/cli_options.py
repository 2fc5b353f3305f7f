"""What the commands share: the option that names the data folder, and the settings that follow from options."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from ogp_pipeline.errors import InputError
from ogp_pipeline.settings import Settings, split_sources

data_dir_option = click.option(
    "--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Data folder; default OGP_DATA_DIR or ./data."
)


def settings_or_usage(data_dir: Path | None) -> Settings:
    """The same, for commands that say otherwise nothing of settings that cannot be read."""
    try:
        return settings_of(data_dir)
    except InputError as error:
        raise click.UsageError("; ".join(error.problems)) from error


def settings_of(data_dir: Path | None, sources: str | None = None) -> Settings:
    """Settings of the environment with what the command line says instead."""
    settings = Settings.from_environment()
    if data_dir is not None:
        settings = replace(settings, data_dir=data_dir.expanduser().absolute())
    if sources is not None:
        settings = replace(settings, sources=split_sources(sources))
    return settings
