"""Column names of College Board's score files in their order: SAT 860, PSAT/NMSQT 348, PSAT 10 347, PSAT 8/9 300."""

from __future__ import annotations

from hub.demo.columns import words

SCORES = words(
    "TOTAL EBRW MATH_SECTION READING WRIT_LANG MATH_TEST SCI_CROSS HIST_SOCST_CROSS WORDS_CONTEXT COMM_EVIDENCE "
    "EXPR_IDEAS ENG_CONVENT HEART_ALGEBRA ADV_MATH PROBSLV_DATA"
)
_OLD = words("CRITICAL_READING MATH WRITING")
_NAMES = words(
    "COHORT_YEAR DISTRICT_NAME NAME_LAST NAME_FIRST NAME_MI GENDER RACE_ETH_CUBAN RACE_ETH_MEXICAN "
    "RACE_ETH_PUERTORICAN RACE_ETH_HISP_LAT RACE_ETH_NON_HISP_LAT RACE_ETH_INDIAN_ALASKAN RACE_ETH_ASIAN "
    "RACE_ETH_AFRICANAMERICAN RACE_ETH_HAWAIIAN_PI RACE_ETH_WHITE RACE_ETH_OTHER"
)
_ADDRESS = words("ADDRESS_LINE{1..2} ADDRESS_CITY ADDRESS_STATE ADDRESS_ZIP")


def _start(first: str, second: str, third: str) -> tuple[str, ...]:
    return (
        *words(f"AI_CODE AI_NAME {first}"), *_NAMES,
        *words(f"{second} DERIVED_AGGREGATE_RACE_ETH BIRTH_DATE {third} CB_ID SECONDARY_ID"), *_ADDRESS,
    )  # fmt: skip


def _scores(prefix: str, without: str = "") -> tuple[str, ...]:
    return tuple(f"{prefix}_{name}" for name in SCORES if name != without)


def _answers(reading: int, writing: int, sections: tuple[int, int, int, int], filler: int) -> tuple[str, ...]:
    ncmc, ncpr, cmc, cpr = sections
    counts = "{0}_CORRECT {0}_INCORRECT {0}_OMIT FILLER_{1} "
    return words(
        f"NUM_READING_QUES READING_QUES_ANS{{1..{reading}}} {counts.format('READING_QUES', filler)}"
        f"NUM_WRITLANG_QUES WRITLANG_QUES_ANS{{1..{writing}}} {counts.format('WRITLANG_QUES', filler + 1)}"
        f"NUM_MATH_NCMC_QUES NUM_MATH_NCPR_QUES MATH_NCMC_QUES_ANS{{1..{ncmc}}} MATH_NCPR_QUES_ANS{{1..{ncpr}}} "
        f"{counts.format('MATH_NC_QUES', filler + 2)}"
        f"NUM_MATH_CMC_QUES NUM_MATH_CPR_QUES MATH_CMC_QUES_ANS{{1..{cmc}}} MATH_CPR_QUES_ANS{{1..{cpr}}} "
        f"{counts.format('MATH_C_QUES', filler + 3)}"
    )


_PSAT_AP = words(
    "AP_ARTHIS AP_BIO AP_CALC AP_CHEM AP_COMPGOVPOL AP_COMPSCI AP_ENGLANG AP_ENGLIT AP_ENVSCI AP_EURHIST AP_HUMGEO "
    "AP_MACECON AP_MICECON AP_MUSIC AP_PHYSI AP_COMPSCIPRIN AP_PHYSMECH AP_PHYSMAG AP_PSYCH AP_STAT AP_USGOVPOL "
    "AP_USHIST AP_WRLDHIST"
)


def _psat(*more_ap: str) -> tuple[str, ...]:
    return (
        *_start("FILLER_69", "FILLER_1", "FILLER_2"),
        *words(
            "ADDRESS_COUNTY ADDRESS_COUNTRY ADDRESS_PROVINCE FOREIGN_ADDRESS FILLER_3 EMAIL HOMESCHOOL "
            "STUDENT_SEARCH_SERVICE GRAD_DATE SAA LATEST_ACCESS_CD FILLER_4 NATIONAL_MERIT FILLER_5 LATEST_PSAT_DATE "
            "LATEST_PSAT_GRADE"
        ),
        *_scores("LATEST_PSAT"),
        *words("FORM_CODE FILLER_{6..11} SELECTION_INDEX FILLER_32 FILLER_12"),
        *_scores("PERCENTILE_NATREP_PSAT"),
        *words("FILLER_{13..14}"),
        *_scores("PERCENTILE_NATUSER_PSAT"),
        *words("FILLER_{15..16} EBRW_CCR_BENCHMARK MATH_CCR_BENCHMARK FILLER_{17..22}"),
        *_answers(47, 44, (13, 4, 27, 4), 23),
        *more_ap,
        *_PSAT_AP,
        *words(
            "SDQ_DATE SDQ_GPA FILLER_{27..28} FILLER_31 FILLER_29 HS_STUDENT YRS_9TO12 FILLER_{33..68} "
            "DISTRICT_STUDENT_ID STATE_STUDENT_ID MAJOR_FIRST REPORT_DATE FILLER_30"
        ),
    )


