"""What the files that landed last look like, where the vendor's folder does not know their name or header."""

from __future__ import annotations

import shutil
from dataclasses import replace

from hub.config import Settings, SourceSettings
from hub.landing import deliveries, open_files
from hub.model import OpenedFile, Proposal, Slice, Source
from hub.pipeline.states import state_folder
from hub.standards.vendors.proposing import propose


def proposals(settings: Settings, slice: Slice, source: SourceSettings, vendor: Source) -> tuple[Proposal, ...]:
    """One for each file of the newest delivery that looks like one of the vendor's under another name or header."""
    landed = deliveries(settings.state, slice, source.name)
    folder = state_folder(settings, slice, source.name) / "proposed"
    try:
        opened = open_files(settings.state, landed[-1], folder) if landed else []
        files = [OpenedFile(f.name, f.path, f.sha256, f.stream) for f in opened]
        return propose(vendor, files, settings.specs, settings.vendors)
    except Exception:  # a guess that fails costs no night, which has told of what cannot be opened
        return ()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def recorded(settings: Settings, slice: Slice, source: SourceSettings, vendor: Source) -> tuple[Proposal, ...]:
    """What a run may record of its proposals: no name that looks like none of the layout's. The first line of a file
    without a header is a student's row (law 8), so such names are shown to the person who asks at the terminal only."""
    return tuple(replace(p, unknown=()) for p in proposals(settings, slice, source, vendor))
