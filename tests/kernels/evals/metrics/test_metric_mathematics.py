"""Answers of MATH and GSM8K."""

import json
import time
from pathlib import Path

import pytest

from kernels.evals.metrics.mathematics import equivalent, final_number, gsm8k_answer, last_boxed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"so $\boxed{\frac{1}{2}}$.", r"\frac{1}{2}"),
        (r"\boxed{1} and then \fbox{2}", "2"),
        (r"\boxed{ \left\{1, 2\right. }", r"\left\{1, 2\right."),
        (r"\boxed {3}", "3"),
        (r"is $\boxed 7$ then", "7"),
        (r"\boxed{\begin{pmatrix} 1 \\ {2} \end{pmatrix}} x}", r"\begin{pmatrix} 1 \\ {2} \end{pmatrix}"),
        (r"\boxed{\frac{1}{2}", None),
        (r"\boxedx{1}", None),
        ("no box", None),
    ],
)
def test_the_last_box_is_read_to_its_own_brace(text: str, expected: str | None) -> None:
    assert last_boxed(text) == expected


SAME = [
    (r"\frac12", r"\frac{1}{2}"), (r"\dfrac{1}{2}", r"\tfrac 1 2"), ("1/2", r"\frac{1}{2}"), ("0.5", r"\frac{1}{2}"), (".5", "0.50"),
    (r"-\frac{1}{2}", r"\frac{-1}{2}"), ("2 1/2", r"\frac{5}{2}"), (r"2\frac{1}{2}", "2.5"), (r"\frac{\sqrt3}2", r"\sqrt{3}/2"),
    (r"-\sqrt{3}/2", r"-\frac{\sqrt{3}}{2}"), (r"\frac\pi2", r"\frac{\pi}{2}"), ("(a+b)/2", r"\frac{a+b}{2}"), (r"\sqrt x", r"\sqrt{x}"),
    (r"\$1,250", "1250"), (r"1,\!250", "1250"), ("1{,}250", "1250"), ("12,345,678.5", "12345678.5"), (r"x = 5", "5"), ("f(x)=2x", "2x"),
    (r"50\%", "50"), ("50 percent", r"0.5"), (r"50\%", "0.50"), (r"90^\circ", "90"), (r"90^{\circ}", "90°"), ("90 degrees", "90"),
    (r"10\text{ cm}^2", "10"), ("10 square units", "10"), (r"60 \text{ miles per hour}", "60 miles per hour"), ("3 inches.", "3"),
    (r"\left( 1, \frac12 \right)", "(1,0.5)"), (r"\{1, 2, 3\}", r"\left\{3,1,2\right\}"), ("1, 2", "2,1"), (r"x=1 \text{ or } x=-2", "-2, 1"),
    ("1 and 2", r"\{1,2\}"), (r"(-\infty, 2) \cup (3, +\infty)", r"(3,\infty)\cup(-\infty,2)"), (r"x \in [1, 2)", "[1,2)"), ("(C)", "C"),
    (r"\text{(C)}", "C"), (r"\text{Evelyn}", "Evelyn"), (r"x^{2}", "x^2"), ("$5$.", "5"), (r"\(5\)", "5"), ("1,250 and 3", "3, 1250"),
    (r"\begin{pmatrix} 1/2 \\ -3 \end{pmatrix}", r"\begin{pmatrix}\frac{1}{2}\\-3\\\end{pmatrix}"), (r"3 \times 10^{2}", "300"), ("+3", "3"),
    (r"x \leq 3", r"x\le3"), (r"2π", r"2\pi"), (r"\{(1, 2), (3, 4)\}", r"\{(3,4),(1,2)\}"), ("5", "5.0"), (r"\emptyset", r"\varnothing"),
]  # fmt: skip


@pytest.mark.parametrize(("first", "second"), SAME)
def test_what_says_the_same_is_equal_both_ways(first: str, second: str) -> None:
    assert equivalent(first, second)
    assert equivalent(second, first)


DIFFERENT = [
    ("1", "2"), (r"\frac{1}{2}", r"\frac{2}{1}"), ("(1,2)", "(2,1)"), ("(1,2)", "[1,2]"), ("(1,2)", "1,2"), (r"\{1,1\}", r"\{1,2\}"),
    ("1,2", "1,2,3"), (r"50\%", r"0.5\%"), ("-5", "5"), ("x", "X"), (r"\text{odd}", r"\text{even}"), ("0.333", r"\frac{1}{3}"), ("1,250", "1250.5"),
    (r"\frac{1}{0}", "0"), ("", "0"), (r"\frac12", "12"), ("11/2", "1 1/2"), (r"(1,2)\cup(3,4)", r"(1,2),(3,4)"), ("3x", "3"),
    (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", r"\begin{pmatrix} 1 & 2 \end{pmatrix}"), (r"\leftarrow", "arrow"), ("__import__('os')", "0"),
]  # fmt: skip


@pytest.mark.parametrize(("first", "second"), DIFFERENT)
def test_what_differs_is_not_equal(first: str, second: str) -> None:
    assert not equivalent(first, second)
    assert not equivalent(second, first)


HOSTILE = [
    "{" * 1000, "(" * 500 + ")" * 500, r"\frac" * 200, "1," * 500, " " * 1000, "9" * 1000, r"\text{" * 166, "1 " * 500, r"\{" * 250 + r"\}" * 250,
    "10^" * 300, "1,111" * 200, "x=" * 500, "/" * 1000, r"\begin{matrix}" * 70, "1\\" * 500, "9^9^9^9^9", r"10\times10^{999}", "\0" * 1000,
    "1" + " " * 998 + "m", "-" * 1000, "." * 1000, "%" * 1000, r"\cup" * 250, "(,)" * 333, "1/" * 500,
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_answer_costs_little_and_differs_from_a_number(text: str) -> None:
    start = time.process_time()
    assert equivalent(text, text)
    assert not equivalent(text, "7")
    assert time.process_time() - start < 2


def test_a_hostile_page_costs_little() -> None:
    start = time.process_time()
    for text in (r"\boxed" * 50_000, r"\boxed{" * 50_000, "1,111," * 50_000, "#### " * 50_000, "$-" * 100_000, "9" * 300_000, "\\" * 300_000):
        last_boxed(text)
        final_number(text)
        gsm8k_answer(text)
        equivalent(text, text)
    assert time.process_time() - start < 10


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("She pays $1,234.50.", "1234.5"), ("16-3 = 13", "13"), ("it is -5 now", "-5"), ("-$5", "-5"), ("$-5", "-5"), ("16-3", "3"), ("18.00", "18"),
        ("007", "7"), ("-0", "0"), ("1,2,3", "3"), ("half is .5", "0.5"), ("5 apples, 6 pears", "6"), ("none", None),
    ],
)  # fmt: skip
def test_the_last_number_is_read(text: str, expected: str | None) -> None:
    assert final_number(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("#### 1,000", "1000"), ("a\n#### -3", "-3"), ("#### $5.50\n", "5.5"), ("#### 1\n#### 2 x 9", "2"), ("5", None), ("#### x", None)],
)
def test_the_official_answer_stands_behind_four_hashes(text: str, expected: str | None) -> None:
    assert gsm8k_answer(text) == expected


def test_every_real_solution_has_its_answer_as_last_number(shared_data: Path) -> None:
    lines = (shared_data / "gsm8k" / "test.jsonl").read_text(encoding="utf-8").splitlines()
    solutions = [json.loads(line)["answer"] for line in lines]
    assert len(solutions) > 600
    for solution in solutions:
        assert gsm8k_answer(solution) == final_number(solution) == final_number(solution.split("####")[1]) is not None
