"""Small pages of several kinds that tests share."""

PARAGRAPHS = [f"Keeper number {n} wrote a line a day, rain or shine, and signed it with the hour, the wind and the name of a ship." for n in range(5)]
TEXT = "".join(f"<p>{paragraph}</p>" for paragraph in PARAGRAPHS)
MENU = "<ul class='menu'>" + "".join(f"<li><a href='/{n}'>Section number {n} of the paper</a></li>" for n in range(8)) + "</ul>"
NOISE = "<div class='related'><p>" + "Seven more lighthouses that you have to see, and why you should go before summer. " * 2 + "</p></div>"


def page(body: str, title: str = "The Keepers") -> str:
    """Return a page with a style sheet."""
    return f"<html><head><title> {title.replace(' ', '  ')} </title><style>p {{}}</style></head><body>{body}</body></html>"
