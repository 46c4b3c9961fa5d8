"""`hub source new` and `hub source test`: the district's own vendors, in `sources/` beside hub.yaml."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hub.commands.options import common
from hub.commands.words import printable, say_json, say_table
from hub.errors import AskVendor, FixConfiguration

if TYPE_CHECKING:
    from hub.standards.vendors.contract import Gap


def _place(config: Path | None) -> Path:
    """`sources/` beside hub.yaml, which need not be there: a vendor's folder can be made anywhere."""
    from hub.config import config_path

    return (config or config_path()).absolute().parent / "sources"


@click.command("new")
@click.argument("name")
@click.option(
    "--from-sample",
    "sample",
    required=True,
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A real file of the vendor: delimited text or .xlsx. Of its values only codes are kept.",
)
@common
def new(name: str, sample: Path, config: Path | None, as_json: bool) -> None:
    """Write the folder of a new vendor from a sample, in `sources/NAME` beside hub.yaml.

    Delimiter, header, encoding, types, ids, dates and codes are guessed; each guess is a comment `# guess: why` for you
    to confirm. The folder's own sample is made up. Then `hub source test NAME` says what is missing.

    \b
    Examples:
      hub source new pebble --from-sample ~/Downloads/pebble_quizzes.csv
      hub source new pebble --from-sample quizzes.xlsx --json
    """
    if not re.fullmatch(r"[a-z][a-z0-9-]{2,}", name):
        raise FixConfiguration(
            f"{name!r} is no name of a vendor.", "Use lower-case letters, digits and dashes, as in pebble-quizzes."
        )
    from hub.standards.vendors.guessing import guess
    from hub.standards.vendors.new_vendor import write_folder

    found = guess(sample)
    files = write_folder(name, found, _place(config) / name)
    if as_json:
        kinds = [{"column": c.name, "kind": c.kind, "why": c.why} for c in found.columns]
        return say_json({"vendor": name, "files": files, "columns": kinds})
    say_table(("Column", "Guess*", "Why"), [(c.name, c.kind, c.why) for c in found.columns])
    click.echo(f"{files[0].parent}: {len(files)} files. Confirm each `# guess:`, then: hub source test {name}")
    return None


@click.command("test")
@click.argument("name")
@click.option("--accept", is_flag=True, help="Write what becomes of the sample into sample/expected.json.")
@common
def test(name: str, accept: bool, config: Path | None, as_json: bool) -> int:
    """Hold a vendor's folder against the contract: what is missing, and what to do next.

    NAME is a folder in `sources/` beside hub.yaml, or one of the hub's own. Ends with 1 where something is missing.

    \b
    Examples:
      hub source test pebble
      hub source test pebble --accept
      hub source test pebble --json
    """
    from hub.standards.specs import SCHEMAS
    from hub.standards.vendors import contract

    own = _place(config)
    gaps = list(contract.words(name, SCHEMAS, own))
    result: dict[str, Any] = {}
    if not gaps:
        folder = contract.open_folder(name, SCHEMAS, own)
        gaps = [gap for check in contract.CHECKS for gap in check(folder)]
        result, more = _sample(folder, accept, bool([g for g in gaps if g.check != "guesses"]))
        gaps += more
    if as_json:
        say_json({"vendor": name, "gaps": gaps, "sample": result})
    else:
        _say(name, gaps, result)
    return 1 if gaps else 0


def _sample(folder: Any, accept: bool, broken: bool) -> tuple[dict[str, Any], list[Gap]]:
    from hub.standards.vendors.contract import Gap, as_golden, sample_outcome

    golden = folder.sample / "expected.json"
    if not golden.is_file() or not folder.samples:
        return {}, [Gap("sample", "sample/", "No sample or no expected.json.", "Invent a few rows; see the guide.")]
    if broken:
        return {}, []
    expected = json.loads(golden.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(prefix="hub-source-") as scratch:
        try:
            result = sample_outcome(folder, expected["schoolYear"], Path(scratch) / "state")
        except AskVendor as error:
            return {}, [Gap("sample", folder.path.name, error.message, error.remedy)]
    mine = folder.sample.parent == folder.path
    if accept and mine:
        golden.write_text(as_golden(result), encoding="utf-8")
    elif result != expected:
        remedy = "Read what came of it; if that is right, run again with --accept."
        if not mine:
            remedy = f"If that is right, copy {folder.sample} here and run again with --accept."
        return result, [Gap("sample", "sample/expected.json", "The sample comes to something else.", remedy)]
    return result, []


def _say(name: str, gaps: list[Gap], result: dict[str, Any]) -> None:
    if result:
        said = ", ".join(f"{rows} {entity}" for entity, rows in result["accepted"].items() if rows)
        click.echo(f"The sample comes to {said or 'nothing'}; {len(result['held'])} faults.")
        if result["held"]:
            say_table(("Stream*", "Row", "Entity", "Field", "Rule"), result["held"])
    guesses, other = [g for g in gaps if g.check == "guesses"], [g for g in gaps if g.check != "guesses"]
    if guesses:
        many = "1 guess" if len(guesses) == 1 else f"{len(guesses)} guesses"
        click.echo(f"{many} to confirm: correct the line if it is wrong, then delete the comment.")
        for gap in guesses:
            click.echo(printable(f"  {gap.where}  {gap.message.removeprefix('A guess: ')}"))
    if other:
        say_table(("Check*", "Where", "What", "Do"), [(g.check, g.where, g.message, g.remedy) for g in other])
    if not gaps:
        click.echo(f"{name} keeps the contract. Name it as the `vendor` of a source in hub.yaml.")
