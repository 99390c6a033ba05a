"""Words for drawn pages: sentences of the kind that government papers hold, none of them from a real one."""

from __future__ import annotations

import numpy as np

SURNAMES = (
    "Aldridge", "Barrow", "Castellan", "Dunmore", "Ellery", "Farquhar", "Gorham", "Hastings", "Ingram", "Jessup",
    "Kettering", "Lockwood", "Merriam", "Norbury", "Ormsby", "Prescott", "Quimby", "Ransom", "Stoddard", "Thornton",
    "Underhill", "Vandermeer", "Whitlock", "Yardley",
)  # fmt: skip
FIRST = ("Robert", "Helen", "Walter", "Ruth", "George", "Alice", "Thomas", "Edith", "Henry", "Clara", "Frank", "Norma")
PLACES = (
    "Port Alder", "Montrevel", "San Isidro", "Karavosta", "Lindholm", "Tamarin Bay", "Ostrava Ridge", "Belmarsh",
    "Cape Fallow", "Djebel Nuri", "Veracosta", "Halden",
)  # fmt: skip
_WHO = (
    "the Embassy", "the Station", "this Bureau", "the Foreign Minister", "the Committee", "a reliable source",
    "the attache", "the Ambassador", "Mr. {name}", "the delegation", "the desk officer", "Subject", "the Department",
    "our representative", "General {name}", "the harbor master",
)  # fmt: skip
_DID = (
    "reported", "stated on {date}", "believes", "advised", "confirmed orally", "has learned", "repeated privately",
    "was informed by Mr. {name}", "noted in the course of a second meeting", "told {name}",
)  # fmt: skip
_WHAT = (
    "that the shipment would leave {place} before the end of the month",
    "that no further aircraft have been seen at the field near {place}",
    "that the talks on fishing rights are unlikely to be resumed",
    "that an exchange of letters would be acceptable to both parties",
    "that {name} and two associates had left for {place} by rail",
    "that the price of tin is the main concern of the new government",
    "that the telephone line between {place} and {place} had been repaired",
    "that the proposals will be put before the cabinet in the present form",
    "that the radio equipment was delivered to a warehouse in {place}",
    "that press comment has been restrained and, on the whole, correct",
    "that the meeting of {date} produced nothing of substance",
    "that the inspection teams must have access to the storage sites",
    "that a copy of the memorandum was shown to {name} but not left with him",
    "that the harvest has failed in the three northern districts",
)  # fmt: skip
_AND = (
    "The matter has been referred to the legal adviser.",
    "It is requested that this information be treated with discretion.",
    "No action is recommended at this time.",
    "A further report will follow by pouch.",
    "Comments of the interested offices are attached.",
    "The above is being furnished for your information.",
    "Attention is invited to the enclosure.",
    "Files of this office contain no record of the individual.",
    "The contents have been discussed with {name}, who concurs.",
)  # fmt: skip
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def fill(text: str, rng: np.random.Generator) -> str:
    """Puts a surname, a place and an old date for the blanks of a sentence, each anew."""
    while "{" in text:
        day = f"{rng.integers(1, 29)} {MONTHS[rng.integers(12)]}"
        for blank, word in (("{name}", rng.choice(SURNAMES)), ("{place}", rng.choice(PLACES)), ("{date}", day)):
            text = text.replace(blank, str(word), 1)
    return text


def sentence(rng: np.random.Generator) -> str:
    """One sentence.

    >>> sentence(np.random.default_rng(0)).endswith(".")
    True
    """
    if rng.random() < 0.2:
        return fill(str(rng.choice(_AND)), rng)
    line = fill(f"{rng.choice(_WHO)} {rng.choice(_DID)} {rng.choice(_WHAT)}.", rng)
    return line[0].upper() + line[1:]


def paragraph(rng: np.random.Generator, *, sentences: int) -> str:
    """A paragraph of sentences, two blanks between them as typists set them."""
    return "  ".join(sentence(rng) for _ in range(sentences))


def person(rng: np.random.Generator) -> str:
    """A name with its initial."""
    return f"{rng.choice(FIRST)} {'ABCDEFGHJLMRTW'[rng.integers(14)]}. {rng.choice(SURNAMES)}"


def initials(rng: np.random.Generator) -> str:
    """Two or three capitals, as a reviewer signs."""
    return "".join(rng.choice(list("ABCDEGHJKLMNPRSTW"), rng.integers(2, 4)))
