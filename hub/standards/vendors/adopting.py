"""What a person confirmed of a proposal is written into the district's own folder of the vendor, and nothing else."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from hub.errors import FixConfiguration, HubError
from hub.model import Proposal
from hub.standards.specs import SCHEMAS
from hub.standards.vendors.folders import place_of
from hub.standards.vendors.proposing import place
from hub.standards.vendors.sources import load_source

_FIRST = "vendor: {0}\nextends: {0}  # what this district's files call otherwise than the hub's folder does\n"


def adopt(proposal: Proposal, vendor: str, own: Path, root: Path = SCHEMAS) -> Path:
    """Writes the columns and the pattern of a proposal into `own/vendor`, which extends the hub's folder of that name
    where it is new. Comments and everything else that stands there stay. Returns the document.

    Raises FixConfiguration, with the folder as it was, where it could not be read then.
    """
    folder = own / vendor
    name, keys = place(vendor, proposal.stream, root, own)
    texts = {folder / n: _text(folder / n) for n in ("source.yaml", name)}
    if place_of(vendor, root, own) != folder:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "source.yaml").write_text(_FIRST.format(vendor), encoding="utf-8")
    document = folder / name
    try:
        document.write_text(_with(_text(document) or "", keys, proposal), encoding="utf-8")
        load_source.cache_clear()
        load_source(vendor, root, own)
    except (HubError, KeyError, TypeError, ValueError) as error:
        for path, text in texts.items():
            path.unlink(missing_ok=True) if text is None else path.write_text(text, encoding="utf-8")
        raise FixConfiguration(
            f"{document} could not take it ({type(error).__name__}); it is as it was.",
            f"Write `renamed:` of stream {proposal.stream} there by hand; see schemas/README.md.",
        ) from None
    return document


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _with(text: str, keys: tuple[str, ...], proposal: Proposal) -> str:
    yaml = YAML()
    yaml.preserve_quotes, yaml.width = True, 4096
    tree: Any = yaml.load(text) or yaml.map()
    here = tree
    for key in keys:
        here = here.setdefault(key, yaml.map())
    if proposal.columns:
        here.setdefault("renamed", yaml.map()).update(proposal.columns)
    if proposal.pattern:
        here["pattern"] = proposal.pattern
    out = io.StringIO()
    yaml.dump(tree, out)
    return out.getvalue()
