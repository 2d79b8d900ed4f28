"""A password hash for tests, of the usual form and without the usual 0.3 s."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class QuickHasher(PBKDF2PasswordHasher):
    """Django's default with one round in place of a million."""

    iterations = 1
