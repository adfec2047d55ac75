"""Running `interlock` as a person does, with a key in the environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from examples.northwind.demonstration.scene import Scene


def interlock(scene: Scene, *words: str, by: str) -> subprocess.CompletedProcess[str]:
    """Run a command with the key of somebody of the scene."""
    return subprocess.run(
        [sys.executable, "-m", "interlock.app.main", *words],
        env={**os.environ, **scene.town.environment, "INTERLOCK_KEY": scene.who(by).key},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def answer(scene: Scene, *words: str, by: str) -> Any:
    """Run a command that must succeed, and return its JSON."""
    done = interlock(scene, *words, "--json", by=by)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)
