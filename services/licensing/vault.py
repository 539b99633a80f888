"""Secrets that others gave us and that we must be able to say again: sealed at rest with a key of the environment."""

import base64
from hashlib import blake2b

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox


class Vault:
    """XSalsa20-Poly1305 with a key made of one of the service's seeds, so that the database alone tells nothing."""

    def __init__(self, seed: str) -> None:
        self._box = SecretBox(blake2b(seed.encode(), digest_size=32, person=b"daybook/vault").digest())

    def seal(self, secret: str) -> str:
        """The secret, sealed, as base64."""
        return base64.b64encode(self._box.encrypt(secret.encode())).decode()

    def open(self, sealed: str) -> str:
        """The secret again; ValueError where it was sealed with another key."""
        try:
            return self._box.decrypt(base64.b64decode(sealed)).decode()
        except CryptoError as error:
            raise ValueError("sealed with another key") from error
