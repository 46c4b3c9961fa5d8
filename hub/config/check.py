"""Everything that can be wrong with `hub.yaml`, all at once, each fault with its line and its fix.

No message repeats a value that could be a secret: it names the key and says what belongs there.
"""

from __future__ import annotations

import difflib
import json
import re
import zoneinfo
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from hub.config.lines import Document, Fault, Key
from hub.config.settings import nearest

_SECRET_KEY = re.compile(
    r"pass(word|wd|phrase)?$|secret|token$|api_?key|private_?key|credential|connection_string", re.I
)
_SECRET_VALUE = re.compile(r"://[^/\s@]*:[^/\s@]*@|-----BEGIN ")
_IN_THE_ENVIRONMENT = "put it in the environment and name the variable here as"

_PLACES = {
    "path": "a folder, a file or a pattern such as ./incoming/sis, or an address such as sftp://user@host/out/*.csv",
    "url": "the address of the system's API, such as https://sis.example.org/api",
    "auth": "{key_file: FILE, subject: ADMINISTRATOR} or the names of variables that hold what a person granted",
    "database": "{url_env: NAME_OF_AN_ENVIRONMENT_VARIABLE} that holds the database's address",
}
_TYPES = {
    "object": "a set of keys",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}


def check(document: Document, specs: Path, own: Path | None = None) -> list[Fault]:
    """All faults in the order of their lines. `specs` is the schemas folder: its `sources/` names the vendors, and
    `own`, the district's folder of vendors, names more."""
    faults = list(document.faults)
    if document.tree is not None or not faults:
        secrets = list(_secrets(document, document.tree, ()))
        told = {fault.key for fault in secrets}
        others = [*_by_schema(document, specs), *_by_meaning(document, specs, own)]
        faults += secrets + [fault for fault in others if fault.key not in told]
    return sorted(dict.fromkeys(faults), key=lambda fault: (fault.line, str(fault)))


def _by_schema(document: Document, specs: Path) -> Iterator[Fault]:
    # Late: a hundred milliseconds that `hub --help` does not need.
    from jsonschema import Draft202012Validator

    schema = json.loads((specs / "hub.schema.json").read_text(encoding="utf-8"))
    for error in Draft202012Validator(schema).iter_errors(document.tree):
        key: Key = tuple(error.absolute_path)
        wanted = error.schema.get("description") if isinstance(error.schema, dict) else None
        if error.validator == "additionalProperties":
            known = list(error.schema.get("properties", {}))
            for name in error.instance:
                if name not in known:
                    use = nearest(name, known)
                    if use.endswith("_env"):
                        use += ", the name of a variable, and put the value in the environment"
                    yield Fault(document.line((*key, name)), (*key, name), f"unknown key. Use {use}.")
        elif error.validator == "required":
            for name in error.validator_value:
                if name not in error.instance:
                    meaning = error.schema["properties"].get(name, {}).get("description", "a value")
                    yield Fault(document.line(key), (*key, name), f"missing. Write {meaning}.")
        elif "propertyNames" in error.absolute_schema_path:
            yield Fault(document.line((*key, error.instance)), (*key, error.instance), f"a name must be {wanted}.")
        elif error.validator == "enum":
            known = [str(value) for value in error.validator_value]
            found = nearest(str(error.instance), known) if len(known) > 1 else known[0]
            yield Fault(document.line(key), key, f"must be one of {', '.join(known)}. Use {found}.")
        else:
            type_ = error.validator_value if error.validator == "type" else ""
            yield Fault(document.line(key), key, f"must be {wanted or _TYPES.get(str(type_), 'another value')}.")


def _secrets(document: Document, node: Any, key: Key) -> Iterator[Fault]:
    if isinstance(node, dict):
        for name, value in node.items():
            path = (*key, name)
            named = name.endswith("_env")
            if value is not None and not isinstance(value, bool) and not named and _SECRET_KEY.search(name):
                where = f"{_IN_THE_ENVIRONMENT} {name}_env: NAME"
                yield Fault(document.line(path), path, f"a secret in clear: {where}.")
            else:
                yield from _secrets(document, value, path)
    elif isinstance(node, list):
        for i, value in enumerate(node):
            yield from _secrets(document, value, (*key, i))
    elif isinstance(node, str) and _SECRET_VALUE.search(node):
        name = str(key[-1]) if key else "url"
        target = name if name.endswith("_env") else f"{{url_env: NAME}} or {name}_env: NAME"
        if "proxy" in key:
            target = "proxy: {url: ..., user_env: NAME, password_env: NAME}"
        yield Fault(document.line(key), key, f"holds a password in clear: {_IN_THE_ENVIRONMENT} {target}.")


