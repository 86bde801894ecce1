"""What pages call their parts: words in class, id, role and itemprop, in several languages.

They are found in one pass by the automaton of Aho and Corasick (1975, https://doi.org/10.1145/360825.360855).

A ``_`` in a word stands for whatever is no letter and no digit, or an end, a ``|`` for white space or an end: ``_ad_`` is in ``box-ad``, not in
``header``, ``|hidden|`` in ``box hidden``, not in ``label-hidden``.
"""

from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

NAMED_BOILERPLATE, NAMED_ARTICLE, NAMED_COMMENTS, HIDDEN, MUTED, NOT_SHOWN, TEX, TRUSTED, SLUGGED, NAMED_STRONGLY, NAMED_MAIN = (
    1 << bit for bit in range(11)
)
OF_ID = 16
"""By how many bits the names in an id are moved up until it is known that the id is no heading made into an anchor."""
OF_CLASS = (1 << OF_ID) - 1

_WORDS = (
    (
        """
        related recommend share sharing social sidebar newsletter subscri promo _ad_ _ads_ advert sponsor footer breadcrumb byline caption credit
        cookie consent popup modal _nav menu widget most_read mostread most_popular popular trending tags_ author copyright signup sign_up meta_
        timestamp dateline login more_on more_from more_stories moreon morefrom read_more readmore read_next readnext toolbar banner taboola
        outbrain gallery rating contentinfo complementary _search pagination pager paging skip_link _toc
        werbung _anzeige_ _anzeigen_ teilen verwandt _aehnlich fusszeile seitenleiste partager publicite pied_de_page compartir relacionad
        publicidad condividi correlat pubblicita udostepnij powiazan podobne reklam stopka gerelateerd advertentie guanggao xiangguan
        """,
        NAMED_BOILERPLATE,
    ),
    ("comment disqus kommentar comentario commentaire komentar commenti pinglun reactie", NAMED_BOILERPLATE | NAMED_COMMENTS),
    ("cookie consent _copyright _footer footer_ contentinfo _breadcrumb taboola outbrain", NAMED_BOILERPLATE | NAMED_STRONGLY),
    (
        """
        article_body articlebody article_content articlecontent article_text articletext article_copy artikeltext artikel_text post_body postbody
        post_text _content_ post_content postcontent entry_content entrycontent story_body storybody
        """,
        NAMED_ARTICLE,
    ),
    ("_main_ _maincontent_ _main_content_ _content_main_", NAMED_MAIN),
    ("has_ads hasads with_ads without with_comments no_comments admonition", TRUSTED),
    ("withsidebar with_sidebar has_sidebar hassidebar no_sidebar nosidebar", TRUSTED),
    ("_section_ _level1_ _level2_ _level3_ _level4_", SLUGGED),
    ("|hidden|", HIDDEN),
    ("mw_editsection headerlink _sr_only_ visually_hidden visuallyhidden screen_reader_text linenos lineno line_numbers", MUTED),
    ("display_none visibility_hidden", NOT_SHOWN),
    ("x_tex", TEX),
)
"""Words, and what they say of an element: that it is no article (by readers; beyond doubt), the article, the page's main part; that its other names
mean nothing; that its id is made from a heading; that it or its text is not shown; that a formula is TeX."""
SPACE = 37
NUM_SYMBOLS = 38
"""A letter of either case 1 to 26, a digit 27 to 36, white space 37, anything else 0."""


class Names(NamedTuple):
    """The automaton: symbol of each byte [256], next state [states, NUM_SYMBOLS], and the bits of the words that end in a state [states]."""

    symbols: NDArray[np.uint8]
    next: NDArray[np.int16]
    bits: NDArray[np.int64]


def _symbol(character: str) -> int:
    if character in "| \t\n\r\f":
        return SPACE
    if character.isascii() and character.isalpha():
        return ord(character.lower()) - 96
    return ord(character) - 21 if character.isascii() and character.isdigit() else 0


def make_names() -> Names:
    """Return the automaton of all words."""
    trie, bits = [[-1] * NUM_SYMBOLS], [0]
    for words, bit in _WORDS:
        for word in words.split():
            for symbols in product(*((0, SPACE) if character == "_" else (_symbol(character),) for character in word)):
                _add(trie, bits, symbols, bit)
    _link(trie, bits)
    return Names(np.array([_symbol(chr(byte)) for byte in range(256)], np.uint8), np.array(trie, np.int16), np.array(bits, np.int64))


def _add(trie: list[list[int]], bits: list[int], symbols: tuple[int, ...], bit: int) -> None:
    state = 0
    for symbol in symbols:
        if trie[state][symbol] < 0:
            trie[state][symbol] = len(trie)
            trie.append([-1] * NUM_SYMBOLS)
            bits.append(0)
        state = trie[state][symbol]
    bits[state] |= bit


def _link(trie: list[list[int]], bits: list[int]) -> None:
    """Turn the trie into an automaton: where a word breaks off, go on with its longest end that begins a word."""
    fallback = [0] * len(trie)
    queue = [0]
    for state in queue:
        for symbol, after in enumerate(trie[state]):
            other = trie[fallback[state]][symbol] if state else 0
            if after < 0:
                trie[state][symbol] = max(other, 0)
            else:
                fallback[after] = max(other, 0)
                bits[after] |= bits[fallback[after]]
                queue.append(after)
