"""The law of one reading: what `hub validate --profile lenient` finds in Ed-Fi documents, and what a night does.

A delivery is refused whole exactly where lenient says that a file was not read; one without an error has no row held;
one without a finding comes whole.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hub.errors import AskVendor
from hub.model import OpenedDelivery
from hub.standards import validate
from hub.standards.mapping.normalize import Vocabulary
from hub.standards.specs import descriptor_codes, load_entities
from hub.standards.states.source_state import Work, build_state
from hub.standards.vendors.contract import opened
from hub.standards.vendors.sources import load_source

STUDENT = "<StudentReference><Student{0}><StudentUniqueId>{1}</StudentUniqueId></Student{0}></StudentReference>"
CONTACT = """<Contact id="c1">
<ContactUniqueId>C1</ContactUniqueId>
<Name>
<FirstName>Wren</FirstName>
<LastSurname>Alder</LastSurname>
</Name>
</Contact>"""
BY_ID = f"""<StudentContactAssociation>
{STUDENT.format("Identity", "S1")}
<ContactReference ref="c1"/>
</StudentContactAssociation>"""
BY_KEY = f"""<StudentContactAssociation>
{STUDENT.format("Identity", "S2")}
<ContactReference><ContactIdentity><ContactUniqueId>C1</ContactUniqueId></ContactIdentity></ContactReference>
<PrimaryContactStatus>1</PrimaryContactStatus>
<ContactPriority>1</ContactPriority>
</StudentContactAssociation>"""
NIL = '<ContactPriority xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"/>'


@dataclass(frozen=True)
class Sent:
    """A document as it is sent: `body` between `head` and `foot`, in an encoding, cut off behind so many bytes."""

    body: str = "\n".join((CONTACT, BY_ID, BY_KEY))
    head: str = '<?xml version="1.0" encoding="UTF-8"?>\n'
    root: str = "InterchangeContact"
    namespace: str = "http://ed-fi.org/5.2.0"
    foot: str = "\n"
    encoding: str = "utf-8"
    cut: int = 0
    name: str = "contacts.xml"

    def bytes(self) -> bytes:
        said = f'<{self.root} xmlns="{self.namespace}">\n{self.body}\n</{self.root}>' if self.root else self.body
        whole = (self.head + said + self.foot).encode(self.encoding, "xmlcharrefreplace")
        return whole[: -self.cut] if self.cut else whole


Change = Callable[[Sent], Sent]


def says(**parts: object) -> Change:
    return lambda sent: replace(sent, **parts)  # type: ignore[arg-type]


def puts(old: str, new: str) -> Change:
    assert old in Sent().body
    return lambda sent: replace(sent, body=sent.body.replace(old, new, 1))


def namespace(said: str) -> Change:
    return says(namespace=said)


NAME = "<FirstName>Wren</FirstName>\n<LastSurname>Alder</LastSurname>"
CHANGES: dict[str, Change] = {
    "as it should be": says(),
    "Data Standard 6.1": namespace("http://ed-fi.org/6.1.0"),
    "Data Standard 6.0": namespace("http://ed-fi.org/6.0.0"),
    "a major version alone": namespace("http://ed-fi.org/5"),
    "an earlier release": namespace("http://ed-fi.org/5.1.0"),
    "a version that is none": namespace("http://ed-fi.org/5.x"),
    "Data Standard 4": namespace("http://ed-fi.org/4.0.0"),
    "no namespace": namespace(""),
    "another namespace": namespace("https://ed-fi.org/5.2.0"),
    "an interchange that is none": says(root="InterchangePupil"),
    "a bare interchange": says(root="Interchange"),
    "another interchange": says(root="InterchangeStudent"),
    "another root": says(root="Contacts"),
    "a DOCTYPE": says(head="<!DOCTYPE a>"),
    "a DTD with an entity": says(head='<!DOCTYPE a [<!ENTITY x "y">]>'),
    "no declaration": says(head=""),
    "blanks before the declaration": says(head='\n<?xml version="1.0"?>\n'),
    "a comment ahead": says(head="<!-- of tonight --><?made by hand?>"),
    "an element that is none": puts("</Name>", "<Nick>W</Nick></Name>"),
    "wrong order": puts(NAME, "<LastSurname>Alder</LastSurname><FirstName>Wren</FirstName>"),
    "a name twice": puts("<FirstName>Wren</FirstName>", "<FirstName>Wren</FirstName><FirstName>Ada</FirstName>"),
    "a value missing": puts("<LastSurname>Alder</LastSurname>", ""),
    "a blank value": puts(">Alder<", "> <"),
    "a value of line ends": puts(">Alder<", ">\n\n<"),
    "an empty value": puts(">Alder<", "><"),
    "an element in a value": puts(">Wren<", "><b/>Wren<"),
    "an element behind a value": puts(">Wren<", ">Wr<b>en</b><"),
    "text between elements": puts("<Name>", "<Name>of hers:"),
    "an attribute": puts("<Name>", "<Name kind='full'>"),
    "xsi:nil": puts("<ContactPriority>1</ContactPriority>", NIL),
    "a comment and CDATA in a value": puts(">Wren<", "><![CDATA[W]]>r<!-- e --><?x y?>en<"),
    "a character by number": puts(">Wren<", ">W&#114;&#xe9;n<"),
    "an entity that is none": puts(">Wren<", ">&wren;<"),
    "a number that is none": puts(">1</ContactPriority>", ">first</ContactPriority>"),
    "a flag in words": puts(">1</PrimaryContactStatus>", ">yes</PrimaryContactStatus>"),
    "blanks about a number": puts(">1</ContactPriority>", ">\n1\t</ContactPriority>"),
    "a key by lookup": puts(STUDENT.format("Identity", "S1"), STUDENT.format("Lookup", "S1")),
    "an id given twice": puts(CONTACT, CONTACT + CONTACT.replace(">C1<", ">C2<")),
    "an id that nothing has": puts('ref="c1"', 'ref="c9"'),
    "an id of another kind": puts(
        CONTACT,
        CONTACT.replace("c1", "c2")
        + BY_ID.replace("Association>", 'Association id="c1">', 1)
        .replace(">S1<", ">S7<")
        .replace('ref="c1"', 'ref="c2"'),
    ),
    "a prefix that is not declared": puts("</Name>", "<x:Nick>W</x:Nick></Name>"),
    "a record of a prefix that is not declared": puts("<Contact id", "<x:Pupil/><Contact id"),
    "a name with two colons": puts("</Name>", "<a:b:c xmlns:a='u:u'/></Name>"),
    "a root without a name": says(body='<e: xmlns:e="http://ed-fi.org/5.2.0"></e:>', root=""),
    "a record that is none": says(body=CONTACT + "<Pupil><Name>Wren</Name></Pupil>"),
    "a record of no namespace": puts("<Contact id", "<Contact xmlns='' id"),
    "names with a prefix": lambda s: replace(
        s, root="", body=f'<e:{s.root} xmlns:e="{s.namespace}">{s.body}</e:{s.root}>'
    ),
    "no record": says(body=""),
    "nothing at all": says(body="", head="", root="", foot=""),
    "no XML": says(body="contact,name\n", head="", root="", foot=""),
    "two interchanges": lambda s: replace(s, foot=s.bytes().decode(s.encoding).partition("\n")[2]),
    "words behind the end": says(foot="end of file"),
    "cut off": says(cut=40),
    "cut off at the end": says(cut=3),
    "cut off at the start": says(body="", cut=30),
    "a byte order mark": says(encoding="utf-8-sig"),
    "UTF-16 with its mark": says(head='<?xml version="1.0" encoding="UTF-16"?>\n', encoding="utf-16"),
    "UTF-16 that says UTF-8": says(encoding="utf-16"),
    "UTF-16 without a mark": says(encoding="utf-16-le"),
    "Latin-1": lambda s: replace(
        s, head='<?xml version="1.0" encoding="ISO-8859-1"?>\n', encoding="latin-1", body=s.body.replace("Alder", "Ål")
    ),
    "Latin-1 that says UTF-8": lambda s: replace(s, encoding="latin-1", body=s.body.replace("Alder", "Ål")),
    "an encoding that is none": says(head='<?xml version="1.0" encoding="EBCDIC-9"?>\n'),
    "a NUL": puts(">Wren<", ">W\0ren<"),
    "another name": says(name="contacts.txt"),
    "a name without an end": says(name="contacts"),
    "a schema": says(
        body="<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'/>", head="", root="", name="Ed-Fi-Core.xsd"
    ),
    "no record under another name": says(body="", name="contacts.txt"),
    "a loud name": says(name="CONTACTS.XML"),
}


def night(files: Sequence[Path], out: Path) -> tuple[bool, int, dict[str, int], int]:
    """What a night makes of a delivery: refused or not, rows held, repairs, rows accepted."""
    source = load_source("edfi-xml")
    facts = {"schoolYear": 2030, "localEducationAgencyId": 255901, "today": None}
    work = Work("feed", source, load_entities(), Vocabulary(descriptor_codes(), source.namespaces), {}, facts)
    came = OpenedDelivery(1, datetime(2029, 9, 3, tzinfo=UTC), opened(sorted(files)))
    try:
        summary = build_state(work, [came], out)
    except AskVendor:
        return True, 0, {}, 0
    held = pq.read_table(out / "held.parquet").num_rows if (out / "held.parquet").is_file() else 0
    return False, held, dict(summary.repairs), sum(c.accepted for c in summary.counts if not c.entity)


def agreed(documents: Sequence[Sent]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        sent = Path(folder) / "sent"
        sent.mkdir()
        for document in documents:
            (sent / document.name).write_bytes(document.bytes())
        refused, held, repairs, accepted = night(list(sent.iterdir()), Path(folder) / "state")
        try:
            found = validate([sent], standard="ed-fi", profile="lenient")
        except AskVendor:
            assert refused
            return
    errors = {f.rule for f in found.findings if f.severity == "error"}
    assert refused == any(rule.startswith("edfi.syntax.") for rule in errors), errors
    if not errors:
        assert not held
    if not found.findings:
        assert not repairs
        assert accepted == sum(f.rows for f in found.files)


@pytest.mark.parametrize("change", CHANGES)
def test_the_validator_and_a_night_agree_on_a_document_that_was_changed(change: str) -> None:
    agreed([CHANGES[change](Sent())])


changed = st.lists(st.sampled_from(list(CHANGES)), max_size=4, unique=True)


def made(changes: Sequence[str], number: int) -> Sent:
    document = Sent(name=f"contacts-{number}.xml")
    for change in changes:
        document = CHANGES[change](document)
    return replace(document, name=f"{number}-{document.name}")


@example([["cut off at the start", "UTF-16 with its mark"]])
@settings(max_examples=int(os.environ.get("HUB_MUTATIONS", "8")), deadline=None)
@given(st.lists(changed, min_size=1, max_size=3))
def test_they_agree_on_a_delivery_of_documents_changed_at_will(deliveries: list[list[str]]) -> None:
    agreed([made(changes, number) for number, changes in enumerate(deliveries)])
