"""A process that follows another and is lost after it was told of a step."""

from pathlib import Path

from kernels.inference.parallel.following import Spread, take_place


def main(job: Path, number: int) -> None:
    seat, _ = take_place(Spread.model_validate_json(job.read_text()), number)
    assert seat.told_by_leader(None)
    raise SystemExit("the machine burns")
