"""The look, as far as it can be measured without a browser: contrast, icons, weight, nothing inline."""

from __future__ import annotations

import gzip
import re
from itertools import product

import pytest

from caseward.web import assets

CSS = assets.FOLDER / "css"
TEMPLATES = assets.FOLDER.parent / "templates"
TOKENS = dict(
    re.findall(r"--([\w-]+): (light-dark\(#\w{6}, #\w{6}\));", (CSS / "tokens.css").read_text(encoding="utf-8"))
)
SURFACES = ("canvas", "surface", "well", "hover", "raise")
ON_ANY_SURFACE = ("ink", "ink-2", "ink-3", "accent", "ok", "warn", "bad")
PAIRS = [
    *product(ON_ANY_SURFACE, SURFACES),
    *((name, f"{name}-soft") for name in ("accent", "ok", "warn", "bad", "info", "r0", "r1", "r2", "r3")),
    ("on-solid", "solid"),
    ("on-solid", "solid-hover"),
    ("ink", "selected"),
    ("ink-2", "selected"),
    ("ink", "avatar"),
    ("ink-2", "accent-soft"),
    ("ink-2", "warn-soft"),
    ("ink-2", "bad-soft"),
    ("ink-2", "info-soft"),
]


def color(token: str, theme: int) -> str:
    return str(re.findall(r"#\w{6}", TOKENS[token])[theme])


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, relative luminance."""

    def light(code: str) -> float:
        parts = [int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_can_be_read_on_everything_it_stands_on(text: str, ground: str, theme: int) -> None:
    assert contrast(color(text, theme), color(ground, theme)) >= 4.5


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("edge", ["control", "accent"])
@pytest.mark.parametrize("ground", SURFACES)
def test_the_edge_of_a_field_and_the_focus_ring_can_be_seen(edge: str, ground: str, theme: int) -> None:
    assert contrast(color(edge, theme), color(ground, theme)) >= 3


def test_every_icon_asked_for_is_in_the_sprite_and_none_is_left_over() -> None:
    sprite = set(re.findall(r'<symbol id="([\w-]+)"', (assets.FOLDER / "icons.svg").read_text(encoding="utf-8")))
    sources = [*TEMPLATES.glob("*.html"), *assets.FOLDER.parent.rglob("*.py")]
    words = set(re.findall(r"[\"']([a-z][a-z-]*)[\"']", "\n".join(path.read_text("utf-8") for path in sources)))
    asked = set(
        re.findall(r'icon\("([\w-]+)"', "\n".join(path.read_text("utf-8") for path in TEMPLATES.glob("*.html")))
    )

    assert asked <= sprite
    assert sprite <= words


def test_no_page_carries_a_script_or_a_style_of_its_own() -> None:
    for template in TEMPLATES.glob("*.html"):
        markup = template.read_text(encoding="utf-8")

        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]* src=)", markup), template.name


def test_the_first_load_is_light() -> None:
    wire = {name: len(asset.zipped or asset.body) for name, asset in assets.assets().items()}
    first = ("console.css", "console.js", "inter.woff2", "icons.svg", "mark.svg")

    assert sum(wire[name] for name in first) <= 100_000
    assert gzip.decompress(assets.assets()["console.css"].zipped or b"") == assets.assets()["console.css"].body


def test_a_page_names_each_asset_by_its_content() -> None:
    assert re.fullmatch(r"/static/console\.css\?v=[0-9a-f]{12}", assets.url("console.css"))
