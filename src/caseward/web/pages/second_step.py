"""The second step of a sign-in: a code, or the set-up of what counts codes. Until it is done, nothing else is open."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from caseward.desk import tools
from caseward.store import factors, guesses, log, proofs, steps, vault
from caseward.store.db import transaction
from caseward.store.steps import Step
from caseward.web import entering, failures
from caseward.web.card import Notice
from caseward.web.session import address_of, cookie_name, set_strict_cookie, sign_in

HERE = entering.STEP
BEGIN_AGAIN = "/sign-in?trouble=step"

router = APIRouter()


@router.get(HERE)
def ask(request: Request) -> Response:
    """Ask for the code."""
    step = _step(request)
    return _form(request, step) if step else RedirectResponse(BEGIN_AGAIN, status_code=303)


@router.post(HERE)
def take(
    request: Request,
    code: Annotated[str, Form(max_length=100)] = "",
    form: Annotated[str, Form()] = "",
) -> Response:
    """Take the code and sign in, with a session that did not exist before."""
    entering.require_own_form(request, form)
    step = _step(request)
    if step is None:
        return RedirectResponse(BEGIN_AGAIN, status_code=303)
    return _set_up(request, step, code) if step.secret else _check(request, step, code)


def _check(request: Request, step: Step, code: str) -> Response:
    token, now = _token(request), tools.now()
    try:
        kind = proofs.code(step.person.id, code, address=address_of(request), now=now)
    except guesses.TooMany as error:
        return _form(request, step, notice=entering.too_many(error, whose=step.person.id), status=429)
    except vault.KeyLost as error:
        return _form(request, step, notice=_bad(failures.sentence(str(error))), status=409)
    with transaction():
        done = bool(kind) and steps.finish(token)
        left = factors.of(step.person.id).codes_left
        if not done:
            steps.fail(token)
    if not done:
        text = "This code is not right, or was used before. Wait for the next one, or use a recovery code."
        return _wrong(request, text)
    if kind == "recovery":
        with transaction():
            payload = {"what": "recovery code used", "left": left}
            log.append("sign_in", step.person.id, payload, at=now)
    response = entering.welcome(request, step.person, method=f"{step.method}+{kind}", next=step.next)
    set_strict_cookie(request, response, "step", "", max_age=0)
    return response


def _set_up(request: Request, step: Step, code: str) -> Response:
    token, now = _token(request), tools.now()
    counted = factors.step_of(step.secret, code, now=now)
    if counted is None:
        with transaction():
            steps.fail(token)
        return _wrong(request, "This code is not right. See that the phone’s clock is, and type the code it shows now.")
    with transaction():
        if not steps.finish(token) or factors.of(step.person.id).on:
            return RedirectResponse(BEGIN_AGAIN, status_code=303)
        codes = factors.turn_on(step.person.id, step.secret, step=counted)
        log.append("sign_in", step.person.id, {"what": "second factor set up"}, at=now)
    response = entering.form(request, "recovery_codes.html", {"codes": codes, "next": step.next})
    sign_in(request, response, step.person, method=f"{step.method}+app")
    set_strict_cookie(request, response, "step", "", max_age=0)
    return response


def _wrong(request: Request, text: str) -> Response:
    step = _step(request)
    if step is None:
        return RedirectResponse(BEGIN_AGAIN, status_code=303)
    return _form(request, step, notice=_bad(text), status=403)


def _bad(text: str) -> Notice:
    return Notice(level="bad", title="Not signed in", text=text)


def _step(request: Request) -> Step | None:
    """Return the sign-in of this browser that waits for its second step."""
    token = _token(request)
    if not token:
        return None
    with transaction():
        found = steps.find(token, now=tools.now())
    return None if found is None or found.method == steps.SET_UP else found


def _token(request: Request) -> str:
    return request.cookies.get(cookie_name(request, "step"), "")


def _form(request: Request, step: Step, *, notice: Notice | None = None, status: int = 200) -> Response:
    context = {
        "person": step.person,
        "notice": notice,
        "picture": entering.picture(step.secret, step.person) if step.secret else "",
        "secret": entering.grouped(step.secret),
    }
    return entering.form(request, "second_step.html", context, status=status)
