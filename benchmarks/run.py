"""Measure a governed action over REST and over MCP beside a bare relay, in processor milliseconds a call.

    python -m benchmarks.run [--seconds 3] [--rounds 3] [--write]
    python -m benchmarks.run decision|journal|origins

The server that is measured runs on core 0, upstream and load on core 1; relay and Interlock take turns in each round.
With --write the table goes to docs/reference/performance.md. A part that is named is measured alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.load import closed_loop, request_bytes
from benchmarks.peer import chat_call, mcp_call, prepare, rest_call
from benchmarks.processes import PYTHON, Process, free_port

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "reference" / "performance.md"
CONNECTIONS = 16
LIMITS = {"model call": 0.45, "model stream": 0.9, "action over REST": 0.8, "action over MCP": 1.0}
RATIOS = {"model call": 2.3, "model stream": 2.1, "action over REST": 4.1, "action over MCP": 5.1}
"""The same limits beside the relay: its own call took 0.197 ms, its stream 0.42, where the limits were set."""
REFERENCES = {"read": "relay GET", "action": "relay POST", "model call": "relay chat", "model stream": "relay stream"}
PARTS = ("decision", "journal", "origins")
PACKAGES = ("uvicorn", "uvloop", "httptools", "starlette", "aiohttp", "cedarpy", "jsonschema-rs", "orjson")


@dataclass(slots=True)
class Row:
    """One kind of call: processor milliseconds a call, one figure for each round."""

    name: str
    figures: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The middle figure."""
        return statistics.median(self.figures)


@contextmanager
def upstream() -> Iterator[int]:
    """Run what stands for the business system and the model; yield its port."""
    port = free_port()
    with Process([PYTHON, "-m", "benchmarks.upstream", "--port", str(port)], core=1) as process:
        process.wait_for(f"http://127.0.0.1:{port}/")
        yield port


@contextmanager
def _relay(upstream: int) -> Iterator[tuple[Process, int]]:
    port = free_port()
    words = [PYTHON, "-m", "uvicorn", "benchmarks.relay:app", "--port", str(port), "--loop", "uvloop"]
    words += ["--http", "httptools", "--no-access-log", "--log-level", "warning"]
    environment = {"UPSTREAM": f"http://127.0.0.1:{upstream}"}
    with Process(words, core=0, environment=environment) as process:
        process.wait_for(f"http://127.0.0.1:{port}/customers/42")
        yield process, port


@contextmanager
def interlock(upstream: int) -> Iterator[tuple[Process, int, dict[str, str], float]]:
    """Run the worker that is measured; yield it, its port, its environment and the seconds until it was ready."""
    folder = Path(tempfile.mkdtemp(prefix="interlock-bench-"))
    port = free_port()
    environment = prepare(folder, upstream)
    words = [PYTHON, "-m", "interlock.app.main", "serve", "--project", str(folder / "project"), "--port", str(port)]
    try:
        with Process(words, core=0, environment=environment) as process:
            ready = process.wait_for(f"http://127.0.0.1:{port}/readyz")
            yield process, port, environment, ready
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measure(process: Process, port: int, request: bytes, seconds: float, row: Row) -> None:
    asyncio.run(closed_loop(port, request, connections=CONNECTIONS, seconds=min(1.0, seconds)))
    before = process.processor_seconds()
    load = asyncio.run(closed_loop(port, request, connections=CONNECTIONS, seconds=seconds))
    spent = process.processor_seconds() - before
    if load.errors:
        raise RuntimeError(f"{row.name}: {load.errors} of {load.answers} failed: {load.first_error[:800]!r}")
    row.figures.append(spent * 1000 / load.answers)
    row.rates.append(load.answers / load.seconds)


