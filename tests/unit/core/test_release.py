"""What a release is made of: parts, what changed, how risky that is, and whose consent it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import pytest

from caseward.core.pack import Pack, Publishing
from caseward.core.release import Changed, Part, business, changes, digest, high_risk, lane, part_of, parts, parts_of

FILES = {
    "pack.yaml": 'name: example\nrelease: "2026-11-21.1"\nphase: pilot\n',
    "rules/a.yaml": "[]\n",
    "knowledge/hours.yaml": "id: hours\n",
    "templates/hello.yaml": "id: hello\n",
}


def a_change(path: str) -> Changed:
    return Changed(path=path, part=part_of(path), before="a", after="b")


def publishing(pack: Pack, **lanes: str) -> Pack:
    rules = {name: Publishing(lane=each) for name, each in lanes.items()}
    return replace(pack, profile=replace(pack.profile, releases=rules))


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("pack.yaml", Part.POLICY),
        ("rules/refunds.yaml", Part.POLICY),
        ("golden/refunds.yaml", Part.POLICY),
        ("voice.yaml", Part.POLICY),
        ("intents.yaml", Part.POLICY),
        ("something-new.yaml", Part.POLICY),
        ("knowledge/hours.yaml", Part.KNOWLEDGE),
        ("templates/hello.yaml", Part.TEMPLATES),
        ("phrasings.yaml", Part.LANGUAGE),
        ("lexicon.yaml", Part.LANGUAGE),
        ("records/person.yaml", Part.SAMPLES),
        ("knowledge.yaml", Part.POLICY),
    ],
)
def test_a_file_belongs_to_a_part_and_what_nobody_foresaw_is_policy(path: str, part: Part) -> None:
    assert part_of(path) is part


def test_the_line_that_names_the_release_changes_the_content_and_no_part() -> None:
    renamed = {**FILES, "pack.yaml": FILES["pack.yaml"].replace("21.1", "21.2")}

    assert digest(renamed) != digest(FILES)
    assert parts(renamed) == parts(FILES)
    assert changes(FILES, renamed) == ()


@pytest.mark.parametrize(
    ("after", "path", "start"),
    [
        ({**FILES, "rules/a.yaml": "[1]\n"}, "rules/a.yaml", "--- a/rules/a.yaml"),
        ({**FILES, "rules/b.yaml": "[]\n"}, "rules/b.yaml", "--- /dev/null"),
        ({name: text for name, text in FILES.items() if name != "rules/a.yaml"}, "rules/a.yaml", "--- a/rules/a.yaml"),
        ({**FILES, "pack.yaml": FILES["pack.yaml"].replace("pilot", "hardening")}, "pack.yaml", "--- a/pack.yaml"),
    ],
)
def test_a_file_that_is_new_gone_or_other_is_a_change(after: Mapping[str, str], path: str, start: str) -> None:
    (change,) = changes(FILES, after)

    assert (change.path, change.part, change.lines()[0]) == (path, Part.POLICY, start)
    assert parts_of([change]) == (Part.POLICY,)
    assert parts(after)[Part.POLICY] != parts(FILES)[Part.POLICY]
    assert parts(after)[Part.KNOWLEDGE] == parts(FILES)[Part.KNOWLEDGE]


def test_names_and_texts_do_not_run_into_each_other() -> None:
    assert digest({"a": "b", "c": ""}) != digest({"a": "", "c": "b"})
    assert digest({"a": "bc"}) != digest({"ab": "c"})


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("name: example", "example"),
        ('name: "example" # ours', "example"),
        ("name: 'example'", "example"),
        ("title: x", ""),
    ],
)
def test_the_business_is_read_off_its_file(line: str, name: str) -> None:
    assert business({"pack.yaml": f"# a remark\n{line}\n"}) == name


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("rules/own-record.yaml", "policy changes"),
        ("phrasings.yaml", "language changes"),
        ("knowledge/refund-policy.yaml", "rules rest on the page refund-policy"),
        ("knowledge/parking-transport.yaml", "the page parking-transport is answered from without asking"),
        ("templates/greeting.yaml", ""),
        ("records/person.yaml", ""),
        ("knowledge/somewhere-else.yaml", ""),
    ],
)
def test_a_change_is_of_high_risk_where_it_may_change_what_goes_out_by_itself(
    school: Pack, path: str, why: str
) -> None:
    assert high_risk([a_change(path)], school, school) == ((why,) if why else ())


def test_a_page_that_is_published_by_the_change_is_of_high_risk_too(school: Pack) -> None:
    draft = replace(school.articles["parking-transport"], status="draft")
    before = replace(school, articles={**school.articles, "parking-transport": draft})

    assert high_risk([a_change("knowledge/parking-transport.yaml")], before, before) == ()
    assert high_risk([a_change("knowledge/parking-transport.yaml")], before, school) != ()


def test_that_a_page_was_read_again_is_of_low_risk_and_any_other_word_is_not(school: Pack) -> None:
    def risks_of(**changed: object) -> tuple[str, ...]:
        page = replace(school.articles["refund-policy"], **changed)  # type: ignore[arg-type]
        after = replace(school, articles={**school.articles, "refund-policy": page})
        return high_risk([a_change("knowledge/refund-policy.yaml")], school, after)

    assert risks_of(reviewed=date(2026, 11, 22)) == ()
    assert risks_of(reviewed=date(2026, 11, 22), owner="agent") != ()


def test_the_strictest_lane_of_the_parts_must_consent_and_the_strongest_where_nothing_is_said(school: Pack) -> None:
    said = publishing(school, policy="coach", knowledge="qa", templates="none")

    assert lane([Part.TEMPLATES], said, risky=False) == "none"
    assert lane([Part.TEMPLATES, Part.KNOWLEDGE], said, risky=False) == "qa"
    assert lane([Part.LANGUAGE], said, risky=False) == lane([Part.SAMPLES], said, risky=False) == "qa"
    assert lane([Part.POLICY, Part.TEMPLATES], said, risky=True) == "coach"
    assert lane([Part.TEMPLATES], publishing(school), risky=False) == "coach"


def test_a_change_of_high_risk_needs_a_person_whatever_the_lane(school: Pack) -> None:
    said = publishing(school, knowledge="none")

    assert lane([Part.KNOWLEDGE], said, risky=False) == "none"
    assert lane([Part.KNOWLEDGE], said, risky=True) == "qa"
