"""Markup that is repeated without end is read in time that grows with its length: each piece within a budget that its square would break."""

import json
import subprocess
import sys

import pytest

NUM_CHARS = 40_000
CPU_SECONDS = 60
"""For all pieces together, which take a tenth of it; one piece in quadratic time takes more."""

HTML = [
    "a", "<", "<a ", "<a \"", "<a '", "<a href=", "<!--", "<b>x", "</b>", "<b>x</b>", "<sup>2", "<sup></sup>", "<sub>x", "<ul><li>", "</li>",
    "<blockquote>", "<pre>", "<table><tr><td>", "<td rowspan=3>x", "<table>", "</table>", "<code>`", "<code>`</code>", "<img alt='",
    "<s>x<b>y</s>z</b>", "&", "&#9", "&#xD800;", "$", "`", "|", " ", "\n", "<br>", "<dl><dt>",
]  # fmt: skip
WIKITEXT = [
    "{", "{{", "}}", "{{a|", "{{{", "{{{a|", "[[", "]]", "[[a|", "{{[[", "]]}}", "{|\n", "|}\n", "\n|-\n|a||b", "<ref>", "<ref>x</ref>", "<ref",
    "<math>", "<gallery>", "<table>", "</table>", "<sup>x", "<sup></sup>", "<!--", "<nowiki>", "<pre>x</pre>", "[http://a ", "[http://a b] ",
    "[", "=", "==a==\n", "*", "'", "''x", "L'''a", "&", "&#9", "|\n", "| a\n", "(", "( ", "{{cn}}", "({{cn}}", ", {{cn}}", "{{zz|a}} ",
    "{{zz}}\n", "a. {{zz}} ", "A. ", "?)", "({{IPA|x}}, ", "{{nowrap|", "{{nowrap|a}}", "{{convert|", "{{convert|1|to|", "{{ubl|a|", "{{#if:a|",
    "__A", "#redirect [[",
    "{{#expr:(", "{{#expr:1+", "{{#expr:-", "{{#switch:a|", "{{#switch:a|b=", "-{a|", "-{", "}-", "{{zz}}\u3002",
    "\n;", "{{!}}", "{{a\n|b\n", " ", "\u00a0",
]  # fmt: skip
PAIRS = [
    ("{{a|", "}}"),
    ("{{nowrap|x", "}}"),
    ("[[a|", "]]"),
    ("{|\n", "\n|}"),
    ("{{nowrap|[[a|", "]]}}"),
    ("<sup>a", "</sup>"),
    ("<table>", "</table>"),
    ("{{{a|", "}}}"),
    ("[[", "\n|}\n"),
    ("{{quote|x", "}}"),
    ("(", "{{cn}})"),
]  # fmt: skip
HTML_PAIRS = [
    ("<b>x", "</b>"),
    ("<sup>x", "</sup>"),
    ("<a href='http://x'>y", "</a>"),
    ("<blockquote>x", "</blockquote>"),
    ("<ul><li>x", "</li></ul>"),
    ("<table><tr><td>x", "</td></tr></table>"),
    ("<code>x", "</code>"),
]  # fmt: skip
PROGRAM = """
import json, resource, sys
resource.setrlimit(resource.RLIMIT_CPU, ({seconds}, {seconds}))
from {module} import {function}
for text in json.load(sys.stdin):
    {call}
"""


def repeated(pieces: list[str], pairs: list[tuple[str, str]], opening: str) -> list[str]:
    runs = [prefix + piece * (NUM_CHARS // len(piece)) + "x" for piece in pieces for prefix in ("", opening)]
    counts = [(left, right, NUM_CHARS // len(left + right)) for left, right in pairs]
    return runs + [left * count + "x" + right * count for left, right, count in counts]


@pytest.mark.parametrize(
    ("module", "call", "texts"),
    [
        ("kernels.reading.parsing.markup.markup", "markdown(text)", repeated(HTML, HTML_PAIRS, "<")),
        ("kernels.reading.parsing.wikitext.page", 'plain_text(text, {"file"}, ("References",))', repeated(WIKITEXT, PAIRS, "{{x|")),
    ],
)
def test_markup_without_end_is_read_within_its_budget(module: str, call: str, texts: list[str]):
    program = PROGRAM.format(seconds=CPU_SECONDS, module=module, function=call.partition("(")[0], call=call)
    subprocess.run([sys.executable, "-c", program], input=json.dumps(texts).encode(), check=True)
