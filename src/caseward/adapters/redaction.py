"""Personal data masked in free text: e-mail addresses, phone numbers, identity and tax numbers of Indonesia, cards,
bank accounts.

Judged by what it finds and by what it leaves alone: prices, dates, times, invoices and order numbers stay readable, so
every long number has to show what it is: by its check digits, a plausible date of birth, a dialling code, or the word
before it. Street addresses and names are not touched.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import phonenumbers
from stdnum import iban, luhn
from stdnum.id import nik, npwp

HOME = "ID"
"""Region in which a number without a country code is read."""

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")
_EMAIL = re.compile(
    r"(?<![\w.+%-])[\w.+%'-]{1,64}(?:@ ?| ?[\[({]at[\])}] ?)"
    r"(?:[\w-]{1,63}(?:\.| ?[\[({]dot[\])}] ?)){1,5}[^\W\d_]{2,24}(?![\w-])"
    r"|(?<![\w.+%-])[\w.+%-]{1,64} at [\w-]{2,63} dot (?:com|net|org|id|co|io|ac)(?: dot id)?(?!\w)",
    re.I,
)
_GAP = r"[ .\u00a0-]?"
_TAX = re.compile(r"(?<![\w.,-])\d{2}\.?\d{3}\.?\d{3}\.?\d-?\d{3}\.?\d{3}(?![\w-]|[.,]\d)")
_TAX_SHAPE = re.compile(r"\d{2}\.\d{3}\.\d{3}\.\d-\d{3}\.\d{3}")
_LONG = re.compile(rf"(?<![\w.,-])\d(?:{_GAP}\d){{12,18}}(?![\w-]|[.,]\d)")
"""13 to 19 digits, alone or in groups."""
_IBAN = re.compile(r"(?<![\w.,-])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![\w-])")
_ACCOUNT = re.compile(
    r"((?<!\w)(?:(?:no\.? ?)?rek(?:ening)?|norek|bank account|account (?:no|number))\b"
    r"[ .:]{0,3}(?:[^\W\d]{1,20}[ .:]{1,3}){0,3})"
    r"(\d(?:[ .-]?\d){7,15})(?![\w-]|[.,]\d)",
    re.I,
)
"""A number that is called an account."""
_CARD = re.compile(r"4|5[1-5]|2[2-7]|3[47]|35|3[068]|6011|64[4-9]|65")
"""First digits of the card networks."""
_DIAL = r"(?:[ .\u00a0-]{0,2}\(?\d\)?){6,13}"
_ABROAD = re.compile(rf"(?<![\w+.,-])(?:\(\+[1-9]\d{{0,2}}\)|(?:\+ ?|00)[1-9]){_DIAL}(?![\w-]|[.,]\d)")
_NATIONAL = re.compile(rf"(?<![\w+.,-])(?:\(0\d{{1,3}}\)|0[1-9]|62 ?-?8){_DIAL}(?![\w-]|[.,:]\d)")
_LINK = re.compile(r"(?<=wa\.me/)\+?\d{8,15}|(?<=phone=)\+?\d{8,15}|(?<=tel:)\+?[\d-]{8,18}", re.I)
_CALLED = re.compile(
    r"((?<!\w)(?:wa|whatsapp|hp|handphone|telp?|telepon|telpon|ponsel|nomor|nomer|phone|mobile|cell|call|hubungi|sms)"
    r"(?: (?:saya|aku|sy|gw|gue|ku|me|is|di|ke|my|at|number|on|baru|nya|ini))*\W{1,3})"
    r"(8\d{2}[ .-]?\d{3,4}[ .-]?\d{3,5})(?![\w-]|[.,]\d)",
    re.I,
)
_HOURS = re.compile(r"\d\d\.\d\d(?:[ -]+\d\d\.\d\d)+.*")
"""Several times of day in a row, which read like a phone number."""
_IDENTITY_WORD = re.compile(r"(?<![\w\[])(?:nik|ktp|kk|kartu keluarga)[^\w\[]*(?:[^\W\d]+[^\w\[]+){0,3}$", re.I)
"""A few words may stand between, and no other number, masked or not: what comes after is not called by this word."""
_TAX_WORD = re.compile(r"(?<!\[)npwp[^\w\[]*(?:[^\W\d]+[^\w\[]+){0,3}$", re.I)


def redact(text: str) -> str:
    """Return `text` with personal data replaced by `[email]`, `[iban]`, `[account]`, `[npwp]`, `[nik]`,
    `[card]` and `[phone]`.

    Digits of other scripts are read as digits, invisible characters are dropped, and the rest stays as it is. Redacting
    twice changes nothing more.
    """
    text = _INVISIBLE.sub("", text)
    plain = "".join(str(int(char)) if char.isdecimal() and not char.isascii() else char for char in text)
    plain = _EMAIL.sub("[email]", plain)
    plain = _masked(_IBAN, plain, lambda found: "[iban]" if iban.is_valid(found[0]) else "")
    plain = _ACCOUNT.sub(r"\1[account]", plain)
    plain = _masked(_TAX, plain, _tax)
    plain = _masked(_LONG, plain, _identity_or_card)
    plain = _masked(_ABROAD, plain, _abroad)
    plain = _masked(_NATIONAL, plain, _national)
    plain = _LINK.sub("[phone]", plain)
    return _CALLED.sub(r"\1[phone]", plain)


def _masked(pattern: re.Pattern[str], text: str, judge: Callable[[re.Match[str]], str]) -> str:
    return pattern.sub(lambda match: judge(match) or match[0], text)


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isdigit())


def _after(word: re.Pattern[str], match: re.Match[str]) -> bool:
    return bool(word.search(match.string[max(0, match.start() - 30) : match.start()]))


def _tax(match: re.Match[str]) -> str:
    known = _TAX_SHAPE.fullmatch(match[0]) or npwp.is_valid(_digits(match[0])) or _after(_TAX_WORD, match)
    return "[npwp]" if known else ""


def _identity_or_card(match: re.Match[str]) -> str:
    number = _digits(match[0])
    if len(number) == 16:
        if _after(_TAX_WORD, match) or (number.startswith("0") and npwp.is_valid(number[1:])):
            return "[npwp]"
        if _after(_IDENTITY_WORD, match) or nik.is_valid(number):
            return "[nik]"
    return "[card]" if _CARD.match(number) and luhn.is_valid(number) else ""


def _abroad(match: re.Match[str]) -> str:
    number = _digits(match[0])
    number = number if "+" in match[0] else number.removeprefix("00")
    if number.startswith("62"):  # unassigned ranges too: people mistype their own number
        return "[phone]" if 10 <= len(number) <= 15 else ""
    try:
        parsed = phonenumbers.parse(f"+{number}")
    except phonenumbers.NumberParseException:
        return ""
    return "[phone]" if phonenumbers.is_possible_number(parsed) and len(number) >= 9 else ""


def _national(match: re.Match[str]) -> str:
    number = _digits(match[0])
    if number.startswith("62"):
        number = "0" + number[2:]
    if number.startswith("08"):
        return "[phone]" if 10 <= len(number) <= 13 and not _HOURS.fullmatch(match[0]) else ""
    try:
        parsed = phonenumbers.parse(number, HOME)
    except phonenumbers.NumberParseException:
        return ""
    return "[phone]" if phonenumbers.is_valid_number(parsed) else ""
