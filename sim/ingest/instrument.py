"""One instrument out of a file that holds several."""

import numpy as np

from sim.errors import DataError
from sim.ingest.source import Block, Table
from sim.settings.problems import did_you_mean

_COLUMNS = ("symbol", "instrument", "market", "pair")


class Only:
    """Keeps the rows of one symbol, and refuses a file with several when none is named.

    Parameters
    ----------
    symbol : str or None
        As the file writes it.
    """

    def __init__(self, symbol: str | None) -> None:
        self.symbol = symbol
        self.seen: set[str] = set()

    def columns(self, table: Table) -> list[str]:
        """The column that names instruments, if the table has one."""
        found = table.has(*_COLUMNS)
        if found is None and self.symbol is not None:
            raise DataError(
                f"{table.shown}: --symbol {self.symbol} was given, but no column is called {' or '.join(_COLUMNS)}"
            )
        return [found] if found is not None else []

    def rows(self, table: Table, block: Block) -> Block:
        """Rows of the wanted instrument.

        Raises
        ------
        DataError
            When the file holds several and none was named.
        """
        column = table.has(*_COLUMNS)
        if column is None or not len(block.lines):
            return block
        names = block.frame[column].astype(str).str.strip()
        self.seen |= set(names.unique())
        if self.symbol is None:
            if len(self.seen) > 1:
                some = ", ".join(sorted(self.seen)[:8])
                raise DataError(f"{table.shown}: holds several instruments ({some}): name one with --symbol")
            return block
        keep = (names == self.symbol).to_numpy(np.bool_)
        return Block(block.frame[keep].reset_index(drop=True), block.lines[keep])

    def why_empty(self) -> str:
        """End of the sentence that says there are no rows."""
        if self.symbol is None or not self.seen:
            return ""
        some = ", ".join(sorted(self.seen)[:8])
        return f" of {self.symbol!r} (there is: {some}){did_you_mean(self.symbol, self.seen)}"
