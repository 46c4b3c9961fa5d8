"""Column names of the OneRoster files and of the assessment vendors' files, in their order."""

from __future__ import annotations

from hub.demo.columns import words

_EVERY = words("sourcedId status dateLastModified")
#: OneRoster 1.1 CSV tables, section 4: the files the SIS sends.
ONEROSTER_1_1 = {
    "academicSessions": _EVERY + words("title type startDate endDate parentSourcedId schoolYear"),
    "categories": _EVERY + words("title"),
    "classes": _EVERY
    + words(
        "title grades courseSourcedId classCode classType location schoolSourcedId termSourcedIds subjects "
        "subjectCodes periods"
    ),
    "courses": _EVERY + words("schoolYearSourcedId title courseCode grades orgSourcedId subjects subjectCodes"),
    "demographics": _EVERY
    + words(
        "birthDate sex americanIndianOrAlaskaNative asian blackOrAfricanAmerican nativeHawaiianOrOtherPacificIslander "
        "white demographicRaceTwoOrMoreRaces hispanicOrLatinoEthnicity countryOfBirthCode stateOfBirthAbbreviation "
        "cityOfBirth publicSchoolResidenceStatus"
    ),
    "enrollments": _EVERY + words("classSourcedId schoolSourcedId userSourcedId role primary beginDate endDate"),
    "lineItems": _EVERY
    + words(
        "title description assignDate dueDate classSourcedId categorySourcedId gradingPeriodSourcedId resultValueMin "
        "resultValueMax"
    ),
    "orgs": _EVERY + words("name type identifier parentSourcedId"),
    "results": _EVERY + words("lineItemSourcedId studentSourcedId scoreStatus score scoreDate comment"),
    "users": _EVERY
    + words(
        "enabledUser orgSourcedIds role username userIds givenName familyName middleName identifier email sms phone "
        "agentSourcedIds grades password"
    ),
}
#: OneRoster 1.2.1 CSV tables where they differ, and those that are new.
ONEROSTER_1_2 = ONEROSTER_1_1 | {
    "categories": _EVERY + words("title weight"),
    "lineItems": _EVERY
    + words(
        "title description assignDate dueDate classSourcedId categorySourcedId academicSessionSourcedId "
        "resultValueMin resultValueMax schoolSourcedId"
    ),
    "results": ONEROSTER_1_1["results"] + words("textScore classSourcedId inProgress incomplete late missing"),
    "roles": _EVERY + words("userSourcedId roleType role beginDate endDate orgSourcedId userProfileSourcedId"),
    "users": _EVERY
    + words(
        "enabledUser username userIds givenName familyName middleName identifier email sms phone agentSourcedIds "
        "grades password userMasterIdentifier preferredGivenName preferredMiddleName preferredFamilyName "
        "primaryOrgSourcedId pronouns"
    ),
}

_WINDOWS = words("FallToFall FallToWinter FallToSpring WinterToWinter WinterToSpring SpringToSpring")
_GROWTH = words(
    "ProjectedGrowth ObservedGrowth ObservedGrowthSE MetProjectedGrowth ConditionalGrowthIndex "
    "ConditionalGrowthPercentile GrowthQuintile"
)
#: NWEA MAP Growth, combined data file: 143 columns.
MAP_GROWTH = (
    *words(
        "TermName DistrictName District_StateID SchoolName School_StateID StudentID Student_StateID Subject Course "
        "GrowthMeasureYN NormsReferenceData WISelectedAYFall WISelectedAYWinter WISelectedAYSpring WIPreviousAYFall "
        "WIPreviousAYWinter WIPreviousAYSpring TestType TestName TestID TestStartDate TestStartTime "
        "TestDurationMinutes TestRITScore TestStandardError TestPercentile AchievementQuintile PercentCorrect "
        "RapidGuessingPercentage"
    ),
    *(window + measure for window in _WINDOWS for measure in _GROWTH),
    *words("LexileScore LexileMin LexileMax QuantileScore QuantileMin QuantileMax"),
    *(f"Goal{n}{part}" for n in range(1, 9) for part in words("Name RitScore StdErr Range Adjective")),
    *(f"Typical{window}Growth" for window in _WINDOWS),
    *(f"ProjectedProficiency{part}{n}" for n in range(1, 11) for part in words("Study Level")),
)

_IREADY_STUDENT = (
    "Last Name", "First Name", "Student ID", "Student Grade", "Academic Year", "School", "Enrolled",
    "District State ID", "Account State ID", "School State ID", "Student State ID", "User Name", "Sex",
    "Hispanic or Latino", "Race", "English Language Learner", "Special Education", "Economically Disadvantaged",
    "Migrant", "Class(es)", "Class Teacher(s)", "Report Group(s)", "Start Date", "Completion Date", "Norming Window",
    "Baseline Diagnostic (Y/N)", "Most Recent Diagnostic YTD (Y/N)", "Duration (min)", "Rush Flag", "Read Aloud",
    "Overall Scale Score", "Overall Placement", "Overall Relative Placement", "Percentile", "Grouping",
)  # fmt: skip
_IREADY_GROWTH = (
    "Diagnostic Gain", "Annual Typical Growth Measure", "Annual Stretch Growth Measure",
    "Percent Progress to Annual Typical Growth (%)", "Percent Progress to Annual Stretch Growth (%)",
    "Mid On Grade Level Scale Score",
)  # fmt: skip
IREADY_DOMAINS = {
    "ela": (
        "Phonological Awareness", "Phonics", "High-Frequency Words", "Vocabulary", "Comprehension: Overall",
        "Comprehension: Literature", "Comprehension: Informational Text",
    ),
    "math": ("Number and Operations", "Algebra and Algebraic Thinking", "Measurement and Data", "Geometry"),
}  # fmt: skip


def _iready(subject: str, measure: str, *last: str) -> tuple[str, ...]:
    parts = ("Scale Score", "Placement", "Relative Placement")
    domains = (f"{domain} {part}" for domain in IREADY_DOMAINS[subject] for part in parts)
    return (*_IREADY_STUDENT, f"{measure} Measure", f"{measure} Range", *domains, *_IREADY_GROWTH, *last)


#: i-Ready diagnostic results: 65 columns for reading, 58 for mathematics.
IREADY = {
    "ela": _iready("ela", "Lexile", "Reading Difficulty Indicator (Y/N)"),
    "math": _iready(
        "math", "Quantile", "Proficiency if Student Shows No Additional Growth",
        "Projection if Student Achieves Typical Growth", "Projection if Student Achieves Stretch Growth",
    ),
}  # fmt: skip
