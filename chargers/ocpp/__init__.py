"""The CSMS side of OCPP: inbound handlers per version, and the committer that runs them."""
