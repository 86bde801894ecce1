"""What commands share: the application they belong to, the terminal, and the option that names a recipe.

The terminal takes words as words: brackets are no markup, colons no emoji, control characters are spelt out (`visible`). What is to be coloured is
said by `styled`, so that nothing printed can colour, hide or move anything.
"""

from collections.abc import Iterable
from importlib import metadata
from typing import Annotated, Any

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.markdown import Markdown
from rich.segment import Segment
from rich.text import Text

from kernels.documents.visible import visible

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Makes language models the way good factories make things.",
)


class Terminal(Console):
    """A console on which nothing that is printed acts."""

    def __init__(self, **settings: Any) -> None:
        """Open it. ``settings`` are those of rich's console."""
        super().__init__(highlight=False, markup=False, emoji=False, **settings)

    def render_str(self, text: str, **settings: Any) -> Text:
        """Return words as text: before they are measured, so that tables stay straight."""
        return super().render_str(visible(text), **settings)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield what is drawn; whatever came here another way is made visible too."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=visible(segment.text))


console = Terminal()
RecipeOption = Annotated[str, typer.Option("--recipe", "-r", envvar="MILL_RECIPE", help="Recipe file, or the name of a shipped one.")]
RECIPE = "demo"
"""The recipe that a command means where none is named."""


def _print_version(asked: bool) -> None:
    if asked:
        console.print(f"modelmill {metadata.version('modelmill')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.", is_eager=True, callback=_print_version)] = False,
) -> None:
    """Makes language models the way good factories make things."""


def styled(*parts: str | tuple[object, str]) -> Text:
    """Return words in a line, those given with a style (``("failed", "red")``) in it."""
    return Text.assemble(*((visible(part), "") if isinstance(part, str) else (visible(part[0]), part[1]) for part in parts))


def markdown(text: str) -> Markdown:
    """Return Markdown to be drawn; the address of a link is shown, never made to be clicked."""
    return Markdown(visible(text), hyperlinks=False)
