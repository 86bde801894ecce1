"""A discussion as text: what was submitted, then the comments as a nested Markdown list, each below what it answers, oldest first."""

from collections.abc import Iterator
from typing import NamedTuple

from kernels.specs.sources import Document, Reject

MAX_INDENT = 12
"""Levels of answers that are shown by indentation; deeper ones stand on the last."""


class Post(NamedTuple):
    """One submission or comment; ``refusal`` says why its text must not be used, and is empty where it may."""

    thread: str
    id: str
    parent: str
    is_comment: bool
    created: int
    score: int
    title: str
    text: str
    url: str
    is_self: bool
    subreddit: str
    permalink: str
    refusal: str

    @property
    def key(self) -> str:
        """What names the post in a file that may hold a submission and a comment of one id."""
        return f"t1_{self.id}" if self.is_comment else f"t3_{self.id}"


class Thread:
    """Collects the posts of one thread, in bounded memory, and writes them as a document."""

    def __init__(self, key: str, is_first: bool, max_comments: int, max_bytes: int) -> None:
        """Begin a thread; where it is not the first of its key, since its posts do not stand together, every post is refused."""
        self.key = key
        self._is_first = is_first
        self._max_comments = max_comments
        self._max_bytes = max_bytes
        self._submission: Post | None = None
        self._comments: list[Post] = []
        self._size = 0

    def add(self, post: Post) -> Reject | None:
        """Take a post; return the reject of one that is no part of the document."""
        if not self._is_first:
            return Reject(post.key, "scattered_thread", f"thread {post.thread} has ended before; read the file with order: scattered")
        if not post.is_comment:
            self._submission = post
            self._size += len(post.title) + len(post.text)
            return None  # a refused submission is told with its thread
        reason, detail = post.refusal, str(post.score)
        if len(self._comments) >= self._max_comments:
            return Reject(post.key, "thread_full", f"more than {self._max_comments} comments")
        if not reason and self._size + len(post.text) > self._max_bytes:
            reason, detail = "thread_full", f"more than {self._max_bytes} characters"
        if not reason and not post.text.strip():
            reason, detail = "no_text", ""
        self._comments.append(post._replace(text="" if reason else post.text))  # without its text it still joins answers to the thread
        self._size += 0 if reason else len(post.text)
        return Reject(post.key, reason, detail) if reason else None

    def finish(self) -> Iterator[Document | Reject]:
        """Yield the thread's document, or why there is none."""
        if not self._is_first:
            return
        top = self._submission
        num_comments = sum(bool(post.text) for post in self._comments)
        if top is not None and top.refusal:
            yield Reject(top.key, top.refusal, f"score {top.score}; {num_comments} comments go with it")
        elif (top is None or not top.text.strip()) and not num_comments:
            if top is not None:
                yield Reject(top.key, "no_text", top.title)
        else:
            yield self._document(top, num_comments)

    def _document(self, top: Post | None, num_comments: int) -> Document:
        head = [f"# {top.title}", top.text] if top is not None else []
        about = top or self._comments[0]
        link = top is not None and not top.is_self and top.url
        metadata = {"kind": "thread", "subreddit": about.subreddit, "num_comments": num_comments}
        if top is not None:
            metadata |= {"score": top.score, "created": top.created} | ({"link": top.url} if link else {})
        text = "\n\n".join(filter(None, [*head, "\n".join(self._lines())]))
        url = f"https://www.reddit.com{top.permalink}" if top is not None and top.permalink.startswith("/") else None
        return Document(self.key, text, top.title if top is not None else None, url, metadata)

    def _lines(self) -> Iterator[str]:
        """Yield the comments as list items; one whose parent is not in the file stands on the first level."""
        known = {post.id for post in self._comments}
        below: dict[str, list[Post]] = {}
        for post in sorted(self._comments, key=lambda post: (post.created, len(post.id), post.id), reverse=True):
            below.setdefault(post.parent if post.parent in known else "", []).append(post)
        while below:  # posts that answer each other in a ring stand on the first level too
            stack = [(post, 0) for post in below.pop("" if "" in below else next(iter(below)))]
            while stack:
                post, depth = stack.pop()
                yield from _item(post.text, depth)
                stack += [(answer, depth + bool(post.text)) for answer in below.pop(post.id, [])]


def _item(text: str, depth: int) -> Iterator[str]:
    """Yield the lines of a list item, none for a post without text."""
    if text:
        margin = "  " * min(depth, MAX_INDENT)
        first, *rest = text.split("\n")
        yield f"{margin}- {first}"
        yield from (f"{margin}  {line}" if line else "" for line in rest)
