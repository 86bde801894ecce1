"""Data Docs open without a network, and whatever a document holds is shown as text."""

import os
import re

import pyarrow as pa
import pytest
from lxml.html import document_fromstring

from resources.quality.data_docs import data_docs_index
from resources.quality.data_docs_markup import TAGS
from resources.quality.data_docs_style import ATTRIBUTES, POLICY, make_self_contained, self_contained_page
from resources.quality.expectations import Expectation, validate

HOSTILE = (
    "<script>alert(1)</script>",
    '<img src=x onerror="alert(2)">',
    "</div></td></tr></tbody></table><script>alert(3)</script>",
    "<style>body{display:none}</style><svg onload=alert(4)><!-- ",
    "a <b>bold</b> & an &amp; and $one {{ two }} \\1 'x' \"y\"",
    "<a href=javascript:alert(5)>five</a>",
    "]]> <![CDATA[ <?php ?> <textarea> <plaintext>",
)
PAGE = """<!DOCTYPE html>
<html>
  <head><link rel="stylesheet" href="https://cdn.example/a.css"><script src="https://cdn.example/b.js"></script></head>
  <body>
    <a href="../index.html"><img class="NO-CACHE" src="https://logo.example/?id=7" /></a>
    <ol><li class="breadcrumb-item active">Suite / &lt;web&gt;</li></ol>
    <script>
      $(".modal").modal();
    </script>
    <ul><li class="nav-item"><a class="nav-link ge-navigation-sidebar-link" href="#section-2">text</a></li></ul>
    <a href="https://maker.example">the maker</a> <a href="//maker.example">its root</a> <a href=" javascript:alert(1)">a trap</a>
    <p class="m-0"><a data-toggle="collapse" href="#more" aria-expanded="false">Show more...</a></p>
    <div id=more class="collapse m-2" >what is more</div>
    <div id="section-2" onclick="alert(1)" style="background:url(https://x.example)">2 < 3, <i class="fas fa-times text-danger" ></i>
    <i class="fas fa-x"></i>
<table
  id="cells-body"
  class="table-bordered table-sm mt-3"
  data-toggle="table"
>
      <thead ><tr>
        <th
        >Unexpected Value</th>
        <th
        >Count</th></tr></thead>
    <tbody>
      <tr>
          <td id="cells-cell-1-1" ><div class="show-scrollbars">VALUE</div></td>SECOND</tr></tbody>
</table></div>
<footer><p>A newsletter <a href="https://news.example">here</a></p></footer>
  </body>
</html>
""".replace("SECOND", '<td id="cells-cell-1-2" ><div class="show-scrollbars">1</div></td>')


def tree(page):
    return document_fromstring(page)


def assert_inert(page, root):
    """Only our own two files are loaded; no script, style or foreign address is left in the page."""
    document = tree(page)
    head = document.head
    assert [element.get("src") for element in document.iter("script")] == [f"{root}static/data_docs.js"]
    assert [element.get("href") for element in document.iter("link")] == [f"{root}static/images/favicon.ico", f"{root}static/data_docs.css"]
    for element in document.body.iter():
        assert element.tag in TAGS | {"details", "summary"} and set(element.attrib) <= ATTRIBUTES
        assert not re.match(r"\s*([a-z][a-z0-9+.-]*:|[/\\])", element.get("href", ""), re.I)
    assert [element.tag for element in head] == ["meta", "meta", "title", "meta", "link", "link", "script"]
    policies = [element.get("content") for element in document.iter("meta") if element.get("http-equiv") == "Content-Security-Policy"]
    assert policies == [POLICY] and "script-src 'self'" in POLICY and "unsafe" not in POLICY


def test_page_keeps_its_text_and_loses_what_is_foreign_or_runs():
    page = self_contained_page(PAGE.replace("VALUE", "plain"), "../")
    assert_inert(page, "../")
    body = tree(page).body
    assert tree(page).findtext(".//title") == "Suite / <web> · Data Docs"
    assert [(link.text, link.get("href")) for link in body.iter("a")] == [("Data Docs", "../index.html"), ("text", "#section-2")]
    text = " ".join(body.text_content().split())
    assert "the maker its root a trap" in text and "2 < 3, Failed" in text and "newsletter" not in text and "modal" not in text
    details = body.find(".//details")
    assert [child.text for child in details] == ["Show more...", "what is more"]
    assert body.find_class("nav-item")[0].get("class") == "nav-item failed"


@pytest.mark.parametrize("value", HOSTILE)
def test_values_are_shown_as_they_came(value):
    page = self_contained_page(PAGE.replace("VALUE", value), "")
    assert_inert(page, "")
    rows = [[cell.text_content() for cell in row.iter("td")] for row in tree(page).body.iter("tr")]
    assert rows == [[], [value, "1"]]


def test_value_that_forges_the_markup_around_it_stays_inert():
    forged = '</div></td><td id="cells-cell-1-2" ><div class="show-scrollbars"><script>\nalert(1)</script><span onclick="alert(2)">'
    assert_inert(self_contained_page(PAGE.replace("VALUE", forged), ""), "")


