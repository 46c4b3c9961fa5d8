"""Checking a feed before it is sent: all stages in one run, every fault with its place, clause and remedy."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from hub.errors import FixConfiguration
from hub.standards.validation.findings import Finding, Known, Progress, Validation, silent

STANDARDS = {"oneroster": "OneRoster", "ed-fi": "Ed-Fi", "edfi": "Ed-Fi"}


def validate(
    paths: Sequence[Path | str],
    *,
    standard: str | None = None,
    version: str | None = None,
    profile: str = "strict",
    previous: Sequence[Path | str] | None = None,
    max_per_rule: int = 100,
    show_values: bool = False,
    store: Known | None = None,
    kind: str | None = None,
    names: Sequence[str] | None = None,
    previous_names: Sequence[str] | None = None,
    max_unpacked: int | None = None,
    progress: Progress = silent,
) -> Validation:
    """Validates one feed: zips, folders or files. Standard and version are recognised where they are not given.

    `profile` is one of schemas/profiles; `previous` an earlier delivery to compare with; `max_per_rule` limits the
    places shown per rule, file and column, never the counts; findings hold values only with `show_values`; `store`
    also resolves references (of OneRoster CSV, those of a delta); `kind` is the resource or object of JSON whose file
    is not named after one; `names` is what to call each of `paths`; `max_unpacked` is bytes that a zip may become,
    20 GB by default; `progress` is told of each step. Raises AskVendor when this is no feed or can't be read,
    FixConfiguration for a standard, version, kind or profile that is not known.
    """
    from hub.standards.validation.archive import MAX_BYTES, open_feed
    from hub.standards.validation.profiles import Judge, load_profile
    from hub.standards.validation.recognise import is_json, recognise

    judged = load_profile(profile)
    if standard is not None and standard.lower() not in STANDARDS:
        raise FixConfiguration(f"The standard {standard!r} is not known.", "Choose oneroster or ed-fi.")
    with tempfile.TemporaryDirectory(prefix="hub-validate-") as folder:
        work = Path(folder)
        progress("opening the files", 0, 0)
        most = MAX_BYTES if max_unpacked is None else max_unpacked
        feed = open_feed([Path(p) for p in paths], work / "now", names, most)
        earlier = [Path(p) for p in previous or ()]
        before = open_feed(earlier, work / "before", previous_names, most) if earlier else None
        said = STANDARDS[standard.lower()] if standard else recognise(feed)
        judge = Judge(judged, max_per_rule, show_values)
        if said == "OneRoster" and feed.files and all(is_json(f) for f in feed.files):
            from hub.standards.validation.oneroster_json import validate_objects

            return validate_objects(
                feed, work, judge, version=version, kind=kind, previous=before, store=store, progress=progress
            )
        if said == "OneRoster":
            from hub.standards.validation.oneroster import validate_oneroster

            return validate_oneroster(
                feed, work, judge, version=version, previous=before, store=store, progress=progress
            )
        from hub.standards.validation.edfi import validate_edfi

        return validate_edfi(
            [f.path for f in feed.files],
            version=version,
            profile=profile,
            max_per_rule=max_per_rule,
            show_values=show_values,
            store=store,
            previous=[f.path for f in before.files] if before else None,
            kind=kind,
            names=[f.name for f in feed.files],
            unsafe=feed.unsafe,
            repeated=feed.repeated,
            progress=progress,
        )


__all__ = ["validate", "Finding", "Known", "Progress", "Validation"]
