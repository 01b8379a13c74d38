"""``make bench``: every figure as CPU time, as a ratio to the reference loop, and beside its bar."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.bench.clock import cpu_seconds, reference_loop

FLOW = "data/order_flow/me_flash-crash_seed23_n1000000.csv.xz"


@dataclass(frozen=True)
class Row:
    """One figure: ``per_reference`` is it divided by the reference loop's CPU seconds."""

    name: str
    value: float
    unit: str
    bar: float | None = None
    more_is_better: bool = False
    note: str = ""

    def scales(self) -> bool:
        """Whether the figure is a time, so that a faster machine would lower it."""
        return self.unit.split("/")[0] in ("ns", "us", "ms", "CPU-ms", "CPU-s", "M messages", "s")

    def verdict(self) -> str:
        """Whether the bar is met, and by how much it is missed."""
        if self.bar is None:
            return ""
        gap = (self.bar / self.value if self.more_is_better else self.value / self.bar) - 1.0
        return "met" if gap <= 0 else f"missed by {100 * gap:.0f}%"


def core_rows() -> list[Row]:
    """Synthetic streams: one book, many books, crash phase, one message per call."""
    from tests.bench import core

    columns, _ = core.stream()
    one = core.Replay(core.messages_of(columns), columns["oid"], [1 << 14], 20_000)
    rows = [
        Row("W1, one book", one.ns()[0], "ns/message", 15.5, note="aim 14"),
        Row("W1, one message per call from a compiled loop", one.ns(core.agent_loop)[0], "ns/message", 15.5),
        Row("W1, crash phase over calm", core.crash_ratio(one), "x", 1.3),
        Row("one level, 1,000,000 over 100,000 random cancels", core.deep_queue_ratio(), "x", 14.0),
        Row("memory of a book, 16,384 ticks a side", one.bytes_per_book / 1e6, "MB", note="0.52 of it the ladder"),
    ]
    for n_books, bar, options in (
        (16, 19.0, {"books": 16}),
        (200, 28.0, {"n": 4_000_000, "books": 200, "depth": 1000}),
    ):
        columns, _ = core.stream(**options)
        many = core.Replay(core.messages_of(columns), columns["oid"], [1 << 14] * n_books, 400_000)
        rows.append(Row(f"W{n_books}, {n_books} books", many.ns(repeats=5)[0], "ns/message", bar))
    return rows


def flow_rows() -> list[Row]:
    """The public flash-crash order flow, 1,996,097 messages, with handles and with client ids."""
    from sim.orderflow import read_orders
    from tests.bench import core

    path = Path(os.environ.get("SHOAL_EVIDENCE", "../shared")) / FLOW
    if not path.exists():
        print(f"skipped: public order flow ({path.name} is not there; set SHOAL_EVIDENCE)", file=sys.stderr)
        return []
    columns = read_orders(path)
    with_handles = core.flow_with_handles(columns).ns()[0]
    with_ids = core.flow_with_ids(columns)
    return [
        Row("public flash-crash flow, handles", 1e3 / with_handles, "M messages/s", 58.0, True),
        Row("public flash-crash flow, client ids", 1e3 / with_ids, "M messages/s", 28.0, True),
    ]


def run_rows() -> list[Row]:
    """Whole runs, recording on, compile and build out."""
    import sim
    from tests.bench.mail import ns_per_message

    rows = [Row("mailbox, over direct submission", ns_per_message(), "ns/message", note="sorting a tick by arrival")]
    for name in ("calm_btc", "flash_10_11_btc"):
        scenario = sim.load(name)
        summary = min((scenario.run(seed=seed).summary for seed in (1, 2, 3)), key=lambda s: s["cpu_s"])
        messages, cpu, simulated = summary["messages"], summary["cpu_s"], scenario.spec.duration
        rows += [
            Row(f"{name}: whole run", messages / cpu / 1e6, "M messages/CPU-s", 12.0, True, "DECISIONS 25 mix"),
            Row(f"{name}: a book-second", cpu / (2 * simulated) * 1e6, "us", 10.0),
            Row(f"{name}: message mix", messages / (2 * simulated), "messages/book-second"),
            Row(f"{name}: simulated time", simulated / cpu, "s/CPU-s", None, True),
        ]
        if name.startswith("flash"):
            rows.append(Row(f"{name}: 20:20-03:00", cpu, "CPU-s", 8.0))
    return rows


