"""Send model calls for long, whole and streamed in turn, and print how much memory the worker holds meanwhile.

    python -m benchmarks.soak [--calls 1000000] [--steps 20]

The steps take turns: one of whole answers, one of streams.
"""

from __future__ import annotations

import argparse
import asyncio
import time

from benchmarks.load import counted
from benchmarks.peer import chat_call
from benchmarks.run import CONNECTIONS, interlock, upstream


def main() -> None:
    """Print one line for each step: calls so far, resident memory in MiB, calls a second."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--steps", type=int, default=20)
    args = parser.parse_args()
    each = args.calls // args.steps
    with upstream() as model, interlock(model) as (process, port, environment, _):
        print(f"{'calls':>9}  {'MiB':>6}  {'calls/s':>7}")
        print(f"{0:>9}  {process.memory_mib():>6.1f}", flush=True)
        for step in range(1, args.steps + 1):
            call = chat_call(environment["BENCH_KEY"], stream=step % 2 == 0)
            begun = time.monotonic()
            asyncio.run(counted(port, call, connections=CONNECTIONS, calls=each))
            rate = each / (time.monotonic() - begun)
            print(f"{each * step:>9}  {process.memory_mib():>6.1f}  {rate:>7.0f}", flush=True)


if __name__ == "__main__":
    main()
