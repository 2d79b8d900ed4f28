"""Charging profiles and what they come to, in OCPP 2.0.1's words, whatever version told them. Pure."""