def scale_rows() -> list[Row]:
    """Markets at the design's intensity in a table of 100,000 and of 1,000,000 accounts, the sweep cell, memory."""
    from tests.bench import scale

    changes = scale.cancel_share()
    rows = []
    for name in ("calm_btc", "flash_10_11_btc"):
        both = scale.run_both(name, "1h")
        messages, cpu, perp = both["messages"], both["seconds"], f"{name}, dense, 100,000 accounts"
        rows += [
            Row(perp, messages / cpu / 1e6, "M messages/CPU-s", 12.0, True, "an hour, 32 firms x 24 rungs a side"),
            Row("  a book-second", cpu / 7200 * 1e6, "us", note="the bar of 10 is for 80-110 messages"),
            Row("  message mix", messages / 7200, "messages/book-second"),
            Row("  simulated time", 3600 / cpu, "s/CPU-s", None, True),
            Row("  cancels and replaces per fill", changes * messages / both["fills"], "x"),
            Row("  speed in a table of 1,000,000", 100 * both["ratio"], "%", 90.0, True, "same active accounts, pairs"),
        ]
    cell = scale.cell()
    messages, cpu = cell["messages"], cell["seconds"]
    rows += [
        Row("sweep cell, an hour at 1 s, news of -2%", cpu, "CPU-s", 0.2, note="build and summary included; aim 0.12"),
        Row("  whole cell", messages / cpu / 1e6, "M messages/CPU-s", None, True),
        Row("  message mix", messages / cell["duration"], "messages/s", note="200-400 in calm"),
        Row("  simulated time", cell["duration"] / cpu, "s/CPU-s", None, True),
        Row("  cancels and replaces per fill", changes * messages / cell["fills"], "x"),
    ]
    if sys.platform == "linux":
        for n_rows, spread_over in ((scale.ROWS, 0), (scale.MORE_ROWS, scale.MORE_ROWS)):
            before, after = scale.peak_bytes(spread_over)
            note = f"flash_10_11_btc, dense, an hour; {before / 1e6:.0f} of it before the market is built"
            rows.append(Row(f"peak memory, {n_rows:,} accounts", after / 1e6, "MB", note=note))
    of_book, of_account = scale.array_bytes()
    return [
        *rows,
        Row("memory of a book, 131,072 ticks a side", of_book / 1e6, "MB"),
        Row("memory of an account", of_account, "bytes"),
    ]


def replay_rows() -> list[Row]:
    """The replay over exchanges and assets, whole, and with a million accounts."""
    from tests.bench import replay

    whole = replay.fresh(1)
    ratio, many = replay.grown()
    name = f"{replay.NAME}, {whole['accounts']:,} accounts"
    return [
        Row(f"{name}: 20:20-03:00", whole["seconds"], "CPU-s", 8.0),
        Row("  a book-second", whole["seconds"] / whole["book_seconds"] * 1e6, "us", 10.0),
        Row("  message mix", whole["messages"] / whole["book_seconds"], "messages/book-second"),
        Row("  build", whole["build"], "CPU-s"),
        Row("  peak memory", whole["bytes"] / 1e6, "MB", 350.0),
        Row(f"  time of a tick with {many['accounts']:,} accounts", ratio, "x", 1.3, note="quarter of an hour, pairs"),
        Row("  peak memory with them", many["bytes"] / 1e6, "MB"),
    ]


