"""Clean OneRoster REST objects, 1.1 and 1.2, of a fictional district: every object of the standard, every property."""

from __future__ import annotations

import json
from typing import Any

Object = dict[str, Any]
Delivery = dict[str, list[Object]]

UUID = "urn:uuid:5f0c7a52-7a0e-4f5e-9a55-0c1f3a9d2b11"
PROFILE = "https://lms.example.org/profiles/usr-1"


def ref(kind: str, name: str) -> Object:
    return {"href": f"https://sis.example.org/ims/oneroster/{kind}/{name}", "sourcedId": name, "type": kind}


def thing(sourced_id: str, /, **said: Any) -> Object:
    stamp = {"sourcedId": sourced_id, "status": "active", "dateLastModified": "2026-11-20T02:00:00.000Z"}
    return {**stamp, "metadata": {"own": [1]}, **said}


def clean(version: str) -> Delivery:
    """Collection -> objects, none of which shares a part with another."""
    made: Delivery = json.loads(json.dumps(_made(version)))
    return made


def _made(version: str) -> Delivery:
    later = version == "1.2"
    school = {name: ref("org", name) for name in ("org-d", "org-1", "org-2")}
    session = {name: ref("academicSession", name) for name in ("ses-y", "ses-1")}
    made: Delivery = {
        "orgs": [
            thing("org-d", name="Maple Hollow District", type="district", identifier="1001",
                  children=[school["org-1"], school["org-2"]]),
            thing("org-1", name="Birch School", type="school", identifier="100101", parent=school["org-d"]),
            thing("org-2", name="Alder School", type="school", identifier="100102", parent=school["org-d"]),
        ],
        "academicSessions": [
            thing("ses-y", title="2027", startDate="2026-08-15", endDate="2027-06-12", type="schoolYear",
                  schoolYear="2027", children=[session["ses-1"]]),
            thing("ses-1", title="Fall", startDate="2026-08-15", endDate="2027-01-10", type="semester",
                  schoolYear="2027", parent=session["ses-y"]),
        ],
        "courses": [
            thing("crs-1", title="Reading", schoolYear=session["ses-y"], courseCode="R1", grades=["04"],
                  subjects=["English"], subjectCodes=["01028"], org=school["org-d"],
                  resources=[ref("resource", "rsc-1")]),
        ],
        "classes": [
            thing("cls-1", title="Reading 4", classCode="R1-1", classType="scheduled", location="Room 1", grades=["04"],
                  subjects=["English, spoken"], subjectCodes=["01028"], course=ref("course", "crs-1"),
                  school=school["org-1"], terms=[session["ses-1"]], periods=["1", "2"],
                  resources=[ref("resource", "rsc-1")]),
        ],
        "users": [
            thing("usr-1", username="lrowan", userIds=[{"type": "Local", "identifier": "71"}], enabledUser="true",
                  givenName="Lena", familyName="Rowan", middleName="M", identifier="71", email="lena@example.org",
                  sms="555", phone="556", agents=[ref("user", "usr-p")], grades=["04"], password="x"),
            thing("usr-t", username="mfern", enabledUser="true", givenName="Mira", familyName="Fern"),
            thing("usr-p", username="prowan", enabledUser="false", givenName="Pia", familyName="Rowan",
                  agents=[ref("user", "usr-1")]),
        ],
        "enrollments": [
            thing("enr-1", user=ref("user", "usr-t"), **{"class": ref("class", "cls-1")}, school=school["org-1"],
                  role="teacher", primary="true", beginDate="2026-08-15", endDate="2027-01-10"),
            thing("enr-2", user=ref("user", "usr-1"), **{"class": ref("class", "cls-1")}, school=school["org-1"],
                  role="student", primary="false", beginDate="2026-08-15", endDate="2027-01-10"),
        ],
        "demographics": [
            thing("usr-1", birthDate="2016-03-09", sex="female", americanIndianOrAlaskaNative="false", asian="true",
                  blackOrAfricanAmerican="false", nativeHawaiianOrOtherPacificIslander="false", white="false",
                  demographicRaceTwoOrMoreRaces="false", hispanicOrLatinoEthnicity="false", countryOfBirthCode="US",
                  stateOfBirthAbbreviation="OH", cityOfBirth="Elm", publicSchoolResidenceStatus="01652"),
        ],
        "resources": [
            thing("rsc-1", title="Reader", roles=["student", "teacher"], importance="primary",
                  vendorResourceId="book-17", vendorId="v-1", applicationId="a-1"),
        ],
        "categories": [thing("cat-1", title="Homework")],
        "lineItems": [
            thing("lin-1", title="Essay", description="Two pages", assignDate="2026-09-01T00:00:00.000Z",
                  dueDate="2026-09-08T00:00:00.000Z", **{"class": ref("class", "cls-1")},
                  category=ref("category", "cat-1"), gradingPeriod=session["ses-1"], resultValueMin=0,
                  resultValueMax=100.5),
        ],
        "results": [
            thing("res-1", lineItem=ref("lineItem", "lin-1"), student=ref("user", "usr-1"), scoreStatus="fully graded",
                  score=88, scoreDate="2026-09-09", comment="Well done"),
        ],
    }  # fmt: skip
    if not later:
        for user, role in zip(made["users"], ("student", "teacher", "parent"), strict=True):
            user |= {"role": role, "orgs": [school["org-1"]]}
        return made
    for user, role in zip(made["users"], ("student", "teacher", "parent"), strict=True):
        user["roles"] = [{"roleType": "primary", "role": role, "org": school["org-1"]}]
    made["users"][0]["roles"][0] |= {"userProfile": PROFILE, "beginDate": "2026-08-15", "endDate": "2027-06-12"}
    made["users"][0] |= {
        "userMasterIdentifier": "m-1", "preferredFirstName": "Le", "preferredMiddleName": "M", "pronouns": "she",
        "preferredLastName": "Rowan", "primaryOrg": school["org-1"], "resources": [ref("resource", "rsc-1")],
        "userProfiles": [
            {"profileId": PROFILE, "profileType": "LMS", "vendorId": "v-1", "applicationId": "a-1",
             "description": "Reader", "credentials": [{"type": "password", "username": "lrowan", "password": "x"}]}
        ],
    }  # fmt: skip
    made["categories"][0]["weight"] = 40.5
    scale, objective = ref("scoreScale", "scs-1"), {"source": "case", "learningObjectiveIds": [UUID]}
    scored = {
        "source": "unknown",
        "learningObjectiveResults": [{"learningObjectiveId": "g", "score": 3.5, "textScore": "A"}],
    }
    made["lineItems"][0] |= {
        "school": school["org-1"], "academicSession": session["ses-1"], "scoreScale": scale,
        "learningObjectiveSet": [objective],
    }  # fmt: skip
    graded = {"textScore": "B", "inProgress": "false", "incomplete": "false", "late": "true", "missing": "false"}
    made["results"][0] |= {
        "class": ref("class", "cls-1"), "scoreScale": scale, "learningObjectiveSet": [scored], **graded
    }  # fmt: skip
    made["scoreScales"] = [
        thing("scs-1", title="Letters", type="letter", course=ref("course", "crs-1"),
              **{"class": ref("class", "cls-1")}, scoreScaleValue=[{"itemValueLHS": "A", "itemValueRHS": "90"}]),
    ]  # fmt: skip
    made["assessmentLineItems"] = [
        thing("ali-1", title="State test", description="Spring", **{"class": ref("class", "cls-1")}, scoreScale=scale,
              resultValueMin=0, resultValueMax=50, learningObjectiveSet=[objective]),
        thing("ali-2", title="Part one", parentAssessmentLineItem=ref("assessmentLineItem", "ali-1")),
    ]  # fmt: skip
    made["assessmentResults"] = [
        thing("asr-1", assessmentLineItem=ref("assessmentLineItem", "ali-1"), student=ref("user", "usr-1"), score=41,
              scoreDate="2027-04-01", scoreScale=scale, scorePercentile=70.5, scoreStatus="fully graded", comment="-",
              learningObjectiveSet=[scored], **graded),
    ]  # fmt: skip
    return made
