"""Redaction is judged twice: by what it masks, and by what it leaves readable. All numbers here are made up."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caseward.adapters.redaction import redact

PERSONAL = {
    "tulis ke budi.contoh@example.com ya": "tulis ke [email] ya",
    "e-mail saya: CITRA_SAMPLE+les@mail.example.co.id.": "e-mail saya: [email].",
    "(budi@example.org)": "([email])",
    "budi [at] example.com": "[email]",
    "budi(at)example(dot)com": "[email]",
    "budi at example dot com": "[email]",
    "dua alamat: a@example.com, b@example.com": "dua alamat: [email], [email]",
    "hp saya 081234567890": "hp saya [phone]",
    "0812-3456-7890 ya kak": "[phone] ya kak",
    "0812 3456 7890": "[phone]",
    "0812.3456.7890": "[phone]",
    "08123456789, 0813 1111 2222": "[phone], [phone]",
    "+6281234567890": "[phone]",
    "+62 812-3456-7890": "[phone]",
    "(+62) 812 3456 7890": "[phone]",
    "+6280000000001": "[phone]",
    "6281234567890": "[phone]",
    "62 812 3456 7890": "[phone]",
    "0062 812 3456 7890": "[phone]",
    "kantor (021) 555 1234": "kantor [phone]",
    "telp 021-5551234": "telp [phone]",
    "0361 755123": "[phone]",
    "wa 81234567890": "wa [phone]",
    "nomor saya 812-3456-7890": "nomor saya [phone]",
    "call me on 812 3456 7890 please": "call me on [phone] please",
    "https://wa.me/6281234567890": "https://wa.me/[phone]",
    "+1 415 555 2671": "[phone]",
    "+65 6123 4567": "[phone]",
    "+44 20 7946 0958": "[phone]",
    "tel:+62-812-3456-7890": "tel:[phone]",
    "NIK 3174051205900001": "NIK [nik]",
    "3174051205900001": "[nik]",
    "3174 0552 0590 0001": "[nik]",
    "3174.0552.0590.0001": "[nik]",
    "no ktp saya 3399998877665544": "no ktp saya [nik]",
    "NPWP 01.312.166.0-091.000": "NPWP [npwp]",
    "npwp saya 099999999999999": "npwp saya [npwp]",
    "013121660091000": "[npwp]",
    "0013121660091000": "[npwp]",
    "kartu 4111111111111111": "kartu [card]",
    "4111 1111 1111 1111": "[card]",
    "5500-0000-0000-0004": "[card]",
    "378282246310005": "[card]",
    "6011 1111 1111 1117 exp 12/28": "[card] exp 12/28",
    "rek BCA 1234567890 a.n. Budi": "rek BCA [account] a.n. Budi",
    "norek: 0123-01-012345-50-1": "norek: [account]",
    "no. rekening saya di Mandiri 1440012345678": "no. rekening saya di Mandiri [account]",
    "my bank account is 12345678": "my bank account is [account]",
    "IBAN DE89 3704 0044 0532 0130 00": "IBAN [iban]",
    "CH9300762011623852957": "[iban]",
    "\u0660\u0668\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669\u0660": "[phone]",
    "0812\u200b3456\u200b7890": "[phone]",
    "bu\u00addi@example.com": "[email]",
    "a@example.com 0812-3456-7890 4111111111111111": "[email] [phone] [card]",
}

HARMLESS = (
    "Rp 1.300.000",
    "Rp1.300.000,00 lunas",
    "IDR 2,480,000",
    "350rb atau 350.000",
    "total 2.480.000 + 1.300.000 = 3.780.000",
    "Rp 35.000.000.000",
    "$1,234.56",
    "22/11/2026 10.30",
    "2026-11-22",
    "2026-11-22T10:00:00+07:00",
    "20261122103000",
    "01-12-2026 s/d 31-12-2026",
    "Sabtu, 22 November 2026 pukul 10.00",
    "jam 08.00-17.00",
    "08.00 - 17.00",
    "slot 08.00 09.00 10.00 11.00",
    "08:00, 09:30, 10:15",
    "INV-2026-0412",
    "inv 2026 0412",
    "PAY-2026-0001 dan INV-2026-0002",
    "ORD-20261122-000123",
    "order 1700000000000",
    "order 1234567890123456",
    "resi JP1234567890",
    "kode 0012345678",
    "rekening koran bulan 11",
    "ses-012",
    "RSCH-081234567890-X",
    "0.123456789",
    "-6.2000001, 106.8166667",
    "192.168.10.100",
    "versi 1.2.3",
    "550e8400-e29b-41d4-a716-446655440000",
    "paket 8 sesi, 16 minggu, 60 menit",
    "pilih nomor 2",
    "nomor 812",
    "umur 12 tahun, kelas 6",
    "@coach nanti ya",
    "rating 4.9/5 dari 1200 murid",
    "10 000 000",
    "+1.300.000",
    "lantai 2, Jalan Nada Kirana 8",
    "meet at school dot",
    "halo\nkak \U0001f600",
    "",
)


@pytest.mark.parametrize(("text", "masked"), PERSONAL.items(), ids=ascii)
def test_personal_data_is_masked_by_kind(text: str, masked: str) -> None:
    assert redact(text) == masked


@pytest.mark.parametrize("text", HARMLESS, ids=ascii)
def test_harmless_numbers_stay_readable(text: str) -> None:
    assert redact(text) == text


@settings(deadline=None)
@given(text=st.text(max_size=200))
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = redact(text)

    assert redact(once) == once


def test_a_number_after_another_is_not_called_by_the_word_before_that() -> None:
    assert redact("npwp 1234567890123456\norder 1234567890123456") == "npwp [npwp]\norder 1234567890123456"
    assert redact("013121660091000\norder 1234567890123456") == "[npwp]\norder 1234567890123456"


@pytest.mark.parametrize("text", sorted(PERSONAL))
def test_neighbours_change_nothing(text: str) -> None:
    for near in HARMLESS:
        assert redact(f"{near}\n{text}\n{near}") == f"{near}\n{PERSONAL[text]}\n{near}"


@pytest.mark.parametrize("part", ["1 ", "0812 ", "a@", "+", "a at ", "(0", "1.", "[at]", "rek ", "AB12 "])
def test_long_texts_are_done_soon(part: str) -> None:
    assert isinstance(redact(part * (100_000 // len(part))), str)
