"""Users of PostgreSQL as a condition of the contract suite wants them."""

from __future__ import annotations

from secrets import token_hex

import asyncpg

from interlock.testing.connectors import Condition

RIGHTS = {Condition.throttled: "LOGIN CONNECTION LIMIT 0", Condition.expired: "NOLOGIN"}


async def clerk(connection: asyncpg.Connection, condition: Condition, table: str) -> str:
    """Make a user who may do anything with *table*, and stop the server's work, and return its name."""
    name = f"clerk_{token_hex(6)}"
    await connection.execute(f"CREATE ROLE {name} {RIGHTS.get(condition, 'LOGIN')}; GRANT ALL ON {table} TO {name}")
    await connection.execute(f"GRANT pg_signal_backend TO {name}")
    return name
