"""The Northwind demo as a script: `interlock demo` runs it, and so does `python examples/northwind/demo.py`.

It knows Interlock only from outside: the command line, and REST with a key for everybody who takes part.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    sys.exit(import_module("examples.northwind.demonstration.run").main())
