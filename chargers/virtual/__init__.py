"""Our own charge point, OCPP 1.6 and 2.0.1: the far end of the wire for tests, demos and curious people.

It knows `chargers.wire` and nothing else of this project: no database, no Django.
"""
