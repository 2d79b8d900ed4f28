"""The acceptance list of EVerest's OCPP 1.6 charge point, played by ours against the real server."""
