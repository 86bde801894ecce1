"""Threads of Reddit, or the links that its submissions point to, from submissions and comments as JSON Lines, compressed or not.

The format is that of the public archives (``RS_2019-04.zst``, ``RC_2019-04.zst``), one object a line. A submission has a ``title``, a comment
a ``link_id``. A thread is what one file has of it: the submission, where it is there, and its comments as a nested list. The karma rule
follows WebText: submissions of a score of 3 and above (Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", 2.1);
``collect: outlinks`` gives the addresses that such a corpus is fetched from, one document a submission, the address its text.
"""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Literal
from urllib.parse import urlsplit

from pydantic import PositiveInt

from kernels.reading.parsing.conversations.reddit_posts import Rules, read_posts
from kernels.reading.parsing.conversations.threads import Post, Thread
from kernels.reading.parsing.keys import SeenKeys, scratch_database
from kernels.reading.parsing.lines import lines
from kernels.reading.parsing.transcoding import utf8_stream
from kernels.specs.config import Config
from kernels.specs.sources import Document, Reject, SourceFile, SourceFormat

_OWN_HOSTS = ("reddit.com", "redd.it", "reddituploads.com", "redditmedia.com")


class RedditConfig(Config):
    """What is taken from a file of submissions and comments, and how it lies there."""

    collect: Literal["threads", "outlinks"]
    """Threads as text, or the addresses that submissions link to."""
    order: Literal["grouped", "scattered"]
    """``grouped``: the posts of a thread stand together (a file of submissions always does), and threads come while the file is read.
    ``scattered``: they stand anywhere; the file is sorted by thread on disk first, in bounded memory."""
    min_score: int = 3
    """A submission below is a reject with its whole thread (3: WebText)."""
    min_comment_score: int
    """A comment below is a reject; what answers it stays."""
    bots: tuple[str, ...] = ()
    """Names of accounts whose posts are rejects, beside AutoModerator and those that call themselves bots."""
    max_comments: PositiveInt
    """Further comments of a thread are rejects."""
    max_bytes: PositiveInt
    """A longer line is a reject; so are the posts by which a thread grows past it."""


def read(file: SourceFile, config: RedditConfig) -> Iterator[Document | Reject]:
    """Stream the threads or links of one file, keyed by the submission's id."""
    with utf8_stream(file) as stream, SeenKeys() as keys:
        bots = frozenset(name.lower() for name in config.bots)
        rules = Rules(config.min_score, config.min_comment_score, bots, config.max_bytes)
        posts = read_posts(lines(stream, config.max_bytes), keys, rules)
        if config.collect == "outlinks":
            yield from _outlinks(posts)
        elif config.order == "grouped":
            yield from _threads(posts, config)
        else:
            yield from _threads(_sorted(posts), config)


def _threads(posts: Iterator[Post | Reject], config: RedditConfig) -> Iterator[Document | Reject]:
    """Yield threads from posts that stand together; one that comes back after another has begun is a reject post by post."""
    thread: Thread | None = None
    with SeenKeys() as done:
        for post in posts:
            if isinstance(post, Reject):
                yield post
                continue
            if thread is None or post.thread != thread.key:
                if thread is not None:
                    yield from thread.finish()
                thread = Thread(post.thread, done.add(post.thread), config.max_comments, config.max_bytes)
            if reject := thread.add(post):
                yield reject
        if thread is not None:
            yield from thread.finish()


def _sorted(posts: Iterator[Post | Reject]) -> Iterator[Post | Reject]:
    """Yield rejects at once and then the posts by thread, each thread's as they stood in the file."""
    with closing(scratch_database()) as database:
        database.execute("CREATE TABLE posts (position INTEGER PRIMARY KEY, thread TEXT, post TEXT)").close()
        for post in posts:
            if isinstance(post, Reject):
                yield post
            else:
                database.execute("INSERT INTO posts (thread, post) VALUES (?, ?)", (post.thread, json.dumps(post))).close()
        with closing(database.execute("SELECT post FROM posts ORDER BY thread, position")) as cursor:
            for (packed,) in cursor:
                yield Post(*json.loads(packed))


def _outlinks(posts: Iterator[Post | Reject]) -> Iterator[Document | Reject]:
    """Yield one document for each address outside Reddit that a submission of enough karma links to, the first time it does."""
    with SeenKeys() as addresses:
        for post in posts:
            if isinstance(post, Reject):
                yield post
                continue
            reason, detail = _no_outlink(post)
            if not reason and not addresses.add(post.url):
                reason, detail = "duplicate_url", post.url
            if reason:
                yield Reject(post.key, reason, detail)
            else:
                metadata = {"kind": "outlink", "subreddit": post.subreddit, "score": post.score, "created": post.created}
                yield Document(post.id, post.url, post.title, post.url, metadata)


def _no_outlink(post: Post) -> tuple[str, str]:
    """Return why a post gives no link, and the detail."""
    if post.is_comment:
        return "not_a_submission", post.thread
    if post.refusal:
        return post.refusal, str(post.score)
    try:
        parts = urlsplit(post.url)
        host = (parts.hostname or "").lower()
    except ValueError:
        return "bad_url", post.url[:200]
    if post.is_self or any(host == own or host.endswith(f".{own}") for own in _OWN_HOSTS):
        return "internal_link", post.url[:200]
    if parts.scheme not in ("http", "https") or "." not in host or any(character.isspace() for character in post.url):
        return "bad_url", post.url[:200]
    return "", ""


SPEC = SourceFormat(name="reddit", version=2, config=RedditConfig, patterns=("RS_*", "RC_*", "*_submissions", "*_comments"), read=read)
