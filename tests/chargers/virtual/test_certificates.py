"""Certificates that a CSMS installs, deletes and signs."""

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID

from chargers.virtual.certificates import hash_data
from chargers.wire.validation import V16
from tests.chargers.virtual.conftest import ready

pytestmark = pytest.mark.once

ROOT_KEY = ec.generate_private_key(ec.SECP256R1())
ROOTS = {V16: "CentralSystemRootCertificate", "ocpp2.0.1": "CSMSRootCertificate"}


def named(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def certificate(subject="Root", key=ROOT_KEY, issuer=("Root", ROOT_KEY), since=2020, until=2099):
    """Return a certificate, self-signed unless `key` is another's, which is valid for those years."""
    builder = x509.CertificateBuilder().subject_name(named(subject)).issuer_name(named(issuer[0]))
    builder = builder.public_key(key.public_key()).serial_number(0xABC)
    builder = builder.not_valid_before(datetime(since, 1, 1, tzinfo=UTC))
    return builder.not_valid_after(datetime(until, 1, 1, tzinfo=UTC)).sign(issuer[1], hashes.SHA256())


def pem(*certificates):
    return "".join(each.public_bytes(Encoding.PEM).decode() for each in certificates)


def order(server, text):
    return {"certificateType": ROOTS[server.version], "certificate": text}


@pytest.mark.parametrize(
    "key", [ROOT_KEY, rsa.generate_private_key(65537, 2048)], ids=["elliptic curve", "RSA"]
)
@pytest.mark.parametrize(
    ("name", "algorithm"),
    [("SHA256", hashes.SHA256()), ("SHA384", hashes.SHA384()), ("SHA512", hashes.SHA512())],
)
def test_hash_is_that_of_rfc_6960(key, name, algorithm):
    root = certificate(key=key, issuer=("Root", key))
    asked = ocsp.OCSPRequestBuilder().add_certificate(root, root, algorithm).build()

    assert hash_data(root, root, name) == {
        "hashAlgorithm": name,
        "issuerNameHash": asked.issuer_name_hash.hex(),
        "issuerKeyHash": asked.issuer_key_hash.hex(),
        "serialNumber": "abc",
    }


async def test_installed_certificate_is_named_by_its_hash(either, build):
    await ready(build(either), either)
    root = certificate()

    await either.call("InstallCertificate", order(either, pem(root)))
    wanted = ROOTS[either.version]
    wanted = wanted if either.version == V16 else [wanted]
    answer = (await either.call("GetInstalledCertificateIds", {"certificateType": wanted})).payload

    assert answer["status"] == "Accepted"
    assert hash_data(root, root) in (
        answer.get("certificateHashData") or [answer["certificateHashDataChain"][0]["certificateHashData"]]
    )


async def test_without_certificates_none_is_found(either, build):
    await ready(build(either), either)
    kind = "ManufacturerRootCertificate"

    finished = await either.call(
        "GetInstalledCertificateIds", {"certificateType": kind if either.version == V16 else [kind]}
    )

    assert finished.payload == {"status": "NotFound"}


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        pem(certificate(until=2021)),
    ],
    ids=["no PEM", "no certificate", "expired"],
)
async def test_nonsense_is_not_installed(either, build, text):
    point = await ready(build(either), either)

    assert (await either.call("InstallCertificate", order(either, text))).payload["status"] == "Rejected"
    assert point.certificates.entries == []


async def test_no_more_is_installed_than_there_is_room(either, build):
    point = await ready(build(either, configuration={"CertificateStoreMaxLength": 1}), either)
    texts = [pem(certificate()), pem(certificate()), pem(certificate(since=2019))]
    texts[1] = texts[0]  # again, which takes no room

    answers = [(await either.call("InstallCertificate", order(either, each))).payload for each in texts]

    assert [answer["status"] for answer in answers] == ["Accepted", "Accepted", "Rejected"]
    assert len(point.certificates.entries) == 1


