"""The published dialects, one module each."""
