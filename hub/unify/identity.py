"""One student behind many ids. Ids that disagree are never guessed, and nobody is matched on a name or an e-mail."""

from __future__ import annotations

from typing import Any

import ibis

from hub.engine import keep, stacked

Expr = Any
PREFIX = "_id."


def id_columns(rows: Any) -> list[str]:
    return [c for c in rows.columns if c.startswith(PREFIX)]


def presented(rows: Any, columns: list[str]) -> Expr:
    """`State=0012|Local=77`, systems in alphabetical order, blanks left out; empty text when all are blank."""
    parts = []
    for column in sorted(columns):
        system = column.removeprefix(PREFIX)
        parts.append(rows[column].notnull().ifelse(ibis.literal(f"{system}=") + rows[column].cast("string") + "|", ""))
    text = parts[0]
    for part in parts[1:]:
        text = text + part
    return text.fill_null("").re_replace(r"\|$", "")


def ids_digest(ids: Expr, key: str) -> Expr:
    """SHA-256 hex of the store's key and the ids: without the key nobody can try all short ids."""
    return (ibis.literal(f"{key}|") + ids).hexdigest("sha256")


def resolve(con: Any, rows: Any, crosswalk: Any, decisions: Any | None, name: str, key: str = "") -> Any:
    """Finds the student of each distinct combination of ids in `rows`: a table of `_ids` (their canonical text),
    `studentUniqueId`, `rule` ("" where resolved) and `mended`.

    `crosswalk` has system, code, studentUniqueId. Per system an exact code counts; else a code that differs only by
    lost leading zeros, when it is unique. All systems that know the student must agree; `decisions` (ids_digest,
    studentUniqueId) made in review win, found by `key`. Rules: identity.blank, identity.unknown, identity.ambiguous,
    identity.conflict.
    """
    columns = id_columns(rows)
    combos = rows.select(**{c: rows[c] for c in columns}, _ids=presented(rows, columns)).distinct()
    combos = keep(con, f"{name}_ids", combos)
    long = stacked(
        [
            combos.filter(combos[c].notnull()).select(
                "_ids", system=ibis.literal(c.removeprefix(PREFIX)), code=combos[c].cast("string")
            )
            for c in columns
        ]
    )
    exact = long.inner_join(crosswalk, ["system", "code"]).select("_ids", "system", "studentUniqueId").distinct()
    lost = long.anti_join(crosswalk, ["system", "code"])
    bare = lost.mutate(bare=_bare(lost["code"])).inner_join(
        crosswalk.select(
            "system", bare=_bare(crosswalk["code"]), studentUniqueId=crosswalk["studentUniqueId"]
        ).distinct(),
        ["system", "bare"],
    )
    restored = bare.select("_ids", "system", "studentUniqueId").distinct()
    found = keep(con, f"{name}_found", ibis.union(exact.mutate(restored=False), restored.mutate(restored=True)))
    per_system = found.group_by("_ids", "system").aggregate(people=found["studentUniqueId"].nunique())
    shared = per_system.group_by("_ids").aggregate(most=per_system["people"].max())
    per_ids = found.group_by("_ids").aggregate(
        people=found["studentUniqueId"].nunique(),
        student=found["studentUniqueId"].min(),
        mended=found["restored"].max(),
    )
    joined = (
        combos.select("_ids").left_join(per_ids, "_ids").drop("_ids_right").left_join(shared, "_ids").drop("_ids_right")
    )
    rule = ibis.cases(
        (joined["_ids"] == "", "identity.blank"),
        (joined["people"].isnull(), "identity.unknown"),
        (joined["people"] == 1, ""),
        (joined["most"] > 1, "identity.ambiguous"),
        else_="identity.conflict",
    )
    student = (rule == "").ifelse(joined["student"], ibis.null("string"))
    people = joined.select("_ids", studentUniqueId=student, rule=rule, mended=joined["mended"].fill_null(False))
    if decisions is not None:
        people = _decided(people, decisions, key)
    return keep(con, f"{name}_people", people)


def candidates(con: Any, name: str) -> Any:
    """`_ids` and every studentUniqueId that any of them points at, of what `resolve` looked at under `name`."""
    return con.table(f"{name}_found").select("_ids", "studentUniqueId").distinct()


def apply(rows: Any, people: Any) -> Any:
    """`rows` with studentUniqueId filled where it was found and `_rule` where it was not; id columns gone."""
    columns = id_columns(rows)
    keyed = rows.mutate(_ids=presented(rows, columns))
    found = people.select("_ids", _student=people["studentUniqueId"], _rule=people["rule"], _mended="mended")
    joined = keyed.left_join(found, "_ids")
    plain = [c for c in rows.columns if c not in {*columns, "studentUniqueId"}]
    return joined.select(
        *plain, studentUniqueId=joined["_student"], _rule=joined["_rule"], _mended=joined["_mended"], _ids=keyed["_ids"]
    )


def _bare(code: Expr) -> Expr:
    return code.re_replace(r"^0+", "")


def _decided(people: Any, decisions: Any, key: str) -> Any:
    """What a person said in review counts; "none of the candidates" keeps the row held (identity.reviewed)."""
    digests = people.mutate(ids_digest=ids_digest(people["_ids"], key))
    chosen = decisions.select("ids_digest", chosen=decisions["student_unique_id"], decided=True)
    both = digests.left_join(chosen, "ids_digest")
    taken = both["decided"].fill_null(False)
    return both.select(
        _ids=digests["_ids"],
        studentUniqueId=taken.ifelse(both["chosen"], digests["studentUniqueId"]),
        rule=taken.ifelse(both["chosen"].isnull().ifelse("identity.reviewed", ""), digests["rule"]),
        mended=digests["mended"],
    )
