"""Check characters of account, card and identity numbers: each predicate takes the number without separators.

Sources: Luhn (ISO/IEC 7812-1), ISO 7064 MOD 97-10 (IBAN, ISO 13616), MOD 11-10 (German tax number) and MOD 11-2 (Chinese GB 11643),
Verhoeff 1969 (Aadhaar), and the issuing authorities' published rules for the rest. Weighted sums are written out as such.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256

_VERHOEFF_PERMUTATION = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_CODICE_ODD = dict(zip("0123456789", (1, 0, 5, 7, 9, 13, 15, 17, 19, 21), strict=True)) | dict(
    zip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
        strict=True,
    )
)
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def weighted_sum(digits: str, weights: Sequence[int]) -> int:
    """Return the sum of leading digits times weights."""
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def complete(body: str, alphabet: str, is_valid: Callable[[str], bool]) -> str:
    """Return a body with the one check character that makes it valid."""
    return next(body + char for char in alphabet if is_valid(body + char))


def luhn(digits: str) -> bool:
    """Payment cards: every second digit from the right doubled, digit sums added, divisible by 10."""
    total = 0
    for place, digit in enumerate(map(int, reversed(digits))):
        total += digit if place % 2 == 0 else (2 * digit - 9 if digit > 4 else 2 * digit)
    return total % 10 == 0


def mod97(account: str) -> bool:
    """IBAN in capitals: country and check digits moved behind, letters as two digits, the remainder by 97 is 1."""
    return _remainder97(account[4:] + account[:4]) == 1


def with_mod97(account: str) -> str:
    """Return an IBAN given without its check digits (country, then account) with them."""
    return f"{account[:2]}{98 - _remainder97(account[2:] + account[:2] + '00'):02d}{account[2:]}"


def _remainder97(account: str) -> int:
    return int("".join(str(int(char, 36)) for char in account)) % 97


def verhoeff(digits: str) -> bool:
    """Aadhaar: products in the dihedral group of order 10, digits permuted by place from the right, come to 0."""
    check = 0
    for place, digit in enumerate(map(int, reversed(digits))):
        for _ in range(place % 8):
            digit = _VERHOEFF_PERMUTATION[digit]
        check = _dihedral(check, digit)
    return check == 0


def _dihedral(left: int, right: int) -> int:
    rotation = left + right if left < 5 else left - right
    return rotation % 5 + (0 if (left < 5) == (right < 5) else 5)


def nhs(digits: str) -> bool:
    """UK NHS number, 10 digits: weights 10 to 2, 11 less the remainder by 11 is the last digit; 10 is never issued."""
    check = -weighted_sum(digits[:9], range(10, 1, -1)) % 11
    return check == int(digits[9])


def steuer_id(digits: str) -> bool:
    """German tax number, 11 digits: one digit of the first ten occurs twice or thrice, the others at most once; ISO 7064 MOD 11-10."""
    counts = sorted((digits[:10].count(digit) for digit in set(digits[:10])), reverse=True)
    if digits[0] == "0" or counts[0] not in (2, 3) or counts[1] > 1:
        return False
    product = 10
    for digit in map(int, digits[:10]):
        product = ((digit + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(digits[10])


def nir(number: str) -> bool:
    """French social security number, 15 characters: 97 less the remainder by 97 is the key; Corsica's 2A and 2B count as 19 and 18."""
    body = number[:13].upper().replace("2A", "19").replace("2B", "18")
    return body.isdigit() and 97 - int(body) % 97 == int(number[13:])


def dni(number: str) -> bool:
    """Spanish DNI (8 digits) or NIE (X, Y or Z and 7 digits): the remainder by 23 chooses the letter."""
    digits = number[:-1].upper().translate(str.maketrans("XYZ", "012"))
    return _DNI_LETTERS[int(digits) % 23] == number[-1].upper()


def codice_fiscale(code: str) -> bool:
    """Italian tax code, 16 capitals and digits: values of the odd and the even places add up to the last letter by 26."""
    odd = sum(_CODICE_ODD[char] for char in code[:15:2])
    even = sum(int(char) if char.isdigit() else ord(char) - 65 for char in code[1:15:2])
    return chr(65 + (odd + even) % 26) == code[15]


def resident_id(number: str) -> bool:
    """Chinese identity number, 17 digits and a check character: ISO 7064 MOD 11-2."""
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(number[:17]))
    return "10X98765432"[total % 11] == number[17].upper()


def cpf(digits: str) -> bool:
    """Brazilian CPF, 11 digits: two check digits by weights 10 to 2 and 11 to 2, modulo 11; repeated digits are not issued."""
    if len(set(digits)) == 1:
        return False
    return all(weighted_sum(digits, range(length + 1, 1, -1)) * 10 % 11 % 10 == int(digits[length]) for length in (9, 10))


def base58check(address: str) -> bool:
    """Bitcoin address of the first kinds: 25 bytes in base 58, the last four begin the double SHA-256 of the others."""
    number = 0
    for char in address:
        value = _BASE58.find(char)
        if value < 0:
            return False
        number = number * 58 + value
    if number >= 1 << 200:
        return False
    raw = number.to_bytes(25, "big")
    return sha256(sha256(raw[:21]).digest()).digest()[:4] == raw[21:]


def bech32(address: str) -> bool:
    """Segregated witness address (BIP 173, BIP 350): one case, and the polynomial's remainder is 1 or that of bech32m."""
    if address not in (address.lower(), address.upper()):
        return False
    prefix, _, data = address.lower().rpartition("1")
    values = [_BECH32.find(char) for char in data]
    if not prefix or min(values, default=-1) < 0:
        return False
    check = 1
    for value in [*(ord(char) >> 5 for char in prefix), 0, *(ord(char) & 31 for char in prefix), *values]:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_BECH32_GENERATOR):
            check ^= generator if top >> bit & 1 else 0
    return check in (1, 0x2BC830A3)
