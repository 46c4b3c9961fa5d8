"""Files that a pull leaves for another night: told in the report, never lost, and never taken for deleted."""

from __future__ import annotations

from collections.abc import Iterator

from hub.connectors import Left
from hub.errors import RetryLater, Unsettled
from hub.model import Piece, StreamAgain, StreamEnd


class LeftFiles:
    """What one source left tonight. Where absence means deleted, a file that is not whole stops the whole source."""

    def __init__(self, source: str, appends: bool) -> None:
        self._source, self._appends = source, appends
        self._left: dict[str, list[str]] = {}

    def out_of(
        self, pieces: Iterator[Piece | Left | StreamEnd | StreamAgain]
    ) -> Iterator[Piece | StreamEnd | StreamAgain]:
        """The pieces to land. Raises RetryLater for a file that waits where its absence would delete rows."""
        for piece in pieces:
            if not isinstance(piece, Left):
                yield piece
            elif piece.waits and not self._appends:
                raise RetryLater(
                    f"{self._source}: {piece.name} {piece.why}; without it the delivery is not whole.",
                    "Let the upload end before the sync starts, then sync again.",
                )
            else:
                self._left.setdefault(piece.why, []).append(piece.name)

    def unsettled(self, error: Unsettled) -> None:
        self._left.setdefault("", []).append(error.message)

    def sentences(self) -> list[str]:
        """One for each reason, with the first of the files."""
        said = list(self._left.pop("", ()))
        for why, names in self._left.items():
            more = f" (and {len(names) - 1:,} more)" if len(names) > 1 else ""
            said.append(f"Not taken: {names[0]}{more} {why}.")
        return said