def measure(rounds: int, seconds: float) -> tuple[list[Row], dict[str, float]]:
    """Return one row for each kind of call, and memory and start-up of the server."""
    names = ["relay GET", "relay POST", "relay chat", "relay stream", "read over REST", "action over REST"]
    names += ["read over MCP", "action over MCP", "model call", "model stream"]
    rows = {name: Row(name) for name in names}
    extra: dict[str, float] = {}
    with upstream() as model:
        for _ in range(rounds):
            with _relay(model) as (process, port):
                body = json.dumps({"order_id": "4711", "amount": 25.0, "reason": "damaged"}).encode()
                json_kind = {"content-type": "application/json"}
                _measure(process, port, request_bytes("GET", "/customers/42", {}), seconds, rows["relay GET"])
                post = request_bytes("POST", "/refunds", json_kind, body)
                _measure(process, port, post, seconds, rows["relay POST"])
                for kind, stream in (("chat", False), ("stream", True)):
                    _measure(process, port, chat_call(stream=stream), seconds, rows[f"relay {kind}"])
            with interlock(model) as (process, port, environment, ready):
                extra["ready_s"], extra["idle_mib"] = ready, process.memory_mib()
                base = f"http://127.0.0.1:{port}"
                for effect, name in (("read", "read"), ("write", "action")):
                    rest = rest_call(base, environment, effect)
                    _measure(process, port, rest, seconds, rows[f"{name} over REST"])
                    mcp = mcp_call(base, environment, effect)
                    _measure(process, port, mcp, seconds, rows[f"{name} over MCP"])
                for name, stream in (("model call", False), ("model stream", True)):
                    call = chat_call(environment["BENCH_KEY"], stream=stream)
                    _measure(process, port, call, seconds, rows[name])
                extra["loaded_mib"] = process.memory_mib()
    return list(rows.values()), extra


def table(rows: list[Row], extra: dict[str, float]) -> str:
    """Return the measurement as a Markdown table, ratios to the bare relay of the same run."""
    by_name = {row.name: row for row in rows}
    lines = [
        "| call | processor ms a call | beside the bare relay | target | beside the relay |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        reference = by_name[next((REFERENCES[kind] for kind in REFERENCES if row.name.startswith(kind)), row.name)]
        ratio = "1" if row.name.startswith("relay") else f"{row.median / reference.median:.1f}"
        limits = f"{LIMITS[row.name]} | {RATIOS[row.name]}" if row.name in LIMITS else " | "
        lines.append(f"| {row.name} | {row.median:.3f} | {ratio} | {limits} |")
    lines.append("")
    lines.append(
        f"Memory of the worker: {extra['idle_mib']:.0f} MiB idle, {extra['loaded_mib']:.0f} MiB after the run. "
        f"Ready {extra['ready_s']:.1f} s after its start."
    )
    return "\n".join(lines)


def main() -> None:
    """Measure and print, everything or one part; with --write everything also into the documentation."""
    parser = argparse.ArgumentParser(description="measure a governed action beside a bare relay")
    parser.add_argument("part", nargs="?", choices=PARTS, help="measure only this part, and write nothing")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each measurement lasts")
    parser.add_argument("--rounds", type=int, default=3, help="how many rounds; the median counts")
    parser.add_argument("--write", action="store_true", help="write docs/reference/performance.md")
    args = parser.parse_args()
    if args.part:
        print(_script(args.part))
        return
    started = time.monotonic()
    text = table(*measure(args.rounds, args.seconds))
    print(text)
    parts = [_script(name) for name in PARTS]
    for part in parts:
        print(part)
    print(f"\nmeasured in {time.monotonic() - started:.0f} s")
    if args.write:
        PAGE.write_text(_page(text, parts), "utf-8")


def _script(name: str) -> str:
    words = [PYTHON, "-m", f"benchmarks.{name}"]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip("\n")


def _page(text: str, parts: list[str]) -> str:
    day = datetime.now(UTC).date().isoformat()
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.release().split('-')[0]}"
    template = (HERE / "performance.md.template").read_text("utf-8")
    return template.format(
        day=day,
        python=platform.python_version(),
        versions=versions,
        machine=machine,
        table=text,
        parts="\n\n".join(f"```text\n{part}\n```" for part in parts),
    )


if __name__ == "__main__":
    main()
