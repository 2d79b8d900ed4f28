"""OCPP-J on the wire: frames, sessions, validation and forgiveness. Pure: no I/O, no clock."""