PSAT_10 = _psat()
PSAT_NMSQT = _psat("AP_SEMINAR")
PSAT_8_9 = (
    *_start("FILLER_75", "FILLER_1", "FILLER_2"),
    *words(
        "FILLER_3 ADDRESS_COUNTRY ADDRESS_PROVINCE FOREIGN_ADDRESS DISTRICT_STUDENT_ID STATE_STUDENT_ID FILLER_4 "
        "HOMESCHOOL FILLER_{6..7} SAA LATEST_ACCESS_CD FILLER_8 LATEST_PSAT_DATE LATEST_PSAT_GRADE"
    ),
    *_scores("LATEST_PSAT", without="ADV_MATH"),
    *words("FILLER_9 FORM_CODE FILLER_{10..16}"),
    *(name.replace("PERCENTILE_NATREP_PSAT_ADV_MATH", "FILLER_17") for name in _scores("PERCENTILE_NATREP_PSAT")),
    *words("FILLER_{18..19}"),
    *(name.replace("PERCENTILE_NATUSER_PSAT_ADV_MATH", "FILLER_20") for name in _scores("PERCENTILE_NATUSER_PSAT")),
    *words("FILLER_{21..22} EBRW_CCR_BENCHMARK MATH_CCR_BENCHMARK FILLER_{23..28}"),
    *_answers(42, 40, (10, 3, 21, 4), 29),
    *words(
        "AP_EURHIST AP_WRLDHIST AP_ARTHIS AP_COMPSCIPRIN AP_HUMGEO AP_SEMINAR FILLER_{37..53} SDQ_DATE SDQ_GPA "
        "FILLER_{54..55} FILLER_{57..74} REPORT_DATE FILLER_56"
    ),
)


def _administration(name: str, fillers: str) -> tuple[str, ...]:
    first, rest = fillers.split(" ")
    return (
        *words(f"{name}_SAT_DATE {name}_SAT_GRADE {name}_SAT_REVISED"), *_scores(f"{name}_SAT"),
        *(f"{name}_SAT_ESSAY_{part}" for part in words("READING ANALYSIS WRITING")), first,
        *(f"{name}_SAT_{part}" for part in (*_OLD, "ESSAY", "ESSAY_MC")), *words(rest),
    )  # fmt: skip


_EARLIER = tuple(f"ADMIN{n}" for n in range(2, 7))
_TAKEN_COURSES = (
    "ARTS", "ENGLISH", "FOREIGN AND CLASSICAL LANGUAGE", "MATHEMATICS", "NATURAL SCIENCES",
    "SOCIAL SCIENCES AND HISTORY", "CHINESE", "FRENCH", "GERMAN", "GREEK", "HEBREW", "ITALIAN", "JAPANESE", "KOREAN",
    "LATIN", "RUSSIAN", "SPANISH", "OTHER LANGUAGE COURSE", "PREALGEBRA", "ALGEBRA", "ALGEBRA II", "GEOMETRY",
    "TRIGONOMETRY", "PRECALCULUS", "CALCULUS", "INTEGRATED MATH PROGRAM", "STATISTICS", "COMPSCI",
    "OTHER MATH COURSE", "AMERICAN LITERATURE", "BRITISH LITERATURE", "COMPOSITION", "ENGLISH LANGUAGE ARTS",
    "LITERATURE(OTHER THAN U.S. OR BRITISH)", "JOURNALISM", "CREATIVE WRITING", "COMMUNICATIONS", "PUBLIC SPEAKING",
    "ENGLISH AS A SECOND LANGUAGE", "BIOLOGY", "CHEMISTRY", "ENVIRONMENTALEARTH OR SPACE SCIENCE", "PHYSICS",
    "ENGINEERING", "OTHER SCIENCE COURSE", "U.S. HISTORY", "U.S. GOV'T/CIVICS", "EUROPEAN HISTORY", "WORLD HISTORY",
    "ANCIENT HISTORY", "ECONOMICS", "GEOGRAPHY", "PSYCHOLOGY", "SOCIOLOGY", "OTHER SOCIAL SCIENCE OR HISTORY COURSE",
)  # fmt: skip


def _course(name: str) -> tuple[str, str]:
    # the layout names the study duration of foreign languages in the plural and the honors flag in the singular
    plural = "S" if name.startswith("FOREIGN") else ""
    return f"STUDY_DURATION_{name}{plural}", f"HONORS_{name}"


