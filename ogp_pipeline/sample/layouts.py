"""The layouts of the sample's files: headers, labels with their numeric twins, the cells a layout decides.

Here: the headers of the official 2016 files, verbatim; which cells are ND (no data) or NR (not reviewed) in
which year; OGP's star formulas (DOMAIN.md section 3). Not here: anything drawn (`partnership.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ogp_pipeline.sample.names import split_names

if TYPE_CHECKING:
    from ogp_pipeline.sample.dirt import Row
    from ogp_pipeline.sample.partnership import Plan


EXPLORER_HEADER: tuple[str, ...] = split_names(
    "Country|Action Plan Number|Theme|Comm No|Comm Dummy|Commitment Title|Short Title|Full Text|"
    "Start Date|End Date|Lead Institution|Supporting Institution(s)|Contact Name|Contact Position|"
    "Contact Email|Contact Telephone|Anti-corruption|Conflicts of Interest|Asset disclosure|"
    "Audits & Controls|Whistleblower Protections|Fiscal Openness|Citizen Budgets|Participatory Budgeting|"
    "E-petitions|Social Audits|Public Participation|Public Procurement|Access to Information|"
    "Records Management|Open Data|Elections & Political Finance|Law Enforcement & Justice|"
    "Public Service Delivery|E-government|Capacity Building|Legislation & Regulation|Private sector|"
    "Legislature|Sub-national|Judiciary|Media & Telecommunications|Education|Health & Nutrition|"
    "Citizenship & Immigration|Welfare & Social Security|Water & Sanitation|Infrastructure|Public Safety|"
    "Defense|Natural Resources|Aid|Nonprofits|Labor|Science & Technology|Gender & Sexuality|Human Rights|"
    "Marginalized Communities|OGP|Checksum|ODWG|FOWG|LOWG|ATWG|ONRWG|Compound|Cluster|"
    "PoC Specified? (Delete?)|Specificity|_Specificity|GC-PubInt|GC-PubRes|GC-PubSvc|GC-CorpAcc|"
    "GC-SafComm|Value -Info|Value -Part|Value -Acc|Value -Tech|_Relevant|Potential impact|"
    "_Pot Impact Coded|Completion (progress report)|_CompletionProgress|"
    "Starred (pre-June 2014 assessments)|Starred (2015 only)|Starred (current formula) progress report|"
    "IRM Assessed (Y/N)?|Year of submission|Report publication year (progress report)|"
    "Report publication year (end of term)|Completion (end of term)|_CompletionEndTerm|"
    "Change in completion|_ChangeCompletion|Did it open government (end of term only)|_OpenGovt|"
    "Starred (current formula) end of term"
)
BLANK_HEADERS = ("",) * 10
PROCESS_HEADER: tuple[str, ...] = split_names(
    "Country name|Action Plan Number|Year AP Submitted|Step 1: Timeline and process: Prior availability|"
    "_Timelineavailability|Timeline: Online|Timeline: other channels|Timeline: links|"
    "Step 2: Advance notice|_Advance notice|Days in advance|Advance notice: Adequacy|"
    "Step 3: Awareness-raising activities|_Awareness-Raising|Awareness-raising activities: Links|"
    "Step 4: Online consultations|_Online consultation|Online consultations: Link|"
    "Step 5: In-person consultations|_In-person consultations|Step 6: Summary of comments|"
    "_Summary of comments|Summary of comments: Link|_Number of steps followed (out of 6)|"
    "Invitation-only or open participation during dev. consultation|IAP2 level during development|"
    "Consultation during action plan implementation (regular forum)|_Regular forum|"
    "Invitation-only or open participation during imp. consultation|IAP2 level during imp.|"
    "Was annual progress report published?|_Self assessment published|Was it done according to schedule?|"
    "Is the report available in the local language?|Is the report available in English?|"
    "Did the government provide a two-week public comment period on draft self-assessment reports?|"
    "Did the report include a review of its public comment period?|Were any public comments received?|"
    "Is the report deposited in the OGP portal?|"
    "Did the self-assessment report include review of the consultation efforts?|"
    "Did the report cover all of the commitments?|Did it assess completion according to schedule?|"
    "Did the self-assessment report include review of the consultation efforts on draft self-assessments?|"
    "Only one branch|Executive|Multi-agency (1) vs. Single (0)|Single Lead|Pres Office/PM|"
    "Executive Lead Agency|Ministry of Foreign Affairs|MOFA Lead Agency|Officially Mandated|"
    "Legally mandated|Multiple Arrangements|Implementing agency same as developing agency? 1=Y, 0=N|"
    "Change of executive"
)
PROCESS_GROUPS = {
    3: "Step 1",
    8: "Step 2",
    12: "Step 3",
    15: "Step 4",
    18: "Step 5",
    20: "Step 6",
    24: "Consultation during action plan development",
    26: "Consultation during implementation",
    30: "Government self-assessment report",
    43: "Institutional Variables",
}
MEMBERS_HEADER: tuple[str, ...] = split_names(
    "Member ID|Member name|Member type|Region|Aliases|Joined year|Status|Status since|ISO alpha-2|Commitment prefix"
)

POLICY_AREAS = tuple(
    name
    for name in EXPLORER_HEADER[16:59]
    if name != "Marginalized Communities"  # that one is NR throughout
)

DEVELOPMENT_LEVEL, IMPLEMENTATION_LEVEL = "IAP2 level during development", "IAP2 level during imp."
STEPS = {  # the six consultation steps: answer column -> its 0/1 twin
    PROCESS_HEADER[answer]: PROCESS_HEADER[twin]
    for answer, twin in ((3, 4), (8, 9), (12, 13), (15, 16), (18, 19), (20, 21))
}
SELF_ASSESSMENT_ANSWERS = PROCESS_HEADER[32:43]
INSTITUTIONS = PROCESS_HEADER[43:]

SPECIFICITY_LABELS = {"None": "0", "a. low": "1", "b. medium": "2", "c. high": "3"}
IMPACT_LABELS = {"None": "0", "Minor": "1", "Moderate": "2", "Transformative": "3", "Unclear": "0"}
COMPLETION_LABELS = {
    "Withdrawn": "0",
    "Unclear": "1",
    "a. Not started": "2",
    "b. Limited": "3",
    "c. Substantial": "4",
    "d. Complete": "5",
}
EARLY_RESULTS_LABELS = {
    "a. Worsens": "0",
    "b. None": "1",
    "c. Marginal": "2",
    "d. Major": "3",
    "e. Outstanding": "4",
}
LEVELS = (
    "NA",
    "Inform",
    "Consult",
    "Involve",
    "Collaborate",
    "Empower",
)  # NA: no consultation (DOMAIN.md section 2)

_END_OF_TERM_CELLS = ("Report publication year (end of term)", *EXPLORER_HEADER[91:97])


def plan_cells(plan: Plan) -> Row:
    """The cells that every commitment of a plan shares, with what its year left uncoded as ND or NR."""
    row = dict.fromkeys(EXPLORER_HEADER, "NR")
    row.update(dict.fromkeys(POLICY_AREAS, "0"))
    row["Country"], row["Action Plan Number"] = plan.explorer_name, str(plan.number)
    row["Year of submission"], row["Comm Dummy"] = str(plan.year), "1"
    row["IRM Assessed (Y/N)?"] = "1" if plan.is_reviewed else "0"
    pending = "NR" if plan.year >= 2014 else "ND"  # the report may still come; for older plans there is none
    row.update(dict.fromkeys(_END_OF_TERM_CELLS, pending))
    row["Report publication year (progress report)"] = pending
    if plan.year == 2011:
        row["Potential impact"] = row["_Pot Impact Coded"] = "ND"
    if plan.is_reviewed:
        row["Theme"] = "NA"
        row["Start Date"] = row["End Date"] = "Not Specified"
        row["PoC Specified? (Delete?)"] = "0"
        row["Report publication year (progress report)"] = str(min(plan.year + 2, 2016))
        early = ("Compound", *EXPLORER_HEADER[70:75])  # compound and the grand challenges: coded to 2012
        row.update(dict.fromkeys(early if plan.year <= 2012 else EXPLORER_HEADER[60:65], "0"))  # then working groups
    if plan.has_end_of_term:
        row["Report publication year (end of term)"] = "2016"
    return row


def write_stars(row: Row, plan: Plan) -> None:
    """Writes the four star columns from the labels of a finished row, each in the years OGP computed it."""
    progress, end = row["Completion (progress report)"], row["Completion (end of term)"]
    relevant = row["_Relevant"] == "1"
    specific = row["Specificity"] in ("b. medium", "c. high")
    ambitious = row["Potential impact"] in ("Moderate", "Transformative")
    transformative = row["Potential impact"] == "Transformative"

    def star(completion: str, *conditions: bool) -> str:
        if row["Potential impact"] not in IMPACT_LABELS or completion == "NR":
            return "NR"
        return "1" if completion in ("c. Substantial", "d. Complete") and all(conditions) else "0"

    stars = dict.fromkeys((*EXPLORER_HEADER[84:87], "Starred (current formula) end of term"), "ND")
    if plan.year == 2012 and plan.is_reviewed:
        stars["Starred (pre-June 2014 assessments)"] = star(progress, relevant, ambitious)
    if plan.year >= 2013:
        stars["Starred (2015 only)"] = star(progress, relevant, ambitious, specific)
    if plan.year >= 2014:
        stars["Starred (current formula) end of term"] = "NR"
    if plan.year >= 2014 or plan.has_end_of_term:
        stars["Starred (current formula) progress report"] = star(progress, relevant, transformative, specific)
    if plan.has_end_of_term:
        stars["Starred (current formula) end of term"] = star(end, relevant, transformative, specific)
    row.update(stars)
