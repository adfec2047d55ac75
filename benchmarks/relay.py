"""The reference: a bare Starlette application that relays to the upstream through aiohttp and does nothing else."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

UPSTREAM = os.environ.get("UPSTREAM", "")


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), auto_decompress=False) as session:
        app.state.session = session
        yield


async def _relay(request: Request) -> Response:
    body = await request.body()
    session: aiohttp.ClientSession = request.app.state.session
    headers = {"content-type": "application/json"}
    asked = session.request(request.method, UPSTREAM + request.url.path, data=body or None, headers=headers)
    if b'"stream": true' in body:
        answer = await asked
        return StreamingResponse(_parts(answer), answer.status, media_type="text/event-stream")
    async with asked as answer:
        return Response(await answer.read(), answer.status, media_type="application/json")


async def _parts(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    async with answer:
        async for part in answer.content.iter_any():
            yield part


app = Starlette(routes=[Route("/{path:path}", _relay, methods=["GET", "POST"])], lifespan=_lifespan)