def test_control_characters_do_not_cut_a_page_short():
    page = self_contained_page(PAGE.replace("VALUE", "a\x00b\x1bc\ud800"), "")
    assert [cell.text_content() for cell in tree(page).body.iter("td")] == ["a\ufffdb\ufffdc\ufffd", "1"]


def test_pages_without_an_end_keep_what_they_have():
    page = self_contained_page(PAGE.partition("<footer>")[0], "")
    assert_inert(page, "")
    assert "2 < 3" in tree(page).body.text_content()


def test_rewriting_twice_changes_nothing():
    once = self_contained_page(PAGE.replace("VALUE", HOSTILE[4]), "../")
    assert self_contained_page(once, "../") == once


def test_a_page_without_a_body_mark_has_no_control_characters_either():
    assert "a\ufffdb" in self_contained_page("<html>a\x00b", "")


UNREADABLE = "<html><body><script>\n$('#t').bootstrapTable(\nObject.assign({\ncolumns: [],\n data: [nan],\n toolbar: 0}))</script></body></html>"


def test_a_page_that_cannot_be_rewritten_says_so_and_the_others_are_rewritten(tmp_path):
    bad, good = tmp_path / "runs" / "bad.html", tmp_path / "runs" / "good.html"
    bad.parent.mkdir()
    bad.write_text(UNREADABLE)
    good.write_text(PAGE.replace("VALUE", "plain"))
    with pytest.warns(UserWarning, match=re.escape(f"{bad}: this page of Data Docs cannot be rewritten (ValueError: ")):
        make_self_contained(tmp_path)
    for page in (bad, good):
        assert_inert(page.read_text(), "../")
    assert f"{bad}: this page" in tree(bad.read_text()).body.text_content()
    assert "bootstrapTable" not in bad.read_text()
    assert not list(tmp_path.rglob("*.new"))
    make_self_contained(tmp_path)  # a second time nothing is left to warn of


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    root = tmp_path_factory.mktemp("docs")
    expectations = [
        Expectation(
            name="plain",
            description="No <script> & no <b>markup</b>; n < 3.",
            type="expect_column_values_to_not_match_regex",
            kwargs={"column": "text", "regex": "[<&]"},
        ),
        Expectation(name="named", description="Every row has an id.", type="expect_column_values_to_not_be_null", kwargs={"column": "id"}),
    ]
    table = pa.table({"part": ["a", "a", "b", "b"], "id": ["1", "2", "3", "4"], "text": ["fine", HOSTILE[0], HOSTILE[1], HOSTILE[2]]})
    for suite, rows in (("web", table), ("clean", table.slice(0, 1))):
        validate(suite, rows, expectations, partition_column="part", example_columns=["id"], site=root)
    return data_docs_index(root).parent


def test_every_page_of_a_site_is_inert_and_its_links_lead_somewhere(site):
    pages = sorted(site.rglob("*.html"))
    assert len(pages) == 5  # the index, two suites, two runs
    for page in pages:
        text = page.read_text("utf-8")
        root = "../" * (len(page.relative_to(site).parts) - 1)
        assert_inert(text, root)
        document = tree(text)
        own = [element.get("href") or element.get("src") for element in (*document.iter("link"), *document.iter("script"))]
        for link in [*own, *(link.get("href") for link in document.iter("a"))]:
            target, _, place = link.partition("#")
            assert (page.parent / target).resolve().exists() if target else not place or document.get_element_by_id(place) is not None


def test_first_page_lists_runs_and_suites(site):
    tables = [
        [[" ".join(cell.text_content().split()) for cell in row if cell.tag == "td"] for row in table.iter("tr")]
        for table in tree((site / "index.html").read_text()).iter("table")
    ]
    runs, suites = tables
    assert [(row[0], row[3], row[5]) for row in runs[1:]] == [("Passed", "clean", "clean"), ("Failed", "web", "web")]
    assert suites[1:] == [["clean"], ["web"]]


def test_run_shows_what_failed(site):
    (page,) = (site / "validations" / "web").rglob("*.html")
    document = tree(page.read_text())
    (values,) = document.find_class("table-bordered")
    assert sorted(row[0].text_content() for row in values.find("tbody")) == sorted(HOSTILE[:3])
    text = " ".join(document.text_content().split())
    assert "No <script> & no <b>markup</b>; n < 3." in text
    assert [element.text for element in document.find_class("status")] == ["Failed", "Passed", "Failed"]
    assert [summary.text for summary in document.iter("summary")] == ["Show more info...", "To retrieve all unexpected values..."]


def test_only_new_pages_are_written(site):
    old = {page: page.stat().st_mtime_ns for page in site.rglob("*.html")}
    changed = site / "expectations" / "web.html"
    changed.write_text(PAGE)
    os.utime(site / "static" / "data_docs.css", (0, 0))
    make_self_contained(site)
    assert {page for page, when in old.items() if page.stat().st_mtime_ns != when} == {changed}
    assert (site / "static" / "data_docs.css").stat().st_mtime == 0
    assert_inert(changed.read_text(), "../")
    assert not [path for path in site.rglob("*") if path.name.endswith(".new")]


def test_stale_stylesheet_is_replaced(site):
    (site / "static" / "data_docs.css").write_text("old")
    make_self_contained(site)
    assert "https:" not in (site / "static" / "data_docs.css").read_text() != "old"
