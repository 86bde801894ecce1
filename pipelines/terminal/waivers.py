"""What the recipe decides over single cells, in the terminal, and what it could decide."""

from assets.graph.state import GraphState
from assets.graph.waivers import proposal
from pipelines.terminal.application import console, styled

SHOWN_PROPOSALS = 10


def print_waivers(state: GraphState) -> None:
    """Print what the recipe decides over single cells: what it accepts, what it leaves out, and what it decides in vain."""
    for status in state.cells:
        if status.state == "quarantined" or (status.state == "fresh" and status.reason.startswith("accepted")):
            console.print(styled(("waived", "yellow"), f" {status.cell}: {status.reason}"))
    for words in state.acceptances.idle():
        console.print(styled(("not in force", "red"), f" {words}"))


def print_proposals(state: GraphState) -> None:
    """Print for each blocked cell what the recipe may say of it."""
    lines: list[str] = []
    for status in state.cells:
        manifest = state.manifest(*status.cell[1:])
        if status.state == "blocked" and manifest is not None:
            lines.append(proposal(manifest, status.reason.partition(":")[0]))
    if lines:
        console.print("mend the data or the recipe; or decide, under the recipe's key 'waivers' (action: accept, or quarantine to leave it out):")
        for line in lines[:SHOWN_PROPOSALS]:
            console.print(f"  {line}", soft_wrap=True)
