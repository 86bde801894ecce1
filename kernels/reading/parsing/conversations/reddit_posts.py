"""The lines of Reddit's public archives as posts, and which of them must not be used: deleted, removed, written by bots, of little karma."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple, cast

from kernels.reading.parsing.conversations.threads import Post
from kernels.reading.parsing.keys import SeenKeys
from kernels.reading.parsing.lines import Piece
from kernels.reading.parsing.rows import BadRecordError, parse_json, require_unicode
from kernels.reading.parsing.text import tidy
from kernels.specs.sources import Reject

_DELETED = {"[deleted]": "deleted", "[removed]": "removed", "[deleted by user]": "deleted", "[ removed by reddit ]": "removed"}
_BOT_NAME = re.compile(r".*(?:[_-][Bb][Oo][Tt]|[a-z0-9]B[Oo][Tt])$")
_BOT_WORDS = re.compile(r"\bI(?:'|&#39;|\u2019)?(?: a)?m a bot\b", re.IGNORECASE)
_ID = re.compile(r"(?:t\d_)?([0-9a-z]{1,13})")


class Rules(NamedTuple):
    """Which posts are taken."""

    min_score: int
    min_comment_score: int
    bots: frozenset[str]
    """Names of accounts in lower case."""
    max_bytes: int


def read_posts(pieces: Iterator[Piece | Reject], keys: SeenKeys, rules: Rules) -> Iterator[Post | Reject]:
    """Yield the posts of a file, each once."""
    for piece in pieces:
        if isinstance(piece, Reject):
            yield piece
        elif piece.data is None:
            yield piece.too_large(rules.max_bytes)
        elif piece.data.strip():
            try:
                post = _post(parse_json(piece.data), rules)
                if not keys.add(post.key):
                    raise BadRecordError("duplicate_key", post.key)
            except BadRecordError as error:
                yield Reject(piece.place, error.reason, error.detail)
            else:
                yield post


def _post(value: object, rules: Rules) -> Post:
    """Return the post of a line, with the reason why its text must not be used. Raises BadRecordError where it is no post."""
    if not isinstance(value, dict):
        raise BadRecordError("schema", f"expected an object, got {type(value).__name__}")
    record = cast(dict[str, Any], value)
    is_comment = "link_id" in record
    text = record.get("body" if is_comment else "selftext") or ""
    title, author, url = (record.get(name) or "" for name in ("title", "author", "url"))
    score, created = record.get("score"), record.get("created_utc", 0)
    if not (isinstance(text, str) and isinstance(title, str) and isinstance(author, str) and isinstance(url, str)):
        raise BadRecordError("schema", "body, selftext, title, author and url must be strings")
    if not isinstance(score, int) or (not is_comment and not title):
        raise BadRecordError("schema", "a post needs a whole 'score', and 'link_id' (a comment) or 'title' (a submission)")
    text, title, url = tidy(_unescape(text)), " ".join(_unescape(title).split()), _unescape(url)
    require_unicode(text, title, url, str(record.get("subreddit")), str(record.get("permalink")))
    post = Post(
        thread=_id(record, "link_id" if is_comment else "id"),
        id=_id(record, "id"),
        parent=_id(record, "parent_id") if is_comment else "",
        is_comment=is_comment,
        created=_seconds(created),
        score=score,
        title=title,
        text=text,
        url=url,
        is_self=bool(record.get("is_self", not url)),
        subreddit=str(record.get("subreddit") or ""),
        permalink=str(record.get("permalink") or ""),
        refusal="",
    )
    return post._replace(refusal=_refusal(post, author, rules))


def _unescape(text: str) -> str:
    """Undo the escapes of Reddit's interface, which are these three."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _id(record: dict[str, Any], name: str) -> str:
    value = record.get(name)
    match = _ID.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise BadRecordError("schema", f"{name!r} must be an id in base 36, got {value!r:.60}")
    return match[1]


def _seconds(value: object) -> int:
    """Return a time, which old archives write as a string."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,12}(?:\.[0-9]+)?", value):
        value = float(value)
    if isinstance(value, int | float) and abs(value) < 1e12:
        return int(value)
    raise BadRecordError("schema", f"'created_utc' must be seconds, got {value!r:.60}")


def _refusal(post: Post, author: str, rules: Rules) -> str:
    """Return why a post must not be used, nothing where it may."""
    for text in (post.text, post.title):
        if reason := _DELETED.get(text.strip().lower()):
            return reason
    if author.lower() == "automoderator":
        return "automoderator"
    if author.lower() in rules.bots or _BOT_NAME.fullmatch(author) or _BOT_WORDS.search(post.text):
        return "bot"
    if post.score < (rules.min_comment_score if post.is_comment else rules.min_score):
        return "low_score"
    return ""
