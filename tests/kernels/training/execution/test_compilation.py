"""What a training is compiled for: work enough to pay for it, and a compiler that the device's code needs."""

import shutil

import pytest

from kernels.training.execution.compilation import COMPILERS, LEAST_FLOPS, compiles


def has(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}" if name in names else None)


@pytest.mark.parametrize("device", LEAST_FLOPS)
def test_work_enough_is_compiled_unless_the_recipe_says_never(monkeypatch: pytest.MonkeyPatch, device: str) -> None:
    has(monkeypatch, *COMPILERS[device][:1])
    enough = LEAST_FLOPS[device]
    assert [compiles("auto", flops, device) for flops in (enough / 2, enough)] == [(False, ""), (True, "")]
    assert compiles("never", 10 * enough, device) == (False, "")


def test_without_a_compiler_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    has(monkeypatch, "gcc")
    assert compiles("auto", 1e20, "cpu") == (
        False,
        "no C++ compiler is found, so that training runs uncompiled, at two thirds of the speed or less; install g++",
    )
    has(monkeypatch, "g++")
    found, words = compiles("auto", 1e20, "cuda")
    assert not found and words.startswith("no C compiler is found") and words.endswith("install gcc")
