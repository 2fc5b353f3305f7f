"""The invented names and words of the fictional partnership.

Here: nothing but words; no member is a real country or one of known fiction.
"""

from __future__ import annotations


def split_names(text: str) -> tuple[str, ...]:
    """The names of a text, parted by bars."""
    return tuple(text.split("|"))


REGIONS = ("Africa and the Middle East", "Americas", "Asia-Pacific", "Europe")
MEMBER_NAMES = split_names(
    "Republic of Velmora|Tarvenia|Quessola|Kingdom of Brindalia|Orvashan|Lunethia|Maridova|"
    "Republic of Kestoria|Palvanta|Ishkarra|Drellund|Sovarine Islands|Umbessa|Tolmeria|"
    "United Cantons of Cavandor|Ferrolia|Nembazi|Rylossa|Zandovar|Hesparia|Galvoria|Aruvela|Bessanor|"
    "Federation of Carvolis|Dunmorra|Elvashia|Fintara|Gorvanna|Halvessa|Irodane|Republic of Jorvalia|"
    "Kalendria|Lomassa|Mirvanda|Norrelund|Ondaresh|Pelluria|Quandora|Rovelska|Selmara|Tuvandra|Ulmerica|"
    "Vostrania|Wendovia|Xantarra|Yorvessa|Zelkoria|Ambrunia|Boskovar|Celdoria|Davenmark|Estravia"
)
MEMBER_IDS = tuple(  # user-assigned codes of ISO 3166: no country will ever have one
    prefix + letter for prefix in ("ZZ", "XA") for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)
ALPHA2_CODES = tuple("Q" + letter for letter in "MNOPQRSTUVWXYZ")  # user-assigned too; only the first members have one
# of the first members: status, since when; the rest are active since they joined
STATUSES = {
    2: ("under review", "2024-03-15"),
    6: ("inactive", "2023-06"),
    9: ("suspended", "2022"),
    13: ("withdrawn", "2019-12-31"),
}
ALIASES = {  # the name in the commitments, the name in the process file; empty where it is the full name
    "Republic of Velmora": ("Velmora", "Velmora (Republic)"),
    "Kingdom of Brindalia": ("", "Brindalia"),
    "Republic of Kestoria": ("Kestoria", ""),
    "Sovarine Islands": ("The Sovarines", ""),
    "United Cantons of Cavandor": ("UCC", ""),
    "Federation of Carvolis": ("", "Carvolis"),
    "Republic of Jorvalia": ("", "Jorvalia"),
}

LOCALS = {  # four letters like OGP's own codes of locals; Q, then Z: no country's code begins so
    "QZSW": "Port Selwick, Tarvenia",
    "QZHM": "Upper Harmond, Quessola",
    "QZLN": "Lindmoor Bay, Maridova",
}

VERBS = split_names("Publish|Modernise|Open up|Consolidate|Simplify|Review with citizens|Digitise|Extend")
SUBJECTS = split_names(
    "the register of public contracts|the municipal budget portal|the archive of land records|"
    "the lobbying register|the complaints service|the school inspection results|"
    "the water quality measurements|the asset declarations|the rules for public hearings|"
    "the petition platform|the calendar of consultations|the grants database|the health waiting lists|"
    "the inventory of public buildings|the transport timetables|the forest permits"
)
MANNERS = split_names(
    "as open data|with civil society|in plain language|in all provinces|for small communities|"
    "with a public timetable|through a shared portal|under a common standard"
)
AGENCIES = split_names(
    "Bureau of Open Ledgers|Office of Civic Records|Council for Public Hearings|"
    "Directorate of Shared Services|Agency for Clear Language|Commission on Fair Tenders|"
    "Secretariat for Local Voices|Institute of Public Measures"
)

# the three parts of the names of further members, each a capital first, a middle and an ending
BEGINNINGS = split_names(
    "Ald|Bram|Cor|Dorv|Eskel|Fen|Gal|Hask|Ilm|Jast|Keld|Lorv|Mers|Nord|Osk|Pell|Quill|Rast|Sarv|Tolm|Ulv|Vann|Wexl|Yorv"
)
MIDDLES = split_names("a|e|i|o|u|an|en|or|al|is")
ENDINGS = split_names("doria|mark|vessa|thane|kesh|lund|brook|stad|wick|mere|zora|phane")
