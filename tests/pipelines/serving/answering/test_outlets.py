"""What a slow reader leaves lying grows together, and is bounded."""

import asyncio

from kernels.inference.asking import Asked, Piece, Told
from pipelines.serving.answering.outlets import MOST_UNREAD_TOKENS, Outlet, Said
from pipelines.serving.wire.faults import Refused


def asked(num_answers: int = 1) -> Asked:
    return Asked(tokens=[1], max_new_tokens=9, num_answers=num_answers)


async def read(outlet: Outlet) -> list[Said]:
    return [said async for said in outlet.said()]


def test_pieces_that_were_not_read_become_one_for_each_answer() -> None:
    async def work() -> list[Said]:
        outlet = Outlet(asked(2), "a", asyncio.get_running_loop())
        for piece in (
            Piece(0, 0, Told(5), "a", given=[Told(1)]),
            Piece(0, 1, Told(6), "x"),
            Piece(0, 0, Told(7), "b", "stop", "z"),
            Piece(0, 1, None, "", "length"),
        ):
            outlet.put(piece)
        assert outlet.num_left == 0
        return await read(outlet)

    assert asyncio.run(work()) == [Said(0, [Told(5), Told(7)], "ab", [Told(1)], "stop", "z"), Said(1, [Told(6)], "x", [], "length")]


def test_it_is_full_past_a_limit_and_empty_once_it_was_read() -> None:
    async def work() -> None:
        outlet = Outlet(asked(), "a", asyncio.get_running_loop())
        for _ in range(MOST_UNREAD_TOKENS):
            outlet.put(Piece(0, 0, Told(5), ""))
        assert not outlet.is_full
        outlet.put(Piece(0, 0, Told(5), "", "length"))
        assert outlet.is_full and len((await read(outlet))[0].tokens) == MOST_UNREAD_TOKENS + 1
        assert not outlet.is_full

    asyncio.run(work())


def test_a_failure_is_told_behind_what_came_before_it() -> None:
    async def work() -> tuple[list[str], str]:
        outlet = Outlet(asked(), "a", asyncio.get_running_loop())
        outlet.put(Piece(0, 0, Told(5), "a"))
        outlet.fail(Refused(500, "gone"))
        texts: list[str] = []
        try:
            async for said in outlet.said():
                texts.append(said.text)
        except Refused as refused:
            return texts, refused.message
        raise AssertionError("nothing was told")

    assert asyncio.run(work()) == (["a"], "gone")
