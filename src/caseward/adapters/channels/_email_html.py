"""The words of an HTML mail: as one reads it, without what is hidden. Links are kept, quotes are marked with `>`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

from selectolax.lexbor import LexborHTMLParser, LexborNode

LONGEST = 1_000_000
"""Characters of HTML that are read."""
DEEPEST = 500
"""Elements inside each other; a page that nests deeper is no letter, and only its tags are taken away."""
LINK_LENGTH = 500
RULE = "_" * 20
"""Stands above what a mail program puts below an answer without marking it as a quote."""

_UNSEEN = frozenset({"head", "script", "style", "title", "template", "noscript", "object", "svg", "select", "-comment"})
_BLOCKS = frozenset(
    {"p", "div", "br", "li", "tr", "table", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "blockquote", "hr",
     "section", "article", "header", "footer", "address", "center", "dt", "dd", "body"}
)  # fmt: skip
_APART = frozenset({"p", "table", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "blockquote"})
_HIDING = re.compile(
    r"display:none|visibility:hidden|mso-hide:all|(?:font-size|max-height|opacity):0(?:\.0+)?(?:px|pt|em|%)?(?:[;!]|$)"
)
_BELOW = frozenset({"divrplyfwdmsg", "appendonsend", "mail-editor-reference-message-container"})
_TAG = re.compile(r"<(/?)([a-zA-Z][\w:-]*)")
_ANY_TAG = re.compile(r"<[^<>]{0,2000}>")
_SHUT_BY_ITSELF = frozenset(
    {"br", "img", "hr", "meta", "link", "input", "col", "area", "base", "wbr", "p", "li", "td", "th", "tr", "dt", "dd",
     "option", "tbody", "thead", "o:p"}
)  # fmt: skip
_BLANKS = re.compile(r"[ \t\r\n\f\u00a0]+")


def text_of(html: str) -> str:
    """Return the visible words of a page, a line for each block."""
    html = html[:LONGEST]
    if _depth(html) > DEEPEST:
        return _BLANKS.sub(" ", unescape(_ANY_TAG.sub(" ", html))).strip()
    root = LexborHTMLParser(html).root
    page = _Page()
    if root is not None:
        for node, entering in _walk(root):
            if entering:
                page.enter(node)
            else:
                page.leave(node)
    return page.text()


def _depth(html: str) -> int:
    """Return about how deep the elements nest: reading a page takes time in the square of it."""
    depth = deepest = 0
    for closing, tag in _TAG.findall(html):
        if tag.lower() not in _SHUT_BY_ITSELF:
            depth = max(0, depth - 1) if closing else depth + 1
            deepest = max(deepest, depth)
    return deepest


def _walk(root: LexborNode) -> Iterator[tuple[LexborNode, bool]]:
    """Yield every node that is seen, on entering and on leaving it; without recursion, for pages nest as they like."""
    open_nodes: list[LexborNode] = []
    node: LexborNode | None = root
    while True:
        if node is not None:
            if _hidden(node):
                node = node.next if open_nodes else None
                continue
            yield node, True
            open_nodes.append(node)
            node = node.first_child
        elif open_nodes:
            closed = open_nodes.pop()
            yield closed, False
            node = closed.next if open_nodes else None
        else:
            return


def _hidden(node: LexborNode) -> bool:
    if node.tag in _UNSEEN:
        return True
    if not node.is_element_node:
        return False
    attributes = node.attrs
    style = attributes.get("style")
    return "hidden" in attributes or bool(style and _HIDING.search("".join(style.lower().split())))


class _Page:
    """The lines so far; each with how deep it is quoted."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, str]] = []
        self.current: list[str] = []
        self.depth = 0
        self.kept = 0

    def enter(self, node: LexborNode) -> None:
        tag = node.tag or ""
        if tag == "-text":
            content = node.text_content or ""
            self.current.append(content if self.kept else _BLANKS.sub(" ", content))
            return
        if tag in _BLOCKS:
            self.end(apart=tag in _APART)
        if _quoting(node):
            self.depth += 1
        if _marks_below(node) or tag == "hr":
            self.current.append(RULE)
            self.end()
        self.kept += tag == "pre"
        if tag == "li":
            self.current.append("- ")
        elif tag in ("td", "th"):
            self.current.append(" ")

    def leave(self, node: LexborNode) -> None:
        tag = node.tag or ""
        if tag == "a":
            self.current.append(_target(node))
        if tag in _BLOCKS and tag != "br":
            self.end(apart=tag in _APART)
        if _quoting(node):
            self.depth -= 1
        self.kept -= tag == "pre"

    def end(self, *, apart: bool = False) -> None:
        """Finish the line; a paragraph leaves an empty one behind."""
        words = "".join(self.current)
        self.current.clear()
        for line in words.split("\n") if self.kept else [words.strip()]:
            if line.strip():
                self.lines.append((self.depth, line.rstrip()))
        if apart and self.lines and self.lines[-1][1]:
            self.lines.append((self.depth, ""))

    def text(self) -> str:
        self.end()
        return "\n".join(("> " * min(depth, 5) + line).rstrip() for depth, line in self.lines).strip()


def _quoting(node: LexborNode) -> bool:
    return node.tag == "blockquote" or (node.tag == "div" and "yahoo_quoted" in (node.attrs.get("class") or ""))


def _marks_below(node: LexborNode) -> bool:
    return node.is_element_node and (node.attrs.get("id") or "").lower() in _BELOW


def _target(node: LexborNode) -> str:
    """Return where a link leads, in brackets, unless its words say so already."""
    address = (node.attrs.get("href") or "").strip()
    if not address.lower().startswith(("http://", "https://")) or len(address) > LINK_LENGTH:
        return ""
    shown = (node.text() or "").strip().removesuffix("/")
    bare = address.split("://", 1)[1].removesuffix("/")
    return "" if shown in (address.removesuffix("/"), bare) else f" ({address})"
