"""What vendors say to each other (OCPP 1.6 section 5.6; 2.0.1 block P)."""


def _data_transfer(point, payload):
    return point.vendors.receive(payload["vendorId"], payload.get("messageId"), payload.get("data"))


HANDLERS_16 = {
    "DataTransfer": _data_transfer,
}
HANDLERS_201 = {
    "DataTransfer": _data_transfer,
}
