"""The Great Expectations suite of an entity, as the nightly path runs it, in Great Expectations' own JSON."""

from __future__ import annotations

from typing import Any

from hub.model import Entity
from hub.standards.suites.expectations import built, quiet, suite


def expectation_suite(entity: Entity) -> dict[str, Any]:
    """A suite that Great Expectations loads. Each expectation's meta names its `rule` and `severity`.

    A bound `{"$PARAMETER": name}` is given when it is run, as in `hub.standards.suites.expectations.parameters`; a
    column `reference.field` is looked up in the entity that the reference names.
    """
    with quiet():
        import great_expectations as gx

        made = [built(e, {"rule": e.rule, "severity": e.severity}) for e in suite(entity)]
        whole = gx.ExpectationSuite(name=f"{entity.name}-{entity.standard}", expectations=made)
        return dict(whole.to_json_dict())
