"""Support: from a message to an answer, a question, or a wait (SUP)."""

from caseward.flows.support.chat import open_chat, receive
from caseward.flows.support.reread import read_anew
from caseward.flows.support.story import answer, conclude, expire, tick

__all__ = ["answer", "conclude", "expire", "open_chat", "read_anew", "receive", "tick"]
