#!/usr/bin/env python
"""Django's command line for Stationmaster."""

import os
import sys


def main():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "csms.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    try:
        execute_from_command_line(sys.argv)
    except (ImproperlyConfigured, OperationalError) as error:
        # Whoever runs this can put it right, and a traceback would hide what the matter is.
        if "--traceback" in sys.argv:
            raise
        is_database = isinstance(error, OperationalError)
        sys.exit(f"The database of DATABASE_URL cannot be used: {error}" if is_database else str(error))


if __name__ == "__main__":
    main()
