"""What was found wrong in a user's file, what was done about it, and what else the user should know."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Severity = Literal["warning", "repaired", "refused"]
Side = Literal["bid", "ask", "both"]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with the data, whatever was done about it.

    Attributes
    ----------
    kind : str
        Short name, such as "gap" or "phantom".
    severity : {"warning", "repaired", "refused"}
        The values were used as they stand; were changed as the sentence says; were not used.
    sentence : str
        What was found, on what grounds, and what was done.
    side : {"bid", "ask", "both"} or None
    count : int
        Snapshots, rows or bands concerned.
    from_utc, to_utc : str or None
        First and last time concerned, ISO in UTC.
    line : int or None
        First line of the file concerned.
    """

    kind: str
    severity: Severity
    sentence: str
    side: Side | None = None
    count: int = 1
    from_utc: str | None = None
    to_utc: str | None = None
    line: int | None = None

    def touches(self, first_us: int, last_us: int) -> bool:
        """Whether it concerns a window, microseconds since 1970 UTC; one without times concerns every window."""
        if self.from_utc is None or self.to_utc is None:
            return True
        first, last = (datetime.fromisoformat(text) for text in (self.from_utc, self.to_utc))
        return first.timestamp() * 1e6 <= last_us and last.timestamp() * 1e6 >= first_us

    def text(self) -> str:
        """The finding as one line of text."""
        when = "" if self.from_utc is None else f"{self.from_utc}"
        if self.to_utc not in (None, self.from_utc):
            when += f" to {self.to_utc}"
        head = " ".join(
            part for part in (self.kind, self.side or "", f"({self.count})" if self.count > 1 else "") if part
        )
        where = f" [{when}]" if when else ""
        line = f" line {self.line}:" if self.line is not None else ""
        return f"{self.severity}: {head}{where}:{line} {self.sentence}"


@dataclass
class Log:
    """Findings and remarks in the order in which they were made.

    Attributes
    ----------
    findings : list of Finding
        Defects of the data.
    remarks : list of str
        What was understood or assumed; no defect.
    """

    findings: list[Finding] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def add(
        self,
        kind: str,
        severity: Severity,
        sentence: str,
        *,
        side: Side | None = None,
        times_us: NDArray[np.int64] | Sequence[int] | None = None,
        count: int | None = None,
        line: int | None = None,
    ) -> None:
        """Note a finding; ``times_us`` are the times concerned, microseconds since 1970 UTC."""
        times = np.asarray([] if times_us is None else times_us, np.int64)
        first, last = (iso(int(times.min())), iso(int(times.max()))) if times.size else (None, None)
        n = count if count is not None else max(1, times.size)
        self.findings.append(Finding(kind, severity, sentence, side, n, first, last, line))

    def remark(self, sentence: str) -> None:
        """Note something the user should know that is no defect; a sentence already noted is not repeated."""
        if sentence not in self.remarks:
            self.remarks.append(sentence)

    def plain(self) -> list[dict[str, Any]]:
        """Findings as plain data."""
        return [asdict(finding) for finding in self.findings]


def iso(time_us: int) -> str:
    """A time as ISO text in UTC, to the second where it falls on one.

    Parameters
    ----------
    time_us : int
        Microseconds since 1970, UTC.

    Returns
    -------
    str
        Such as "2025-10-10T15:30:42Z".
    """
    moment = datetime.fromtimestamp(time_us // 1_000_000, UTC).replace(microsecond=time_us % 1_000_000)
    return moment.isoformat().replace("+00:00", "Z")


def listed(times_us: NDArray[np.int64], most: int = 3) -> str:
    """The first few of many times, for a sentence."""
    shown = ", ".join(iso(int(t))[11:].rstrip("Z") for t in times_us[:most])
    return shown + (f" and {len(times_us) - most} more" if len(times_us) > most else "")
