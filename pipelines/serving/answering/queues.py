"""Who is next: clients take turns, so that one who asks much waits for his own requests and not others for them."""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

_Wanted = TypeVar("_Wanted")


class FullError(Exception):
    """Nothing more may wait."""


class FairQueue(Generic[_Wanted]):
    """What waits, by client: round robin among clients, in order of arrival within one."""

    def __init__(self, most: int) -> None:
        """Have nothing wait.

        Args:
            most: that may wait in all; a client may have half of them, so that nobody shuts the others out.
        """
        self._most, self._most_of_one = most, max(1, most // 2)
        self._lines: OrderedDict[str, deque[_Wanted]] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[_Wanted]:
        return (wanted for line in self._lines.values() for wanted in line)

    def put(self, client: str, wanted: _Wanted) -> None:
        """Have something wait. Raises FullError: too much does, in all or of this client."""
        line = self._lines.get(client, deque())
        if self._count >= self._most or len(line) >= self._most_of_one:
            raise FullError
        line.append(wanted)
        self._lines[client] = line
        self._count += 1

    def take(self, may: Callable[[str, _Wanted], bool]) -> _Wanted | None:
        """Return the first request of the client whose turn it is, of those whose first one may begin; None where none may."""
        for client, line in self._lines.items():
            if may(client, line[0]):
                wanted = line.popleft()
                self._count -= 1
                self._lines.move_to_end(client)
                if not line:
                    del self._lines[client]
                return wanted
        return None

    def remove(self, client: str, wanted: _Wanted) -> bool:
        """Have something wait no more, and return whether it did."""
        line = self._lines.get(client)
        if line is None or wanted not in line:
            return False
        line.remove(wanted)
        self._count -= 1
        if not line:
            del self._lines[client]
        return True