def _by_meaning(document: Document, specs: Path, own: Path | None) -> Iterator[Fault]:
    tree = document.tree if isinstance(document.tree, dict) else {}
    zone = _dict(tree.get("schedule")).get("timezone")
    if isinstance(zone, str) and zone not in zoneinfo.available_timezones():
        like = difflib.get_close_matches(zone, sorted(zoneinfo.available_timezones()), n=1)
        text = f"unknown time zone. Use {like[0] if like else 'an IANA name such as America/Chicago'}."
        yield Fault(document.line(("schedule", "timezone")), ("schedule", "timezone"), text)

    vendors: dict[str, list[Path]] = {}
    for place in (*([own] if own else []), specs / "sources"):
        for folder in sorted(place.glob("*/source.yaml")):
            vendors.setdefault(folder.parent.name, []).append(folder)
    agencies: dict[int, str] = {}
    for id_, district in _dict(tree.get("districts")).items():
        key: Key = ("districts", id_)
        district = _dict(district)
        agency = district.get("local_education_agency_id")
        if isinstance(agency, int) and agencies.setdefault(agency, id_) != id_:
            path = (*key, "local_education_agency_id")
            yield Fault(document.line(path), path, f"also that of {agencies[agency]}. Give each district its own.")
        years = [y for y in _list(district.get("years")) if isinstance(y, int)]
        if years != sorted(set(years)):
            path = (*key, "years")
            yield Fault(document.line(path), path, "must ascend, each year once: the last is the current school year.")
        yield from _days(document, (*key, "additions_only"), district.get("additions_only"))
        yield from _days(document, (*key, "calendar"), district.get("calendar"))
        for name in _dict(district.get("calendar")):
            if str(name) not in map(str, years):
                path = (*key, "calendar", name)
                yield Fault(document.line(path), path, "not one of the district's years. Add it there, or delete it.")
        for name, source in _dict(district.get("sources")).items():
            yield from _source(document, (*key, "sources", name), _dict(source), years, vendors)


def place_of(vendor: str, vendors: dict[str, list[Path]]) -> str:
    """The key of hub.yaml that says where a vendor's data is: `path` for files, `database`, `auth` where the
    address is known, else `url`. A folder of the district's own, which comes first, may extend the one of its name."""
    words: dict[str, Any] = {}
    read: set[Path] = set()
    while not words.get("kind") and (folders := [p for p in vendors.get(vendor, ()) if p not in read]):
        read.add(folders[0])
        with folders[0].open("rb") as file:
            head = _dict(yaml.load(file, Loader=yaml.CSafeLoader))
        words, vendor = _dict(head.get("transport")) | words, head.get("extends", "")
    known = "auth" if "url" in words else "url"
    return {"file": "path", "sql": "database", "google-api": "auth"}.get(words.get("kind", "file"), known)


def _source(
    document: Document, key: Key, source: dict[str, Any], years: list[int], vendors: dict[str, list[Path]]
) -> Iterator[Fault]:
    vendor = source.get("vendor")
    if isinstance(vendor, str) and vendor not in vendors:
        path: Key = (*key, "vendor")
        yield Fault(document.line(path), path, f"unknown vendor. Use {nearest(vendor, sorted(vendors))}.")
    elif isinstance(vendor, str):
        place = place_of(vendor, vendors)
        if place not in source:
            yield Fault(document.line(key), (*key, place), f"missing. Write {_PLACES[place]}.")
    yield from _days(document, (*key, "pause"), source.get("pause"))
    if isinstance(source.get("files"), str):
        try:
            re.compile(source["files"])
        except re.error:
            yield Fault(document.line((*key, "files")), (*key, "files"), "no regular expression. Close its brackets.")
    unknown = [y for y in _list(source.get("years")) if isinstance(y, int) and y not in years]
    if unknown:
        path = (*key, "years")
        yield Fault(document.line(path), path, f"{unknown[0]} is not one of the district's years. Add it there first.")


def _days(document: Document, key: Key, said: Any) -> Iterator[Fault]:
    """A day, or days under keys; what is no text is the schema's business."""
    for path, day in [(key, said), *(((*key, name), each) for name, each in _dict(said).items())]:
        if isinstance(day, str):
            try:
                date.fromisoformat(day)
            except ValueError:
                yield Fault(document.line(path), path, "no day. Write it as 2027-08-15.")


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
