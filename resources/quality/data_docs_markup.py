"""The body of a page of Great Expectations as markup that means what the page shows, read as text before any parser sees it.

Great Expectations writes the values that failed an expectation unescaped, so that text from a document becomes markup, and leaves the rows of the
first page's tables to a script. Here values become text again, the tables are filled, and scripts, footers and pictures go.
"""

import ast
import html
import re
from typing import Any

# fmt: off
TAGS = frozenset({
    "a", "body", "br", "code", "div", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "input", "label", "li", "nav", "ol", "p", "pre", "span",
    "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
})
# fmt: on

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_VALUES_TABLE = re.compile(r'<table\s+id="(?P<id>[\w-]+)-body"\s+class="table-bordered table-sm mt-3"[^>]*>(?P<head>.*?)<tbody>', re.S)
_SCRIPT_TABLE = re.compile(r"\$\('#(?P<id>[\w-]+)'\)\.bootstrapTable\(\s*Object\.assign\(\s*\{\s*columns: (?P<columns>.*),\n\s*data: (?P<data>.*),\n")
_SCRIPT = re.compile(r"^[ \t]*<script>[ \t]*\n.*?</script>", re.S | re.M)
_FOOTER = re.compile(r"^[ \t]*<footer[^<>]*>.*?</footer>", re.S | re.M)
_TOOLBAR = re.compile(r'<div id="[\w-]+-body-table-toolbar" class="ml-1">.*?</div>', re.S)
_LOGO = re.compile(r'<img\s+class="NO-CACHE"[^<>]*>')
_NOT_A_TAG = re.compile(rf"<(?!/?(?:{'|'.join(sorted(TAGS))})(?:\s+[\w-]+(?:=(?:\"[^\"<>]*\"|[\w#-]+))?)*\s*/?>)")


def body_markup(page: str) -> str:
    """Return the inside of a page's body with its values escaped, its tables filled, and no scripts, footers or pictures."""
    page = _CONTROL.sub("\ufffd", page)
    body = page.partition("<body>")[2] or page
    body = body.rpartition("</body>")[0] or body  # a page whose writing was cut short has no end
    body = _fill_tables(_escape_values(body))
    for pattern, instead in ((_SCRIPT, ""), (_FOOTER, ""), (_TOOLBAR, ""), (_LOGO, "Data Docs")):
        body = pattern.sub(instead, body)
    return _NOT_A_TAG.sub("&lt;", body)


def _escape_values(body: str) -> str:
    """Escape the failing values in the tables that show them: they stand as they came, between two known pieces of markup."""
    done: list[str] = []
    at = 0
    while table := _VALUES_TABLE.search(body, at):
        width = len(re.findall(r"<th\s", table["head"]))
        done.append(body[at : table.end()])
        at, row, column = table.end(), 1, 1
        cell = re.compile(rf'\s*<tr>\s*<td id="{table["id"]}-cell-1-1"\s*><div class="show-scrollbars">').match(body, at)
        while cell:
            done.append(body[at : cell.end()])
            at = cell.end()
            row, column = (row + 1, 1) if column >= width else (row, column + 1)
            ends = rf'<td id="{table["id"]}-cell-{row}-{column}"\s*><div class="show-scrollbars">'
            if column == 1:
                ends = rf"</tr><tr>\s*{ends}|</tr>\s*</tbody>"
            cell = re.compile(rf"</div></td>(?:{ends})").search(body, at)
            if cell:
                done.append(html.escape(body[at : cell.start()]))
                at = cell.start()
                if cell.group().endswith("</tbody>"):
                    break
    return "".join([*done, body[at:]])


def _fill_tables(body: str) -> str:
    """Write out the rows that a script would have put into the first page's tables: it holds them as Python literals."""
    for script in list(_SCRIPT_TABLE.finditer(body)):
        columns: list[dict[str, str]] = ast.literal_eval(script["columns"])
        rows: list[dict[str, Any]] = ast.literal_eval(script["data"])
        rows.sort(key=lambda row: (-float(row.get("_run_time_sort", 0)), str(row.get("expectation_suite_name", ""))))
        heads = "".join(f"<th>{html.escape(column['title'])}</th>" for column in columns)
        lines = "".join(f"<tr>{''.join(_cell(row, column['field']) for column in columns)}</tr>" for row in rows)
        empty = re.compile(rf'<table\s+id="{script["id"]}"[^<>]*>').search(body)
        if empty is not None:
            body = f"{body[: empty.end()]}<thead><tr>{heads}</tr></thead><tbody>{lines}</tbody>{body[empty.end() :]}"
    return body


def _cell(row: dict[str, Any], field: str) -> str:
    """Return one cell of the first page: a piece of markup as it is, anything else as text; the run and the suite lead to their page."""
    value = row.get(field)
    text = "" if value is None else str(value)
    if not re.match(r"\n {8,}<(span|a) ", text):
        text = html.escape(text)
        if field in ("run_time", "expectation_suite_name"):
            text = f'<a href="{html.escape(str(row.get("_table_row_link_path", "")))}">{text}</a>'
    return f"<td>{text}</td>"
