from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseward.core.entities import Extractor, blank, shapes
from caseward.core.pack import Pack


@pytest.fixture(scope="module")
def extractor(school: Pack) -> Extractor:
    return Extractor(school.lexicon)


@pytest.mark.parametrize(
    ("text", "kind", "values"),
    [
        ("INV-2026-0412", "invoice", ("INV-2026-0412",)),
        ("inv 2026 0412, Invoice #2026/412 dan INV20260413", "invoice", ("INV-2026-0412", "INV-2026-0413")),
        ("\uff29\uff2e\uff36-2026-0412", "invoice", ("INV-2026-0412",)),
        ("invite 2026 people", "invoice", None),
        ("Citra.Sample+les@Example.co.id", "email", ("citra.sample+les@example.co.id",)),
        ("hubungi a@example.com, lalu b@example.com.", "email", ("a@example.com", "b@example.com")),
        ("di rumah @budi", "email", None),
        ("0812-3456-7890", "phone", ("0812-3456-7890",)),
        ("+62 812 3456 7890", "phone", ("+62 812 3456 7890",)),
        ("order 123456789012", "phone", None),
        ("jam 08.00-17.00", "phone", None),
        ("Rp 1.300.000 atau 350rb, 1,5 juta", "money", ("rp 1.300.000", "350rb", "1,5 juta")),
        ("IDR 350,000 / $35.50 / 350k", "money", ("idr 350,000", "$35.50", "350k")),
        ("paket 8 sesi", "money", None),
        ("besok atau Sabtu, 22 Nov 2026", "date", ("besok", "sabtu", "22 nov 2026")),
        ("nov 22nd, 22/11/2026, 2026-11-22", "date", ("nov 22nd", "22/11/2026", "2026-11-22")),
        ("may I come", "date", None),
        ("14:00-15:00", "date", None),
        ("jam 10.30, pukul 4, 4pm, 16:00", "time", ("jam 10.30", "pukul 4", "4pm", "16:00")),
        ("Rp10.300", "time", None),
    ],
    ids=ascii,
)
def test_things_are_found_by_their_shape(
    extractor: Extractor, text: str, kind: str, values: tuple[str, ...] | None
) -> None:
    assert extractor.extract(text).get(kind) == values


def test_a_message_without_anything_names_nothing(extractor: Extractor) -> None:
    assert extractor.extract("halo kak, mau tanya dong") == {}


def test_what_only_looks_like_a_choice_is_blanked() -> None:
    assert blank("inv-2026-0412 0812 3456 7890 rp1.300.000 a2@example.com jam 10", shapes({})).split() == ["jam", "10"]


@given(text=st.text(max_size=200))
def test_any_text_can_be_searched(extractor: Extractor, text: str) -> None:
    found = extractor.extract(text)

    assert all(values and len(set(values)) == len(values) for values in found.values())


@pytest.mark.parametrize("part", ["1", "a@", "rp", "0 ", "1.", "inv ", "@a.b"])
def test_long_texts_are_cut(extractor: Extractor, part: str) -> None:
    assert isinstance(extractor.extract(part * 50_000), dict)
