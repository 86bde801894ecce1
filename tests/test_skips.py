"""What a run says of the tests that it skipped."""

import ast
from pathlib import Path

from tests.conftest import skip_lines
from tests.locations import PROJECT, SHARED_DATA


def test_skipped_tests_are_counted_by_what_they_lack_with_what_to_do() -> None:
    reasons = [f"Skipped: no real data at {place}" for place in (SHARED_DATA, SHARED_DATA / "xquad")]
    reasons += ["Skipped: could not import 's3fs'", "a reason of its own"]
    lines = skip_lines(reasons)
    assert lines[0].startswith("4 tests were skipped")
    assert lines[1].startswith(f"  2: no real data; to run them, put the real data at {SHARED_DATA}")
    assert lines[2:] == [
        "  1: could not import 's3fs'; to run them, install the development extra (`make test` does)",
        "  1: a reason of its own; to run them, see the test",
    ]


def test_where_none_was_skipped_nothing_is_said() -> None:
    assert skip_lines([]) == []


def _asserts(node: ast.AST, helpers: set[str]) -> bool:
    """Return whether anything below a node may fail a test: an assertion, an expected error, or a function of the tests that has one."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Assert):
            return not isinstance(inner.test, ast.Constant)
        if isinstance(inner, ast.Call):
            name = inner.func.attr if isinstance(inner.func, ast.Attribute) else inner.func.id if isinstance(inner.func, ast.Name) else ""
            if name in helpers | {"raises", "fail", "expect", "assert_close", "assert_allclose", "assert_array_equal", "assert_almost_equal"}:
                return True
    return False


def _helpers(trees: list[ast.Module]) -> set[str]:
    """Return the functions of the tests that assert, themselves or through others."""
    functions = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and not node.name.startswith("test_")]
    helpers: set[str] = set()
    while new := {function.name for function in functions if function.name not in helpers and _asserts(function, helpers)}:
        helpers |= new
    return helpers


def test_every_test_can_fail() -> None:
    paths = sorted(Path(PROJECT, "tests").rglob("*.py"))
    trees = [ast.parse(path.read_text("utf-8")) for path in paths]
    helpers = _helpers(trees)
    tests = [
        (f"{path.relative_to(PROJECT)}::{node.name}", node)
        for path, tree in zip(paths, trees, strict=True)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    assert len(tests) > 500
    assert [name for name, node in tests if not _asserts(node, helpers)] == []
