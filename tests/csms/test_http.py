"""The guarded HTTP client, against a server on the loopback address."""

import datetime as dt
import socket
import ssl
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.core.exceptions import ValidationError

from csms import http
from tests.kit.far_end import FarEnd, Say


@pytest.fixture
def names(monkeypatch):
    """A name service of our own: {host: [addresses in the order of the questions]}."""
    known = {}
    real = socket.getaddrinfo

    def getaddrinfo(host, port, *args, **kwargs):
        if host not in known:
            return real(host, port, *args, **kwargs)
        answers = known[host]
        address = answers.pop(0) if len(answers) > 1 else answers[0]
        return real(address, port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return known


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "255.255.255.255", "240.0.0.1", "198.18.0.1", "::1", "::", "fe80::1", "fe80::1%eth0",
        "fc00::1", "fec0::1", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1",
        "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001::1", "100::1",
    ],
)  # fmt: skip
def test_addresses_inside_are_forbidden(address):
    assert http.is_forbidden(address)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::1"]
)
def test_public_addresses_are_permitted(address):
    assert not http.is_forbidden(address)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "0", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"]
)
def test_no_spelling_of_loopback_is_reached(far_end, settings, host):
    settings.CSMS_ALLOW_PRIVATE_URLS = False

    with pytest.raises(http.RequestFailed):
        http.request("GET", far_end.url(host=host))

    assert not far_end.heard


def test_private_address_is_refused_by_default(settings):
    assert settings.CSMS_ALLOW_PRIVATE_URLS is False
    with pytest.raises(http.AddressRefused):
        http.request("GET", "http://10.0.0.1/")


def test_name_that_leads_inside_is_refused(names, far_end, settings):
    settings.CSMS_ALLOW_PRIVATE_URLS = False
    names["partner.example"] = ["127.0.0.1"]

    with pytest.raises(http.AddressRefused):
        http.request("GET", far_end.url(host="partner.example"))


def test_name_is_resolved_once(names, far_end):
    """A name that means another address a moment later is no way around the check."""
    names["partner.example"] = ["127.0.0.1", "192.0.2.1"]

    assert http.request("GET", far_end.url(host="partner.example")).status_code == 200
    assert far_end.heard[0].headers["host"] == f"partner.example:{far_end.port}"


@pytest.mark.parametrize(
    "url", ["ftp://example.com/", "file:///etc/passwd", "http://", "//x", "", "http://[", "x"]
)
def test_only_http_urls_are_requested(url):
    with pytest.raises(http.RequestFailed):
        http.request("GET", url)


def test_request_carries_method_headers_and_body(far_end):
    http.request(
        "PUT", far_end.url("/a?b=c"), headers={"X-One": "1"}, secret_headers={"X-Two": "2"}, content=b"body"
    )

    heard = far_end.heard[0]
    assert (heard.method, heard.path, heard.body) == ("PUT", "/a?b=c", "body")
    assert (heard.headers["x-one"], heard.headers["x-two"]) == ("1", "2")