def sweep_rows() -> list[Row]:
    """The sweep cell in a sweep on two workers, against one worker, against bare processes; the engine alone."""
    from tests.bench import sweep

    found = sweep.pair()
    wall_ms, cpu_ms = sweep.engine_ms()
    return [
        Row("sweep on 2 workers, time that goes into runs", 100 * found["share"], "%", 90.0, True, "once at work"),
        Row("  with the start of the workers", 100 * found["whole_share"], "%", None, True, f"{sweep.RUNS} runs"),
        Row("  runs a second, over twice those of 1 worker", 100 * found["scaling"], "%", 90.0, True),
        Row("  the same of 2 bare processes over 1", 100 * found["bare"], "%", None, True, "the machine's own loss"),
        Row("  runs", found["runs_per_s"], "1/s", None, True),
        Row("  start of the workers", found["start_s"], "s"),
        Row("  time foreseen by --dry-run over the time taken", 100 * found["foreseen"], "%", note="bar: 70 to 130"),
        Row("  driver, a run of the sweep cell", found["driver_ms"], "CPU-ms"),
        Row("engine alone, a run of no work on 2 workers", wall_ms, "ms", note="on the disk before the next"),
        Row("  driver", cpu_ms, "CPU-ms"),
    ]


def start_rows() -> list[Row]:
    """Fresh processes: quick commands (DECISIONS 27), the first result with a cold kernel cache and with a warm one."""
    code = "import sim; sim.load('calm_btc', set={'duration': '1m'}).run(seed=1)"
    usual = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryDirectory() as cache:
        seconds = []
        for _ in range(2):
            begin = cpu_seconds_of_children()
            subprocess.run([sys.executable, "-c", code], check=True, env=usual | {"NUMBA_CACHE_DIR": cache})
            seconds.append(cpu_seconds_of_children() - begin)
    commands: dict[str, Row] = {}
    for words, bar in ((("--help",), 0.3), (("list",), 0.3), (("validate", "calm_btc"), 0.5)):
        took = []
        for _ in range(3):
            begin = cpu_seconds_of_children()
            subprocess.run([sys.executable, "-m", "sim", *words], check=True, env=usual, stdout=subprocess.DEVNULL)
            took.append(cpu_seconds_of_children() - begin)
        commands[words[0]] = Row(f"shoal {' '.join(words)}", min(took), "CPU-s", bar, note="best of three")
    return [
        *commands.values(),
        Row("first result, cold cache", seconds[0], "CPU-s", 60.0, note="all kernels compiled: bar 30 for these alone"),
        Row("first result, warm cache", seconds[1], "CPU-s", 1.5),
    ]


def cpu_seconds_of_children() -> float:
    """User plus system time of finished child processes."""
    import resource

    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Print the table; ``--json FILE`` keeps it, ``--only core,flow,run,scale,replay,sweep,start`` chooses."""
    parts = {
        "core": core_rows,
        "flow": flow_rows,
        "run": run_rows,
        "scale": scale_rows,
        "replay": replay_rows,
        "sweep": sweep_rows,
        "start": start_rows,
    }
    chosen = sys.argv[sys.argv.index("--only") + 1].split(",") if "--only" in sys.argv else list(parts)
    begin = cpu_seconds()
    reference = sorted(reference_loop() for _ in range(3))[1]
    print(f"reference loop {reference:.3f} CPU-s\n")
    print(f"{'figure':52} {'value':>10} {'unit':20} {'per ref':>9} {'bar':>7}")
    rows = []
    for part in chosen:
        for row in parts[part]():
            rows.append(row)
            scale = reference if row.scales() else 1.0
            per = row.value * scale if row.more_is_better else row.value / scale
            bar = "" if row.bar is None else f"{row.bar:g}"
            print(f"{row.name:52} {row.value:10.2f} {row.unit:20} {per:9.2f} {bar:>7} {row.verdict()} {row.note}")
    if "--json" in sys.argv:
        kept = {"reference_loop_s": reference, "rows": [asdict(row) for row in rows]}
        Path(sys.argv[sys.argv.index("--json") + 1]).write_text(json.dumps(kept, indent=1))
    print(f"\n{cpu_seconds() - begin:.0f} CPU-s in all")


if __name__ == "__main__":
    main()
