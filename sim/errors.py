"""Every error Shoal raises on purpose: one sentence that says what is wrong and how to cure it, and an exit code.

Exit codes of the command line: 0 done, 1 a run failed, 2 usage or a bad scenario, 3 a limit breached, 4 undecided or
stale, 130 interrupted.
"""

from collections.abc import Sequence


class ShoalError(Exception):
    """Base of all deliberate errors; ``str(error)`` is what the user reads.

    Attributes
    ----------
    exit_code : int
        What the command line returns when this error ends a command.
    """

    exit_code: int = 1


class ScenarioError(ShoalError):
    """A scenario file, a venue profile or a ``--set`` value that cannot be used.

    Parameters
    ----------
    problems : str or sequence of str
        One line for each problem, ``file:line:col: path: sentence`` where the place is known.

    Attributes
    ----------
    problems : tuple of str
        The same lines; ``str(error)`` joins them with line breaks.
    """

    exit_code = 2

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems: tuple[str, ...] = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))


class DataError(ShoalError):
    """An input file that is missing, unreadable or not in the stated format."""

    exit_code = 2


class RuleError(ShoalError):
    """A question to the calculator that the venue's rules refuse, or a number that its integers cannot hold."""

    exit_code = 2


class EngineError(ShoalError):
    """A request the matching engine cannot take: wrong type, unknown order, bad column."""

    exit_code = 2


class CapacityError(ShoalError):
    """A room of the simulator that is full and may not grow further."""


class InvariantError(ShoalError):
    """A conservation law or an order-book rule was broken: a defect, never the user's fault."""


class ResultError(ShoalError):
    """A run folder that is incomplete, from another version, or does not match its manifest."""


class ForkError(ShoalError):
    """A run that cannot be saved, a saved state that cannot be read, or one that does not fit what should go on."""

    exit_code = 2
