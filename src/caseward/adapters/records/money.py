"""Payments and invoices: what was paid, what is owed, and the two things that may be done about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from caseward.adapters.records.kinds import Args, Planned, added, changed, failed, found, instant, same
from caseward.core.ports import RecordBook
from caseward.core.task import Result

CONFIRMED, REFUNDED = "CONFIRMED", "REFUNDED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Till:
    """Invoices and payments over a record book; amounts in whole units of their currency."""

    book: RecordBook

    def last_payment(self, args: Args, now: datetime) -> Result:
        """Return the contact's latest payment, whatever became of it."""
        paid = self.book.find("payment", person=str(args["contact"]))
        if not paid:
            return found(payment_state="none")
        last = max(paid, key=lambda each: (instant(each.data["at"]), each.id))
        return found(
            payment_id=last.id,
            payment_state=last.data["state"],
            payment_amount=int(last.data["amount"]),
            payment_method=last.data["method"],
            payment_at=instant(last.data["at"]).isoformat(),
            invoice_id=last.data["invoice"],
        )

    def last_invoice(self, args: Args, now: datetime) -> Result:
        """Return the contact's invoice that is due last, and the address it goes to."""
        person = self.book.get("person", str(args["contact"]))
        billed = self.book.find("invoice", person=str(args["contact"]))
        if person is None or not billed:
            return found(invoice_state="none")
        last = max(billed, key=lambda each: (str(each.data["due"]), each.id))
        return found(
            invoice_id=last.id,
            invoice_state=last.data["state"],
            invoice_amount=int(last.data["amount"]),
            invoice_due=last.data["due"],
            invoice_email=person.data["email"],
        )

    def resend_invoice(self, args: Args, reference: str, now: datetime) -> Planned | Result:
        """Plan to send an invoice of the contact again, to the address on record and to no other."""
        contact, invoice = str(args["contact"]), self.book.get("invoice", str(args["invoice"]))
        person = self.book.get("person", contact)
        if person is None or invoice is None or invoice.data["person"] != contact:
            return failed("invoice_unknown")
        if not person.data.get("email"):
            return failed("no_address")
        sent = {"invoice": invoice.id, "email": person.data["email"]}
        return Planned(
            changes=(
                same(person),
                added("invoice_send", f"snd-{reference}", person=contact, at=now.isoformat(), **sent),
            ),
            values={"invoice": invoice.id, "invoice_email": person.data["email"]},
        )

    def refund(self, args: Args, reference: str, now: datetime) -> Planned | Result:
        """Plan to return a payment of the contact: a confirmed one, whole, and only once."""
        contact, payment = str(args["contact"]), self.book.get("payment", str(args["payment"]))
        if payment is None or payment.data["person"] != contact:
            return failed("payment_unknown")
        if payment.data["state"] == REFUNDED:
            return failed("refunded_before")
        if payment.data["state"] != CONFIRMED:
            return failed("not_confirmed")
        returned = {"amount": payment.data["amount"], "currency": payment.data["currency"]}
        return Planned(
            changes=(
                changed(payment, state=REFUNDED),
                added("refund", f"rfd-{reference}", claim=f"refund:{payment.id}", person=contact, payment=payment.id,
                      at=now.isoformat(), **returned),
            ),
            values={"payment": payment.id, "payment_amount": int(payment.data["amount"])},
        )  # fmt: skip
