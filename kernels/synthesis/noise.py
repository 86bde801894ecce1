"""Noise to plant into clean text: personal data that looks real and belongs to nobody, small edits, text in other languages."""

import random
from typing import NamedTuple

FIRST_NAMES = ("Ada", "Alan", "Barbara", "Claude", "Donald", "Edsger", "Frances", "Grace", "Hedy", "John", "Katherine", "Leslie", "Radia", "Tim")
LAST_NAMES = ("Adams", "Baker", "Clark", "Davis", "Evans", "Foster", "Garcia", "Hughes", "Irving", "Jones", "Keller", "Lopez", "Nolan", "Parker")
FOREIGN = (
    "Die Stadt liegt am Ufer eines breiten Flusses und wurde im Mittelalter von Kaufleuten gegründet, die mit Salz und Tuch handelten.",
    "Jeden Morgen öffnet der Bäcker seinen Laden, lange bevor die ersten Züge den Bahnhof verlassen und die Schulkinder vorbeikommen.",
    "Le musée présente une collection de peintures anciennes que la famille avait réunie pendant plus de deux siècles de voyages.",
    "Au printemps, les habitants du village se retrouvent sur la place pour préparer ensemble la grande fête de la moisson.",
    "La biblioteca abrió sus puertas después de la guerra y desde entonces guarda manuscritos que nadie había podido leer.",
    "El río baja crecido en otoño y los pescadores esperan con paciencia a que las aguas vuelvan a ser claras y tranquilas.",
    "Il vecchio mulino fu restaurato con cura e oggi ospita una scuola dove si insegna a fare il pane come una volta.",
    "Stary most łączy dwie części miasta i co roku odbywa się na nim targ, na który przyjeżdżają rolnicy z całej okolicy.",
    "Gamla hus kantar gatan ner mot hamnen, där fiskarna säljer sin fångst direkt från båtarna varje morgon.",
    "Thành phố nằm bên bờ sông và mỗi buổi sáng những người bán hàng lại chèo thuyền ra chợ nổi để bán trái cây.",
)


class Planted(NamedTuple):
    """A sentence with a value of personal data in it."""

    sentence: str
    value: str


def card_number(dice: random.Random) -> str:
    """Return a card number of the test range 4000 00.. whose check digit is right (ISO/IEC 7812, Luhn)."""
    digits = [4, 0, 0, 0, 0, 0, *(dice.randrange(10) for _ in range(9))]
    doubled = [digit * 2 - 9 * (digit > 4) if index % 2 == 0 else digit for index, digit in enumerate(digits)]
    digits.append(-sum(doubled) % 10)
    text = "".join(map(str, digits))
    return " ".join(text[start : start + 4] for start in range(0, 16, 4))


def personal_sentence(dice: random.Random) -> Planted:
    """Return a sentence that gives away something of a person who does not exist."""
    first, last = dice.choice(FIRST_NAMES), dice.choice(LAST_NAMES)
    match dice.randrange(4):
        case 0:
            value = f"{first.lower()}.{last.lower()}{dice.randrange(100)}@{dice.choice(['mailbox', 'postoffice', 'letterhub'])}.org"
            return Planted(f"For questions write to {first} {last} at {value} before the end of the month.", value)
        case 1:
            value = f"({dice.randrange(201, 999)}) {dice.randrange(201, 999)}-{dice.randrange(1000, 9999)}"
            return Planted(f"You can reach {first} {last} by phone at {value} on weekdays.", value)
        case 2:
            value = ".".join(str(part) for part in (dice.choice([23, 45, 81, 93, 151, 176]), *(dice.randrange(1, 255) for _ in range(3))))
            return Planted(f"The last login of {first} came from the address {value} late in the evening.", value)
        case _:
            value = card_number(dice)
            return Planted(f"{first} {last} paid the deposit with the card {value} and kept the receipt.", value)


def edit_slightly(text: str, dice: random.Random) -> str:
    """Return a text with a word changed, or two of a long one: of 50 words or more, it still shares four fifths of its runs of five words."""
    words = text.split(" ")
    for _ in range(2 if len(words) >= 120 else 1):
        words[dice.randrange(len(words))] = dice.choice(["also", "indeed", "perhaps", "however", "again"])
    return " ".join(words)


def foreign_text(dice: random.Random, num_sentences: int) -> str:
    """Return sentences of one language other than English, in an order of their own."""
    start = dice.randrange(len(FOREIGN))
    return " ".join(FOREIGN[(start + offset) % len(FOREIGN)] for offset in range(num_sentences))
