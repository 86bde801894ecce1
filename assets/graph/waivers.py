"""Waivers: what the recipe decides over single cells that their checks stopped, each for one content and with its reason.

Such a cell is mended (its data or the recipe changes), accepted as it is, or put under quarantine. A waiver changes nothing of any data, so it is
part of no fingerprint but those of what tells of it (data cards, the release); it holds for the content that it names and for no other, and for
what is made from that as long as the same check finds no more rows at fault there.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from kernels.specs.config import Config, fault_of_key
from resources.storage.manifest import Cell, Manifest


class Waiver(Config):
    """One decision over one cell as it stands."""

    action: Literal["accept", "quarantine"]
    """``accept`` lets the cell through though the check fails; ``quarantine`` leaves it out of all that hangs on it."""
    check: str | None = None
    """The check that fails; a quarantine may do without."""
    asset: str
    """Such as ``corpus/documents``."""
    partition: str | None = None
    """Such as ``web.base.003``; left out where the asset has none."""
    content: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8,32}$")] | None = None
    """The content that it was given for, or how it begins: `mill plan` and `mill show` tell it. Another content needs another waiver."""
    version: Annotated[str, StringConstraints(pattern=r"^v-[0-9a-f]{12}$")] | None = None
    """Instead of the content: the version, of which each making has another."""
    reason: Annotated[str, StringConstraints(strip_whitespace=True), Field(min_length=1)]
    """Why, for all who meet the cell."""

    @model_validator(mode="after")
    def _names_what_it_is_for(self) -> Self:
        if (self.content is None) == (self.version is None):
            raise fault_of_key("content", "say for which content or which version it is given, with one of the keys 'content' and 'version'")
        if self.action == "accept" and self.check is None:
            raise fault_of_key("check", "name the check that is to be passed over, with the key 'check'")
        return self

    def is_of(self, cell: Cell) -> bool:
        """Return whether it is given for a cell, whatever content that has."""
        return (self.asset, self.partition) == cell[1:]

    def holds(self, manifest: Manifest) -> bool:
        """Return whether it is given for a cell as it stands."""
        if not self.is_of(manifest.cell):
            return False
        return manifest.version == self.version if self.content is None else manifest.content.startswith(self.content)

    def acceptance(self, check: str, cell: Cell) -> str:
        """Return the words that a cell is accepted with though a check fails, and for which cell they were said where it is another."""
        given_for = "" if self.is_of(cell) else f" (said of {Cell('', self.asset, self.partition)}, which it is made from)"
        return f"accepted though {check} fails: {self.reason}{given_for}"

    def __str__(self) -> str:
        """What it decides, in a line."""
        cell = Cell("", self.asset, self.partition)
        return f"{cell} is accepted though {self.check} fails: {self.reason}" if self.action == "accept" else f"{cell} is quarantined: {self.reason}"


def quarantine_of(waivers: Iterable[Waiver], manifest: Manifest) -> Waiver | None:
    """Return what puts a cell under quarantine."""
    return next((waiver for waiver in waivers if waiver.action == "quarantine" and waiver.holds(manifest)), None)


def acceptance_of(waivers: Iterable[Waiver], manifest: Manifest, check: str) -> Waiver | None:
    """Return what lets a cell through though a check fails."""
    return next((waiver for waiver in waivers if waiver.action == "accept" and waiver.check == check and waiver.holds(manifest)), None)


def proposal(manifest: Manifest, check: str) -> str:
    """Return the line of a recipe that would accept a cell, for a user to complete."""
    partition = "" if manifest.partition is None else f"partition: {manifest.partition}, "
    return f'- {{action: accept, check: {check}, asset: {manifest.asset}, {partition}content: "{manifest.content[:16]}", reason: "..."}}'


def told_of(waivers: Sequence[Waiver], sources: Iterable[str] | None = None) -> list[Waiver]:
    """Return the waivers that whatever is made from some sources tells of: those of its partitions and of assets without any."""
    names = None if sources is None else set(sources)
    return [waiver for waiver in waivers if names is None or waiver.partition is None or waiver.partition.split(".", 1)[0] in names]