_ACTIVITY = words("_9TH _10TH _11TH _12TH _OFFICER_AWARD")
SAT = (
    *_start("FILLER_1", "FILLER_2", "FILLER_3"),
    *words(
        "ADDRESS_COUNTY ADDRESS_COUNTRY ADDRESS_PROVINCE FOREIGN_ADDRESS PHONE EMAIL HOMESCHOOL STUDENT_SEARCH_SERVICE "
        "GRAD_DATE SAA LATEST_REGISTRATION_NUM LATEST_MAKE_UP"
    ),
    *_administration("LATEST", "FILLER_4 FILLER_{5..6}"),
    *_scores("PERCENTILE_NATREP_SAT"),
    *(f"PERCENTILE_CBSNATION_SAT_{name}" for name in _OLD),
    *words("FILLER_{7..8}"),
    *_scores("PERCENTILE_NATUSER_SAT"),
    *(f"PERCENTILE_CBSSTATE_SAT_{name}" for name in _OLD),
    *words("FILLER_{9..10} EBRW_CCR_BENCHMARK MATH_CCR_BENCHMARK FILLER_{11..16}"),
    *_answers(52, 44, (15, 5, 30, 8), 17),
    *(
        column
        for n, name in enumerate(_EARLIER)
        for column in (
            f"{name}_REGISTRATION_NUM",
            f"{name}_MAKE_UP",
            *_administration(name, f"FILLER_{22 + 3 * n} FILLER_{{{23 + 3 * n}..{24 + 3 * n}}}"),
        )
    ),
    *(
        column
        for name in ("LATEST", *_EARLIER)
        for column in (
            *words(f"{name}_SUBJ_DATE {name}_SUBJ_GRADE {name}_SUBJ_REVISED"),
            *(
                part
                for n in (1, 2, 3)
                for part in words(f"{name}_SUBJ_{n}_ID {name}_SUBJ_{n}_SCORE {name}_SUBJ_{n}_SUBSC{{1..3}}")
            ),
        )
    ),
    *(part for n in (1, 2, 3) for part in words(f"PERCENTILE_SUBJ_{n} PERCENTILE_SUBJ_{n}_SUBSC{{1..3}}")),
    *words(
        "FILLER_{37..38} SDQ_DATE SDQ_GPA SDQ_RANK SDQ_FIRST_LANG SDQ_BEST_LANG FILLER_45 FILLER_39 SDQ_AVG_ARTS "
        "SDQ_AVG_ENGLISH SDQ_AVG_FOREIGN_LANG SDQ_AVG_MATH SDQ_AVG_NATSCI SDQ_AVG_SOCIALSCI_HIST"
    ),
    *(column for name in _TAKEN_COURSES for column in _course(name)),
    "FILLER_40",
    *(f"EXPERIENCE_ARTMUSIC_{name}" for name in words("NONE ACTING HISTORY DANCE DRAMA MUSIC INST_VOCAL FILM ART")),
    "ACTIVITY_PARTICIPATION",
    *(f"ACTIVITY{n}{part}" for n in range(1, 11) for part in ("", *_ACTIVITY)),
    *words("SPORTS_PARTICIPATION SPORT{1..6} FILLER_41"),
    *(
        f"COLLEGE_{name}"
        for name in words(
            "TYPE_4YR TYPE_2YR TYPE_VOCTECH TYPE_UNDECIDED AFFIL_PUBLIC AFFIL_PRIV_NOTRELIG AFFIL_PRIV_RELIG "
            "AFFIL_UNDECIDED SIZE_LESS_2K SIZE_2K_5K SIZE_5K_10K SIZE_10K-15K SIZE_15K_20K SIZE_MORE_20K "
            "SIZE_UNDECIDED SET_LGCITY SET_MEDCITY SET_SMCITY SET_SUBURB SET_RURAL SET_UNDECIDED LOC_NEARHOME "
            "LOC_HOMESTATE LOC_BORDERHOME LOC_BEYONDHOME LOC_OUTSIDEUS LOC_UNDECIDED SEX_ALLONESEX SEX_COED "
            "SEX_UNDECIDED HOUSING_HOME HOUSING_ONCAMPUS HOUSING_OFFCAMPUS HOUSING_UNDECIDED"
        )
    ),
    "FILLER_42",
    *(f"DEGREE_{name}" for name in words("CERTIFICATE ASSOCIATE BACHELORS MASTERS DOCTORATE OTHER UNDECIDED")),
    *words("FINANCIAL_AID PART_TIME_JOB MAJOR_FIRST MAJOR_FIRST_CERTAINTY MAJOR_SECOND MAJOR_THIRD AP FILLER_43"),
    *(
        f"COLLEGE_ACTIVITY_{name}"
        for name in words(
            "HONORS ART INTRAMURAL ATHLETICS COMMSERVICE DANCE DEBATESPEAKING ETHNIC FOREIGN GOVERNMENT LITERARY ROTC "
            "INSTRUMENTALMUS VOCALMUS RELIGIOUS ENVIRONMENTAL DRAMA INTERNSHIP DEPARTMENTAL SOCIAL NONE"
        )
    ),
    *(f"COLLEGE_{part}{n}" for n in range(1, 5) for part in words("CODE NAME")),
    *words("RECORD_NUM FORM_CODE REPORT_DATE FILLER_44 DISTRICT_STUDENT_ID STATE_STUDENT_ID"),
)
