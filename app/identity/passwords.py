"""Passwords: argon2id hashes, and what counts as good enough."""

from __future__ import annotations

from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.errors import FieldError

MIN_LENGTH: Final = 12
MAX_LENGTH: Final = 1024
"""Longer ones are refused: hashing them would only cost time."""

# The usual first guesses that are long enough; compared without case.
_COMMON: Final = frozenset(
    {
        "123456789012",
        "1234567890123",
        "111111111111",
        "000000000000",
        "123123123123",
        "abcdefghijkl",
        "qwertyuiop12",
        "qwertyuiopas",
        "qwertyuiop123",
        "1q2w3e4r5t6y",
        "password1234",
        "password12345",
        "password123456",
        "passwordpassword",
        "administrator",
        "administrator1",
        "adminadminadmin",
        "iloveyou1234",
        "changeme1234",
        "letmein123456",
        "welcome12345",
    }
)

_hasher = PasswordHasher()


def hash_password(password: str) -> str:
    """Return the argon2id hash of ``password`` (some 50 ms of CPU, by intent)."""
    return _hasher.hash(_octets(password))


def verify(stored: str | None, password: str) -> bool:
    """Say whether ``password`` belongs to ``stored``.

    With nothing stored, a hash of nobody's password is verified instead, so that an
    unknown account costs the same time as a wrong password.
    """
    nobody = _nobody()
    try:
        matches = _hasher.verify(stored or nobody, _octets(password))
    except (VerificationError, InvalidHashError):
        return False
    return matches and stored is not None


def outdated(stored: str) -> bool:
    """Say whether ``stored`` was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(stored)


def problem(field: str, password: str, *, username: str) -> FieldError | None:
    """Say what is wrong with a new password.

    Args:
        field: the field that the error is about.
        username: it must not be, or hold, the account's own name.
    """
    if len(password) < MIN_LENGTH:
        return FieldError(
            field, "too_short", "Use at least %(min)d characters.", {"min": MIN_LENGTH}
        )
    if len(password) > MAX_LENGTH:
        return FieldError(field, "too_long", "Use at most %(max)d characters.", {"max": MAX_LENGTH})
    lowered = password.lower()
    has_name = len(username) >= 4 and username.lower() in lowered
    if lowered in _COMMON or len(set(lowered)) < 4 or has_name:
        return FieldError(
            field,
            "too_common",
            "This password is easy to guess; choose one that others would not try.",
        )
    return None


def _octets(password: str) -> bytes:
    # JSON can carry lone surrogates, which plain UTF-8 refuses to encode.
    return password.encode("utf-8", "surrogatepass")


@cache
def _nobody() -> str:
    return _hasher.hash("nobody has this password")
