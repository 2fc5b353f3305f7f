"""`manifest.json`: what a release was made of and every file of it, so that anyone can tell two releases apart."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ogp_pipeline.release.facts import SYNTHETIC_NOTICE, release_facts, release_session
from ogp_pipeline.safe_text import json_text
from ogp_pipeline.store import sha256_of

MANIFEST = "manifest.json"


def write_manifest(database: Path, folder: Path) -> Path:
    """Write the manifest of the release that lies finished in `folder`; every other file must be there already."""
    with release_session(database) as connection:
        facts = release_facts(connection)
        rows = connection.execute(
            "select table_schema || '.' || table_name, rows from meta.tables order by all"
        ).fetchall()
    files = {
        path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "sha256": sha256_of(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / MANIFEST
    }
    content: dict[str, Any] = {
        "release_id": facts.release_id,
        "published_at": facts.published_at,
        "is_synthetic": facts.is_synthetic,
        **({"notice": SYNTHETIC_NOTICE} if facts.is_synthetic else {}),
        "git_commit": facts.git_commit,
        "code_hash": facts.code_hash,
        "inputs_fingerprint": facts.inputs_fingerprint,
        "content_fingerprint": facts.content_fingerprint,
        "packages": dict(sorted(facts.versions.items())),
        "inputs": [asdict(source) for source in facts.sources],
        # the fingerprint of a table is the sha256 of its Parquet file
        "tables": {name: {"rows": count, "fingerprint": _fingerprint(files, name)} for name, count in rows},
        "files": files,
    }
    path = folder / MANIFEST
    text = json_text(json.dumps(content, indent=1, ensure_ascii=False))
    path.write_text(text + "\n", encoding="utf-8", newline="\n")
    return path


def _fingerprint(files: dict[str, dict[str, Any]], table: str) -> str | None:
    return files.get(f"parquet/{table}.parquet", {}).get("sha256")
