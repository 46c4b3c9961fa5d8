"""Great Expectations' own Data Docs for one run: a page per source and entity, readable without a network.

The pages are rendered by Great Expectations out of counts. As it makes them they load scripts, styles and pictures
from seven hosts; those are taken out and one small style is put in, so that opening a report tells nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import quote

from hub.model import Entity, Expectation, RuleResult
from hub.standards.rules import load_rules
from hub.standards.suites.expectations import quiet, suite

_STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; }
td, th { border-bottom: 1px solid #8886; padding: .3rem .8rem; text-align: left; vertical-align: top; }
.fa-check-circle::before, .fa-check::before { content: "\\2714"; color: #2a8a43; }
.fa-times::before, .fa-exclamation-triangle::before { content: "\\2718"; color: #d03a3a; }
i { font-style: normal; } h1, h2, h3, h4, h5, h6 { margin: 1rem 0 .3rem; }
"""

_INDEX = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Data Docs of run {{ run }}</title><style>{{ style }}</style></head><body>
<h1>Data Docs of run {{ run }}</h1>
<p>What Great Expectations was asked about each source's rows, and its answers. It shows counts, never a value.</p>
<table><thead><tr><th>Source</th><th>Entity</th><th>Rules</th><th>Rules failed</th></tr></thead><tbody>
{%- for page in pages %}
<tr><td>{{ page.source }}</td><td><a href="{{ page.href }}">{{ page.entity }}</a></td>
<td>{{ page.rules }}</td><td>{{ page.failed }}</td></tr>
{%- endfor %}
</tbody></table></body></html>
"""


def write_data_docs(
    results: Sequence[RuleResult], entities: Mapping[str, Entity], out: Path, *, run: str = ""
) -> Path | None:
    """Write the site of one run into the folder `out` and return its `index.html`; None when nothing was judged.

    `results` are those of `judge` and `volume`; results of other rules are left out, for Great Expectations did not
    judge them, and so are rules that found nothing to check. `entities` by name give the expectations behind each rule.
    """
    import jinja2

    pages = []
    ordered = sorted(results, key=lambda r: (r.source, r.entity))
    for (source, name), group in groupby(ordered, key=lambda r: (r.source, r.entity)):
        asked = _asked(entities.get(name))
        judged = [(r, asked[r.rule]) for r in group if r.checked and r.rule in asked]
        if judged:
            file = f"{source}.{name}.html"
            out.mkdir(parents=True, exist_ok=True)
            (out / file).write_bytes(_offline(_render(f"{source}.{name}", judged, run), f"{source}: {name}"))
            failed = sum(r.failed > 0 for r, _ in judged)
            pages.append(
                {"source": source, "entity": name, "href": quote(file), "rules": len(judged), "failed": failed}
            )
    if not pages:
        return None
    template = jinja2.Environment(autoescape=True).from_string(_INDEX)
    index = out / "index.html"
    index.write_text(template.render(pages=pages, run=run, style=_STYLE), encoding="utf-8")
    return index


def _asked(entity: Entity | None) -> dict[str, Expectation]:
    """Rule -> the expectation behind it; where a rule looks at many fields, one that names them all."""
    table = "expect_table_row_count_to_be_between"
    asked = {r: Expectation(r, table, {"min_value": 0}) for r in load_rules() if r.startswith("volume.")}
    for e in suite(entity) if entity else ():
        seen = asked.get(e.rule)
        if seen and "column" in seen.kwargs:
            fields = dict.fromkeys((*seen.kwargs["column"].split(", "), e.kwargs.get("column", "")))
            asked[e.rule] = replace(seen, kwargs={**seen.kwargs, "column": ", ".join(filter(None, fields))})
        elif not seen:
            asked[e.rule] = e
    return asked


def _render(suite_name: str, judged: Sequence[tuple[RuleResult, Expectation]], run: str) -> str:
    with quiet():
        from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResult
        from great_expectations.render.renderer import ValidationResultsPageRenderer

        passed = sum(r.failed == 0 for r, _ in judged)
        result = ExpectationSuiteValidationResult(
            success=passed == len(judged),
            results=[_result(*one) for one in judged],
            suite_name=suite_name,
            statistics={
                "evaluated_expectations": len(judged),
                "successful_expectations": passed,
                "unsuccessful_expectations": len(judged) - passed,
                "success_percent": 100 * passed / len(judged),
            },
            meta={"run_id": {"run_name": run}},
        )
        page: str = _view().render(ValidationResultsPageRenderer().render(result))
        return page


@cache
def _view() -> Any:
    """Made once: each view compiles the twenty templates of a page anew, in 0.1 s."""
    from great_expectations.render.view import DefaultJinjaPageView

    return DefaultJinjaPageView()


def _result(result: RuleResult, expectation: Expectation) -> Any:
    from great_expectations.core.expectation_validation_result import ExpectationValidationResult
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    share = 100 * result.failed / result.checked if result.checked else 0.0
    rule = load_rules().get(result.rule)
    meaning = f" ({rule.sentence})" if rule else ""
    return ExpectationValidationResult(
        success=result.failed == 0,
        expectation_config=ExpectationConfiguration(
            type=expectation.type,
            kwargs=dict(expectation.kwargs),
            description=f"Rule {result.rule}{meaning}: {result.failed:,} of {result.checked:,} checked failed.",
            severity="critical" if result.severity == "error" else "warning",
        ),
        result={
            "element_count": result.checked,
            "unexpected_count": result.failed,
            "unexpected_percent": share,
            "unexpected_percent_total": share,
            "unexpected_percent_nonmissing": share,
            "missing_count": 0,
            "missing_percent": 0.0,
        },
        meta={},
        exception_info={"raised_exception": False, "exception_message": None, "exception_traceback": None},
    )


def _offline(page: str, title: str) -> bytes:
    from lxml import html

    tree = html.fromstring(page)
    dead = "//script | //link | //img | //style | //footer | //button | //div[.//*[@onclick]][@class='card mb-3']"
    folded = "//div[contains(@id, 'content-block')][.//a[@data-toggle='collapse']][starts-with(@class, 'col-12')]"
    for node in [*tree.xpath(dead), *tree.xpath(folded), *tree.xpath("//ol[contains(@class, 'breadcrumb')]/li[2]")]:
        node.drop_tree()
    for link in tree.xpath("//a[@href][not(starts-with(@href, '#'))]"):
        if "index.html" in link.get("href"):
            link.set("href", "index.html")
        else:
            link.drop_tag()
    style = html.Element("style")
    style.text = _STYLE
    tree.find("head").append(style)
    tree.set("lang", "en")
    tree.find("head/title").text = title
    return bytes(html.tostring(tree, doctype="<!DOCTYPE html>", encoding="utf-8"))
