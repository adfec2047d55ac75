"""AWS Signature Version 4, as its specification has it, for requests with a body."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs for one *region* and *service* with an access key; *session* is the token of a temporary one, or empty."""

    region: str
    service: str
    access: str
    secret: str = field(repr=False)
    session: str = field(default="", repr=False)

    def headers(self, method: str, url: str, given: Mapping[str, str], body: bytes, moment: float) -> dict[str, str]:
        """Return *given* headers with those that sign the request at *moment* (seconds since 1970)."""
        parts = urlsplit(url)
        time = datetime.fromtimestamp(moment, UTC).strftime("%Y%m%dT%H%M%SZ")
        added = {"x-amz-date": time, **({"x-amz-security-token": self.session} if self.session else {})}
        signed = {name.lower(): " ".join(value.split()) for name, value in {**given, **added}.items()}
        signed["host"] = parts.netloc
        names = ";".join(sorted(signed))
        # Every segment of the path is encoded once more than it stands in the address.
        path = "/".join(quote(segment, safe="-_.~") for segment in (parts.path or "/").split("/"))
        canonical = "\n".join(
            [
                method,
                path,
                parts.query,
                *(f"{name}:{signed[name]}" for name in sorted(signed)),
                "",
                names,
                hashlib.sha256(body).hexdigest(),
            ]
        )
        scope = f"{time[:8]}/{self.region}/{self.service}/aws4_request"
        text = "\n".join([ALGORITHM, time, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        signature = hmac.new(self._key(time[:8]), text.encode(), hashlib.sha256).hexdigest()
        credential = f"{ALGORITHM} Credential={self.access}/{scope}, SignedHeaders={names}, Signature={signature}"
        return {**given, **added, "Authorization": credential}

    def _key(self, day: str) -> bytes:
        key = f"AWS4{self.secret}".encode()
        for part in (day, self.region, self.service, "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return key