async def test_next_root_is_signed_by_the_one_before(csms, build):
    await ready(build(csms, configuration={"AdditionalRootCertificateCheck": "true"}), csms)
    key = ec.generate_private_key(ec.SECP256R1())
    signed, stranger = certificate("Next", key), certificate("Other", key, ("Other", key))

    answers = [
        (await csms.call("InstallCertificate", order(csms, pem(each)))).payload["status"]
        for each in (certificate(), stranger, signed)
    ]

    assert answers == ["Accepted", "Rejected", "Accepted"]


async def test_deleted_certificate_is_gone(either, build):
    await ready(build(either), either)
    root = certificate()
    await either.call("InstallCertificate", order(either, pem(root)))
    wanted = {"certificateHashData": hash_data(root, root, "SHA512")}

    answers = [(await either.call("DeleteCertificate", wanted)).payload["status"] for _ in range(2)]

    assert answers == ["Accepted", "NotFound"]


def events(server):
    return [told["type"] for told in server.of("SecurityEventNotification")]


async def asked_for(server, point):
    """Have a certificate asked for, and return the request."""
    action, message = ("TriggerMessage", "SignChargingStationCertificate")
    if server.version == V16:
        action, message = ("ExtendedTriggerMessage", "SignChargePointCertificate")
    assert (await server.call(action, {"requestedMessage": message})).payload == {"status": "Accepted"}
    return x509.load_pem_x509_csr((await server.hears("SignCertificate"))["csr"].encode())


async def test_trigger_asks_for_a_certificate(csms, build):
    await ready(build(csms, configuration={"CpoName": "Owner Ltd"}), csms)

    await csms.call("ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"})

    request = x509.load_pem_x509_csr((await csms.hears("SignCertificate"))["csr"].encode())
    assert request.is_signature_valid
    assert request.subject.rfc4514_string() == "O=Owner Ltd,CN=CP-1"


async def test_certificate_for_the_request_is_taken(either, build):
    point = await ready(build(either), either)
    request = await asked_for(either, point)
    leaf = certificate("CP-1", request)

    finished = await either.call("CertificateSigned", {"certificateChain": pem(leaf, certificate())})

    assert finished.payload == {"status": "Accepted"}
    assert point.certificates.entries[0].chain[0] == leaf


async def test_own_certificate_cannot_be_deleted(csms201, point201):
    leaf = certificate("CP-1", await asked_for(csms201, point201))
    root = certificate()
    await csms201.call("CertificateSigned", {"certificateChain": pem(leaf, root)})

    finished = await csms201.call("DeleteCertificate", {"certificateHashData": hash_data(leaf, root)})

    assert finished.payload == {"status": "Failed"}


@pytest.mark.parametrize("text", ["nonsense", pem(certificate())], ids=["no PEM", "another's key"])
async def test_certificate_of_another_key_is_an_event(either, build, text):
    point = await ready(build(either), either)
    await asked_for(either, point)

    finished = await either.call("CertificateSigned", {"certificateChain": text})

    assert finished.payload["status"] == "Rejected"
    event = "InvalidChargePointCertificate" if either.version == V16 else "InvalidChargingStationCertificate"
    await either.until(lambda: event in events(either))


async def test_request_is_repeated_until_it_is_answered(csms, build):
    settings = {"CertSigningWaitMinimum": 0, "CertSigningRepeatTimes": 2}
    point = await ready(build(csms, configuration=settings), csms)

    await asked_for(csms, point)

    assert (await csms.hears("SignCertificate", 3)) == csms.of("SignCertificate")[0]


async def test_v2g_certificate_is_for_plug_and_charge(csms201, build):
    order = {"requestedMessage": "SignV2GCertificate"}
    point = await ready(build(csms201), csms201)
    without = (await csms201.call("TriggerMessage", order)).payload
    point.configuration.learn("ISO15118PnCEnabled", "true")

    assert without == {"status": "Rejected"}
    assert (await csms201.call("TriggerMessage", order)).payload == {"status": "Accepted"}
    assert (await csms201.hears("SignCertificate"))["certificateType"] == "V2GCertificate"
