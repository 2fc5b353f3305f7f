"""The world of the tests of the report: levels with many, few and too few plans, and texts that are markup."""

from __future__ import annotations

from ogp_pipeline_tests.world import World

SCRIPT = "<script>window.hacked = 1</script>"
BREAKER = "</script><script>window.hacked = 2</script>"
SEPARATORS = "\u2028\u2029"  # line ends in JavaScript, letters in JSON
HOSTILE_MEMBERS = {
    "QQA": f"Alpha {SCRIPT}",
    "QQB": f"Beta {BREAKER}",
    "QQC": f"Gamma <img src=x onerror='window.hacked = 3'>{SEPARATORS}",
}
# level in both stages -> the members whose plans have it: enough for an interval, too few for one, suppressed
LEVELS = {
    "Inform": ("Albania", "Armenia", "Canada", "Chile", "Croatia"),
    "Consult": ("Denmark", "Georgia", "Israel", "Italy"),
    "Involve": ("Mexico", "Alpha", "Beta", "Gamma", "Norway", "Brazil"),
    "Collaborate": ("Latvia", "Romania"),
}
IMPACTS = ("Minor", "Moderate", "Transformative", "None")
COMPLETIONS = ("c. Substantial", "d. Complete", "b. Limited", "a. Not started", "NR")


def write_reported_world(world: World) -> None:
    """Write commitments, plans, members, one refused row and an engagement case into the world's inputs."""
    names = dict(zip(("Alpha", "Beta", "Gamma"), HOSTILE_MEMBERS.values(), strict=True))
    members = [(level, names.get(member, member)) for level, group in LEVELS.items() for member in group]
    rows = []
    for place, (_, member) in enumerate(members):
        for number in range(1, 5 + place % 3):
            completion = COMPLETIONS[(place * 2 + number) % len(COMPLETIONS)]
            rows.append(
                {
                    "Country": member,
                    "Comm No": str(number),
                    "Commitment Title": f"{number} {SCRIPT}",
                    "Potential impact": IMPACTS[(place + number) % len(IMPACTS)],
                    "_Pot Impact Coded": "NR",
                    "Completion (progress report)": completion,
                    "_CompletionProgress": "NR",
                }
            )
    rows.append({"Country": f"Atlantis {BREAKER}", "Comm No": "1"})
    world.commitments(*rows)
    world.plans(
        *(
            {"Country name": member, "IAP2 level during development": level, "IAP2 level during imp.": level}
            for level, member in members
        )
    )
    world.form(
        "member_list",
        *(
            {"Member ID": code, "Member name": name, "Member type": "national", "Region": "Europe"}
            for code, name in HOSTILE_MEMBERS.items()
        ),
    )
    world.form(
        "engagement",
        {
            "Initiative": f"Square {SCRIPT}",
            "Member": "Albania",
            "Commitment ID": "AL0001",
            "First day of the call": "2017-05-25",
            "Last day of the call": "2017-07-12",
            "Proposals received": "180,705",
            "Proposals taken up": "more than 1,700",
        },
    )
    world.manifest(f"- file: commitments.csv\n  released: 2016-07-01\n  publisher: 'Publisher {BREAKER}'\n")
