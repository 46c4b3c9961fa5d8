"""How Ed-Fi names in the REST API what it names in XML: camelCase, plural collections, roles in front.

Authority: Ed-Fi API guidelines, resource naming (API names shorten the entity's own prefix).
"""

from __future__ import annotations

import re

_IRREGULAR = {"person": "people", "matrix": "matrices"}
_ALREADY_PLURAL = ("awards", "credits", "criteria", "funds")


def lower_camel(name: str) -> str:
    """`IEPBeginDate` -> `iepBeginDate`, `URI` -> `uri`, `FirstName` -> `firstName`."""
    run = re.match(r"[A-Z]+(?![a-z])|[A-Z]", name)
    return name[: run.end()].lower() + name[run.end() :] if run else name


def snake(name: str) -> str:
    """`StudentCTEProgramAssociation` -> `student_cte_program_association`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def plural(name: str) -> str:
    """Plural of a camelCase name by its last word: `gradeLevel` -> `gradeLevels`, `diagnosis` -> `diagnoses`."""
    head, last = re.fullmatch(r"(.*?)([A-Z]?[a-z0-9]*|[A-Z]+)", name, re.S).groups()  # type: ignore[union-attr]
    if last.lower() in _ALREADY_PLURAL:
        return name
    irregular = _IRREGULAR.get(last.lower())
    if irregular:
        return head + last[0] + irregular[1:]
    if re.search(r"[^aeiou]y$", name):
        return name[:-1] + "ies"
    if re.search(r"sis$", name):
        return name[:-2] + "es"
    return name + ("es" if re.search(r"(s|x|z|ch|sh)$", name) else "s")


def strip_owner(name: str, owners: tuple[str, ...]) -> str:
    """`StudentIdentificationCode` of the owner `Student` -> `IdentificationCode`; a name is never stripped bare."""
    for owner in owners:
        rest = name.removeprefix(owner)
        if rest and rest != name and rest[0].isupper():
            return rest
    return name


def with_role(role: str, name: str) -> str:
    """`nextYear`, `schoolId` -> `nextYearSchoolId`; a name that starts with its role stays."""
    if not role or name.startswith(role):
        return name
    return role + name[0].upper() + name[1:]
