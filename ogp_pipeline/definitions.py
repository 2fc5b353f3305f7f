"""What Dagster loads: the pipeline over the data folder that the environment names."""

from ogp_pipeline.loading import nothing_collected

with nothing_collected():
    from ogp_pipeline.assembly import build_defs
    from ogp_pipeline.settings import Settings

    defs = build_defs(Settings.from_environment())
