"""The certificates that the virtual charge point keeps, and its own keys (OCPP 2.0.1 blocks A02 and M).

Real keys, real requests and real hashes; but the connection does not use them: whoever runs a charge
point behind TLS gives the system's trust store.
"""

from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

STATION, V2G = "ChargingStationCertificate", "V2GCertificate"
CSMS_ROOT, V2G_CHAIN = "CSMSRootCertificate", "V2GCertificateChain"
_LONGEST_NAME = 64
_ALGORITHMS = {"SHA256": hashes.SHA256, "SHA384": hashes.SHA384, "SHA512": hashes.SHA512}


class NotACertificate(Exception):
    """A text that holds no certificate that could be used now; the text says why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A certificate that is kept; of a chain the leaf comes first."""

    kind: str
    chain: tuple

    def is_in(self, wanted):
        return not wanted or self.kind in wanted


class Certificates:
    """The store, in the order of installation, and a key for each certificate of its own."""

    def __init__(self, point):
        self._point = point
        self.entries = []
        self._keys = {}

    # Of others --------------------------------------------------------------------------------

    def install(self, kind, text):
        """Keep a root certificate; raises NotACertificate, also when there is no more room."""
        certificate = read_chain(text, self._point.clock.now())[0]
        entry = Entry(kind, (certificate,))
        settings = self._point.configuration
        if entry in self.entries:
            return
        if len(self.entries) >= settings.number("CertificateStoreMaxLength"):
            raise NotACertificate("there is no room for it")
        if kind == CSMS_ROOT and settings.is_true("AdditionalRootCertificateCheck"):
            self._check_successor(certificate)
        self.entries.append(entry)

    def _check_successor(self, certificate):
        """With AdditionalRootCertificateCheck a new root of the CSMS is signed by one before it."""
        before = [entry.chain[0] for entry in self.entries if entry.kind == CSMS_ROOT]
        if before and not any(_is_issued_by(certificate, each) for each in before):
            raise NotACertificate("it is not signed by the root before it")

    def find(self, hashed):
        """Return the entry of a certificateHashData, or None."""
        wanted = {name: text.casefold() for name, text in hashed.items() if name != "customData"}
        for entry in self.entries:
            ours = self.hashed(entry.chain, hashed["hashAlgorithm"])[0]
            if {name: text.casefold() for name, text in ours.items()} == wanted:
                return entry
        return None

    def remove(self, entry):
        self.entries.remove(entry)

    def hashed(self, chain, algorithm="SHA256"):
        """Return the certificateHashData of each certificate of a chain, the leaf's first."""
        known = [*chain, *(entry.chain[0] for entry in self.entries)]
        return [hash_data(each, _issuer(each, known), algorithm) for each in chain]

    # Its own ----------------------------------------------------------------------------------

    def request(self, kind):
        """Make a new key and return the request for a certificate (CSR, as PEM) that goes with it."""
        self._keys[kind] = key = ec.generate_private_key(ec.SECP256R1())
        names = [(NameOID.COMMON_NAME, self._point.identifier)]
        if organization := self._point.configuration["CpoName"]:
            names.append((NameOID.ORGANIZATION_NAME, organization))
        subject = x509.Name([x509.NameAttribute(oid, name[:_LONGEST_NAME]) for oid, name in names])
        built = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
        return built.public_bytes(serialization.Encoding.PEM).decode()

    def take_signed(self, kind, text):
        """Take over the certificate that was asked for; raises NotACertificate."""
        if len(text) > self._point.configuration.number("CertificateSignedMaxChainSize"):
            raise NotACertificate("it is longer than CertificateSignedMaxChainSize")
        chain = read_chain(text, self._point.clock.now())
        key = self._keys.get(kind)
        if key is None or chain[0].public_key() != key.public_key():
            raise NotACertificate("it does not belong to the key that was made")
        name = V2G_CHAIN if kind == V2G else kind
        self.entries = [entry for entry in self.entries if entry.kind != name]
        self.entries.append(Entry(name, tuple(chain)))


def read_chain(text, now):
    """Return the certificates of a PEM text; raises NotACertificate, also when one does not count now."""
    try:
        chain = x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        raise NotACertificate("it cannot be read") from None
    if any(not each.not_valid_before_utc <= now <= each.not_valid_after_utc for each in chain):
        raise NotACertificate("it is not valid now")
    return chain


def hash_data(certificate, issuer, algorithm="SHA256"):
    """Return OCPP's certificateHashData: by it a certificate is named on the wire."""
    return {
        "hashAlgorithm": algorithm,
        "issuerNameHash": _digest(certificate.issuer.public_bytes(), algorithm),
        "issuerKeyHash": _digest(_key_bytes(issuer.public_key()), algorithm),
        "serialNumber": f"{certificate.serial_number:x}",
    }


def _issuer(certificate, known):
    """Return who issued a certificate among those that are known, else itself."""
    return next((each for each in known if _is_issued_by(certificate, each)), certificate)


def _is_issued_by(certificate, issuer):
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _digest(data, algorithm):
    digest = hashes.Hash(_ALGORITHMS[algorithm]())
    digest.update(data)
    return digest.finalize().hex()


def _key_bytes(key):
    """Return the public key as in the BIT STRING of the certificate (RFC 6960, CertID)."""
    if isinstance(key, rsa.RSAPublicKey):
        return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
    if isinstance(key, ec.EllipticCurvePublicKey):
        form = serialization.PublicFormat.UncompressedPoint
        return key.public_bytes(serialization.Encoding.X962, form)
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