def test_proxies_of_the_environment_are_ignored(far_end, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")

    assert http.request("GET", far_end.url()).status_code == 200


def test_redirect_repeats_the_request(far_end):
    far_end.say(Say(307, {"Location": "/there"}))

    http.request("POST", far_end.url(), content=b"body", secret_headers={"X-Token": "t"})

    heard = far_end.heard[1]
    assert (heard.method, heard.path, heard.body, heard.headers["x-token"]) == ("POST", "/there", "body", "t")


def test_secrets_do_not_follow_to_another_origin(far_end, names):
    names["elsewhere.example"] = ["127.0.0.1"]
    far_end.say(Say(307, {"Location": far_end.url("/there", host="elsewhere.example")}))

    http.request("POST", far_end.url(), secret_headers={"Authorization": "Token t"})

    assert "authorization" not in far_end.heard[1].headers


def test_redirect_that_would_lose_the_body_is_the_answer(far_end):
    far_end.say(Say(302, {"Location": "/there"}))

    assert http.request("POST", far_end.url(), content=b"body").status_code == 302
    assert far_end.paths() == ["/"]


def test_redirect_to_the_inside_is_refused(far_end):
    far_end.say(Say(302, {"Location": "ftp://127.0.0.1/"}))

    with pytest.raises(http.RequestFailed, match="only http"):
        http.request("GET", far_end.url())


def test_redirects_have_an_end(far_end):
    far_end.say(*[Say(302, {"Location": "/"})] * 9)

    with pytest.raises(http.RequestFailed, match="redirects"):
        http.request("GET", far_end.url())

    assert len(far_end.heard) == http.MAX_REDIRECTS + 1


def test_long_answer_is_an_error(far_end):
    far_end.say(Say(body=b"x" * 2000))

    with pytest.raises(http.RequestFailed, match="longer than 1000"):
        http.request("GET", far_end.url(), max_bytes=1000)


def test_long_answer_is_cut_on_demand(far_end):
    far_end.say(Say(body=b"x" * 2000))

    assert len(http.request("GET", far_end.url(), max_bytes=1000, cut=True).content) == 1000


def test_silence_ends_at_the_deadline(far_end):
    release = threading.Event()
    far_end.say(Say(before=lambda _: release.wait(10)))

    with pytest.raises(http.RequestFailed, match="Timeout"):
        http.request("GET", far_end.url(), timeout=0.2)

    release.set()


def test_dripping_answer_ends_at_the_deadline():
    """Each byte comes in time, yet all of them together hold no thread."""
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.conf.settings.CSMS_ALLOW_PRIVATE_URLS", True)
        done = threading.Event()
        drip = threading.Thread(target=_drip, args=(server, done))
        drip.start()
        with pytest.raises(http.RequestFailed, match="Timeout"):
            http.request("GET", f"http://127.0.0.1:{server.getsockname()[1]}/", timeout=0.5)
        done.set()
        drip.join()


def _drip(server, done):
    with server.accept()[0] as connection:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
        while not done.wait(0.02):
            connection.send(b"x")


@pytest.mark.parametrize("answer", [Say(close=True), Say(headers={"Content-Length": "what"})])
def test_broken_answer_is_a_failure(far_end, answer):
    far_end.say(answer)

    with pytest.raises(http.RequestFailed):
        http.request("GET", far_end.url())


def test_header_injection_is_a_failure(far_end):
    with pytest.raises(http.RequestFailed):
        http.request("GET", far_end.url(), headers={"X": "a\r\nY: b"})


def test_tls_is_checked_against_the_name(names, settings, tmp_path):
    """The socket goes to the address that was checked, the certificate must be the name's."""
    settings.CSMS_ALLOW_PRIVATE_URLS = True
    names |= {"partner.example": ["127.0.0.1"], "other.example": ["127.0.0.1"]}
    served, trusted = _certificate_for("partner.example", tmp_path)
    transport = http.GuardedTransport(verify=trusted)

    with FarEnd(tls=served) as far_end:
        good = http.request("GET", far_end.url(host="partner.example"), transport=transport)
        with pytest.raises(http.RequestFailed, match=r"other\.example"):
            http.request("GET", far_end.url(host="other.example"), transport=transport)

    transport.close()
    assert good.status_code == 200


def _certificate_for(name, folder):
    """Return (server context, client context that trusts it)."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    (folder / "server.pem").write_bytes(private + public)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "server.pem")
    return server, ssl.create_default_context(cadata=public.decode())


@pytest.mark.parametrize("url", ["https://example.com/hook", "http://1.1.1.1:8080/"])
def test_validator_lets_public_urls_pass(url):
    http.validate_partner_url(url)


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "http://localhost/", "http://[::1]/", "mailto:a@b", "x"])
def test_validator_refuses_other_urls(url):
    with pytest.raises(ValidationError):
        http.validate_partner_url(url)
