"""The virtual charge point."""
