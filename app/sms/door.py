"""Authenticates clients by their tokens. The settings contain only the SHA-256 of each token.

A token has 256 random bits, so nobody can find it from its hash. A slow hash, as for passwords that people choose,
would only cost time.
"""

import hmac
from hashlib import sha256

from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized

from sms.clients import ANYBODY, Client, clients_of
from sms.settings import Settings

CHALLENGE = WWWAuthenticate("bearer", {"realm": "sms"})


class Door:
    """Finds the client of a request. If OPEN_TO_ANYBODY is true, all requests have one client without a name."""

    def __init__(self, settings: Settings):
        self._anybody = ANYBODY if settings.open_to_anybody else None
        self._tokens = [
            (client, token.encode()) for client in clients_of(settings) for token in settings.client_tokens[client.name]
        ]

    def client(self, authorization: str | None) -> Client:
        """Raises `Unauthorized`, with the same text for a wrong token and for no token."""
        if self._anybody:
            return self._anybody
        scheme, _, token = (authorization or "").partition(" ")
        shown = sha256(token.encode("utf-8", "surrogatepass")).hexdigest().encode()
        found = None
        # Compare with all tokens, each in constant time: the duration must not show which one matches.
        for client, known in self._tokens:
            if hmac.compare_digest(known, shown):
                found = client
        if found is None or scheme.lower() != "bearer":
            raise Unauthorized("A client's token is needed: Authorization: Bearer …", www_authenticate=CHALLENGE)
        return found
