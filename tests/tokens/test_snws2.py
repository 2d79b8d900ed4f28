"""SNWS2 signatures: the published vectors, what is compared, and what is refused unseen."""

import base64
import contextlib
import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokens import snws2
from tokens.snws2 import Refused, Request

pytestmark = pytest.mark.once

AT = datetime(2017, 4, 25, 14, 30, tzinfo=UTC)
DATE = "Tue, 25 Apr 2017 14:30:00 GMT"
TOKEN, SECRET = "test-token-id", "test-token-secret"


def request(
    method="GET", path="/api/test", query="", *, host="localhost", body=b"", date="x-sn-date", **headers
):
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(method, (path,), query, {"host": host, date: DATE} | given, (host,), body)


VECTORS = [
    (
        request(date="date"),
        "date;host",
        "1b5cf4c03e8e85f1c08a01ea1d4bd89cc550fc964134b59bb0accf9e5dbb26bf",
        "4739139d3d370f147b6585795c309b1c6d7d7f59943081f7dd943f689cfa59a3",
    ),
    (
        request(),
        "host;x-sn-date",
        "ef8a67ba170fb8031b70995d0dc5f2757a23d36400e9aac0730fa9f36d420d1b",
        "c14fe9f67560fb9a37d2aa7c40b40c260a5936f999877e2469b8ddb1da7c0eb9",
    ),
    (
        request("GET", "/api/query", "foo=bar&bim=bam", date="date"),
        "date;host",
        "2a70654da315f28384c508a176a3d4ad753f6a75f9d0fe115153da0ca329353e",
        "c597ed8061d9d12e12ead3d8d6fc03b28a877e8639548f31556b4760be09a4b8",
    ),
    (
        request(
            "POST",
            "/api/post",
            body=b'{"hello":"world"}',
            content_type="application/json; charset=UTF-8",
            digest="sha-256=k6I5cakU5erL8KjSUVTNownDwccvu5kU1Hxg88toFYg=",
        ),
        "content-type;digest;host;x-sn-date",
        "8ceaaea2162e7460b5345c582ae156589334981fbc65a322de65ba59a1a44515",
        "17b50462a9db77e569bd74676c550c447be07f605f191a39ca481efaa15e9879",
    ),
    (
        request("GET", "/test/path", host="data.solarnetwork.net"),
        "host;x-sn-date",
        "79e966c5ca48ae088ce8173cf7d4601147907f90387de97542a69128c4acf8b6",
        "79cb002ee35b5cfe2d54421de6550cdcfc39c9defae874cc93ee74e426e81c23",
    ),
    (
        request(
            "GET",
            "/solaruser/api/v1/sec/user/ocpp/credentials",
            "username=caf%C3%A9%20a*b",
            host="localhost:8000",
        ),
        "host;x-sn-date",
        "7197446b9e5eb674ca06745dc3f2e716c4a9994ea1820a36f217b66f9988f409",
        "2feac39cabcb7f1683c4a46c11c3a9978493b0b005108f6343d0ffc44081ddd1",
    ),
    (
        request(
            "POST",
            "/solaruser/api/v1/sec/user/ocpp/chargers",
            host="localhost:8000",
            body=b'{"userId":1,"nodeId":1}',
            content_type="application/json",
            digest="sha-256=KFqWE7WKfqW6zclskkJeyuV8YIoPeC6YGhTPgooZeFk=",
        ),
        "content-type;digest;host;x-sn-date",
        "c6726020be17e31f0d4a2ea48bec23cffb7a92cbd6f2dc016abf82807697e491",
        "9dc0c79eccc7dae0235214509651c4407b69547e5a7111c86a6c474e84e8a6fc",
    ),
    (
        request(
            "POST", "/solaruser/api/v1/sec/instr/add/OCPP_v16", "nodeId=1&a=2&a=1", host="localhost:8000"
        ),
        "host;x-sn-date",
        "2057419f7850fd50ed421987c1a003189389902e96c95469783667d6138c21a6",
        "b98af7b4f6543e9ddd5f6f947dba7ad0de5d1340bf439cb01c882a0f4541d4d4",
    ),
]


def header(found, **options):
    """Return what follows the scheme when a client signs `found`."""
    options = {"at": AT} | options
    return snws2.authorization(found, TOKEN, SECRET, **options).removeprefix("SNWS2 ")


def is_genuine(value, found, *, secret=SECRET, now=AT):
    """Whether `found` came with a header of one who knows `secret`."""
    return snws2.fits(snws2.examine(value, found, now=now), found, secret)


# The vectors ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("found", "signed", "hashed", "signature"), VECTORS)
def test_vector_gives_its_canonical_text(found, signed, hashed, signature):
    """All parts of the text that is signed are as SolarNetwork's own clients write them."""
    text = snws2.canonical(found, signed.split(";"), host=found.hosts[0], path=found.paths[0])

    assert hashlib.sha256(text.encode()).hexdigest() == hashed


@pytest.mark.parametrize(("found", "signed", "hashed", "signature"), VECTORS)
def test_vector_is_signed_and_verified(found, signed, hashed, signature):
    """We sign as they do, and take what they sign."""
    value = f"Credential={TOKEN},SignedHeaders={signed},Signature={signature}"

    assert header(found) == value
    assert is_genuine(value, found)


def test_canonical_text_is_as_published():
    """Six parts, and no line end after the last."""
    found = VECTORS[0][0]

    assert snws2.canonical(found, ["date", "host"], host="localhost", path="/api/test") == (
        "GET\n/api/test\n\ndate:Tue, 25 Apr 2017 14:30:00 GMT\nhost:localhost\ndate;host\n"
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )


@pytest.mark.parametrize(
    ("secret", "day", "key"),
    [
        (SECRET, AT, "bf7885e8bd107a79f5c6e13001a4fa15fbd43221ad39ca47fde96191d302dbf4"),
        (
            "ABC123",
            datetime(2017, 1, 1, tzinfo=UTC),
            "1f96b28b651285e49d06989aebaee169fa67a5f6a07fb72a8325fce83b425ad6",
        ),
    ],
)
def test_signing_key_is_derived_from_secret_and_day(secret, day, key):
    """As published."""
    assert snws2.signing_key(secret, day).hex() == key


# The query ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "canonical"),
    [
        (b"", ""),
        (b"b=1&a=2", "a=2&b=1"),
        (b"a=2&b=0&a=1", "a=2&a=1&b=0"),
        (b"a=x*y&b=%2a", "a=x%2Ay&b=%2A"),
        (b"a=%21'()~-_.", "a=%21%27%28%29~-_."),
        (b"a=1+2%203", "a=1%202%203"),
        (b"a=%c3%a9", "a=%C3%A9"),
        (b"a", "a="),
        (b"&a=1&&b=", "a=1&b="),
        (b"a==", "a=%3D"),
        ("\ue000=1&\U0001f600=2".encode(), "%F0%9F%98%80=2&%EE%80%80=1"),
    ],
)
def test_query_is_sorted_and_encoded_anew(query, canonical):
    """Decoded and encoded again; repeated names keep the order of the request."""
    assert snws2.canonical_query(query) == canonical


# Forms ----------------------------------------------------------------------------------------

FORM = {"content_type": "application/x-www-form-urlencoded; charset=UTF-8"}


def test_fields_of_a_form_count_as_parameters():
    """A form is signed as if it were the query, with an empty body."""
    form = request("POST", "/instr/add", "nodeId=1", body=b"topic=OCPP_v16&nodeId=2", **FORM)
    as_query = request("POST", "/instr/add", "nodeId=1&topic=OCPP_v16&nodeId=2", **FORM)

    assert header(form) == header(as_query)
    assert is_genuine(header(form), form)


def test_form_that_was_hashed_is_taken_too():
    """Clients that know nothing of forms hash what they send."""
    form = request("POST", body=b"a=1", **FORM)
    hashed = replace(form, headers={**form.headers, "content-type": "text/plain"})
    text = snws2.canonical(form, ["content-type", "host", "x-sn-date"], host="localhost", path="/api/test")

    assert "content-type:application/x-www-form-urlencoded" in text
    assert hashlib.sha256(b"a=1").hexdigest() in text
    assert not is_genuine(header(hashed), form)


def test_changed_field_of_a_form_is_refused():
    """Though the body is not hashed, its fields are signed."""
    form = request("POST", body=b"a=1", **FORM)

    assert not is_genuine(header(form), replace(form, body=b"a=2"))


def test_form_of_very_many_fields_is_refused_unsorted():
    """Nobody makes us sort a million of them without a token."""
    more = request("POST", body=b"a&" * 1000 + b"a", **FORM)
    with pytest.raises(Refused, match=r"^A form must have 1000 fields or less$"):
        is_genuine(header(more), more)


# Host and path --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "ports", "forms"),
    [
        (["localhost:8000"], [], ("localhost:8000", "localhost")),
        (["example.com"], [], ("example.com", "example.com:443", "example.com:80")),
        (["example.com"], ["8443"], ("example.com", "example.com:8443", "example.com:443", "example.com:80")),
        (["[::1]:8000"], [], ("[::1]:8000", "[::1]")),
        (["[::1]"], [], ("[::1]", "[::1]:443", "[::1]:80")),
        (["a:1", "b:2", "a:1"], [], ("a:1", "a", "b:2", "b")),
    ],
)
def test_host_may_have_been_signed_in_several_forms(names, ports, forms):
    """With and without its port, and with the port of TLS that a proxy ends."""
    assert snws2.host_forms(names, ports=ports) == forms


@pytest.mark.parametrize("host", ["localhost:8000", "localhost"])
def test_any_form_of_the_host_is_taken(host):
    """npm's client signs the host without its port when it is given apart."""
    sent = replace(request(host=host), headers={"x-sn-date": DATE, "host": "localhost:8000"})

    assert is_genuine(header(sent), replace(sent, hosts=snws2.host_forms(["localhost:8000"])))


def test_other_host_is_refused():
    """What was signed for another server is none of ours."""
    assert not is_genuine(header(request(host="example.com")), request(host="localhost"))


def test_path_is_signed_as_it_was_on_the_wire():
    """Still percent-encoded: a decoded path is another one."""
    encoded = request(path="/user/a%2Fb%20c")

    assert is_genuine(header(encoded), encoded)
    assert not is_genuine(header(encoded), request(path="/user/a/b c"))


def test_path_before_a_proxy_cut_it_is_taken():
    """A proxy that strips a prefix says which."""
    sent = request(path="/solar/solaruser/api")

    assert is_genuine(header(sent), replace(sent, paths=("/solaruser/api", "/solar/solaruser/api")))


# Keys and clocks ------------------------------------------------------------------------------


@pytest.mark.parametrize(("age", "is_good"), [(0, True), (1, True), (6, True), (7, False), (-1, False)])
def test_signing_key_holds_for_seven_days(age, is_good):
    """The day of the request and the six before it."""
    value = header(request(), key_day=AT - timedelta(days=age))

    assert is_genuine(value, request()) is is_good


@pytest.mark.parametrize("seconds", [-899, 0, 899])
def test_clock_may_be_nearly_15_minutes_wrong(seconds):
    """Fast or slow."""
    assert is_genuine(header(request()), request(), now=AT + timedelta(seconds=seconds))


@pytest.mark.parametrize("seconds", [-900, 900, 86400])
def test_clock_that_is_15_minutes_wrong_is_refused(seconds):
    """An old request may be somebody else's repetition."""
    with pytest.raises(Refused, match=r"^Date skew too large$"):
        is_genuine(header(request()), request(), now=AT + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    "date",
    [
        "",
        "yesterday",
        "Tue, 25 Foo 2017 14:30:00 GMT",
        "Tue, 35 Apr 2017 14:30:00 GMT",
        "2017-04-25T14:30:00Z",
    ],
)
def test_date_must_be_an_http_date(date):
    """In GMT, as RFC 1123 has it."""
    found = request(x_sn_date=date)

    with pytest.raises(Refused, match=r"^Missing or invalid HTTP X-SN-Date header$"):
        is_genuine(header(found), found)


def test_date_counts_only_without_x_sn_date():
    """Browsers may not set Date, and proxies do."""
    found = request(date="date", x_sn_date=DATE)
    late = replace(found, headers={**found.headers, "date": "Tue, 25 Apr 2000 14:30:00 GMT"})

    assert is_genuine(header(found), late)


# The header -----------------------------------------------------------------------------------

GOOD = {"Credential": TOKEN, "SignedHeaders": "host;x-sn-date", "Signature": "0" * 64}


def written(**changes):
    return ",".join(f"{name}={value}" for name, value in {**GOOD, **changes}.items() if value is not None)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "Invalid Credential value"),
        ("nonsense", "Invalid Credential value"),
        (written(Credential=None), "Invalid Credential value"),
        (written(Credential=""), "Invalid Credential value"),
        (written(Credential="a b"), "Invalid Credential value"),
        (written(Credential="x" * 65), "Invalid Credential value"),
        (written(Signature=None), "Invalid Signature value"),
        (written(Signature="0" * 63), "Invalid Signature value"),
        (written(Signature="g" * 64), "Invalid Signature value"),
        (written(SignedHeaders=None), "Invalid SignedHeaders value"),
        (written(SignedHeaders="host"), "Invalid SignedHeaders value"),
        (written(SignedHeaders="date;x-sn-date"), "The 'Host' HTTP header must be included in SignedHeaders"),
        (
            written(SignedHeaders="host;accept"),
            "One of the 'Date' or 'X-SN-Date' HTTP headers must be included in SignedHeaders",
        ),
        (written(SignedHeaders="host;date"), "The 'x-sn-date' HTTP header must be included in SignedHeaders"),
    ],
)
def test_malformed_header_is_refused_with_the_reason(value, message):
    """What is missing or odd is named."""
    with pytest.raises(Refused) as refusal:
        is_genuine(value, request())

    assert str(refusal.value) == message


@pytest.mark.parametrize("name", ["content-type", "content-md5", "digest", "x-sn-anything"])
def test_header_that_changes_the_meaning_must_be_signed(name):
    """Whoever stands between could have added it."""
    found = replace(request(), headers={**request().headers, name: "x"})

    with pytest.raises(Refused, match=f"^The '{name}' HTTP header must be included in SignedHeaders$"):
        is_genuine(written(), found)


def test_date_that_is_claimed_signed_but_absent_does_not_count():
    """The date that counts is the one that was signed."""
    found = request(date="date")

    with pytest.raises(Refused, match="Date"):
        is_genuine(written(), found)


def test_components_may_come_in_any_order():
    """Names of headers too, in any case."""
    signature = VECTORS[1][3]
    value = f"Signature={signature}, SignedHeaders=X-SN-Date;Host, Credential={TOKEN}"

    assert is_genuine(value, request())


def test_other_secret_does_not_fit():
    """That is the point."""
    assert not is_genuine(header(request()), request(), secret="another")


# The digest -----------------------------------------------------------------------------------

BODY = b'{"hello":"world"}'


def base64_of(name):
    return base64.b64encode(hashlib.new(name, BODY).digest()).decode()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"digest": f"sha-256={base64_of('sha256')}"},
        {"digest": f"SHA-256={hashlib.sha256(BODY).hexdigest()}"},
        {"digest": f"sha-512={base64_of('sha512')}"},
        {"digest": f"sha={base64_of('sha1')}"},
        {"digest": f"md5={base64_of('md5')}"},
        {"digest": f"crc32=abc, sha-256={base64_of('sha256')}"},
        {"digest": "crc32=abc"},
        {"content_md5": base64_of("md5")},
        {"content_md5": hashlib.md5(BODY).hexdigest()},
        {"digest": f"sha-256={base64_of('sha256')}", "content_md5": "not looked at"},
    ],
)
def test_digest_is_optional_and_may_be_written_in_many_ways(headers):
    """Base64 or hex, of the first algorithm that is known; Content-MD5 where there is no Digest."""
    found = request("POST", body=BODY, **headers)

    assert is_genuine(header(found), found)


@pytest.mark.parametrize(
    ("headers", "algorithm"),
    [
        ({"digest": "sha-256=AAAA"}, "SHA-256"),
        ({"digest": "sha-256="}, "SHA-256"),
        ({"digest": "sha-256=!"}, "SHA-256"),
        ({"digest": f"md5=AAAA,sha-256={base64_of('sha256')}"}, "MD5"),
        ({"digest": "sha=AAAA"}, "SHA-1"),
        ({"digest": "sha-512=AAAA"}, "SHA-512"),
        ({"content_md5": "AAAA"}, "MD5"),
    ],
)
def test_digest_of_another_body_is_refused(headers, algorithm):
    """A digest is checked even where the signature would fit."""
    found = request("POST", body=BODY, **headers)

    with pytest.raises(Refused, match=f"^Content {algorithm} digest value mismatch$"):
        is_genuine(header(found), found)


# For any request ------------------------------------------------------------------------------

_wire = st.text("abcXYZ019-._~!*'()/@:%25", max_size=20)
_word = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@st.composite
def requests(draw):
    """A request as some client could send it."""
    pairs = draw(st.lists(st.tuples(_word, _word), max_size=4))
    query = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs)
    method = draw(st.sampled_from(["GET", "POST", "PUT", "DELETE"]))
    body = draw(st.binary(max_size=30))
    kind = draw(st.sampled_from(["application/json", "text/csv", "multipart/form-data"]))
    path = "/" + draw(_wire)
    return request(method, path, query, host="example.com", body=body, content_type=kind)


@given(requests(), st.integers(0, 6))
def test_what_is_signed_is_verified(found, age):
    """Whatever the request, and whichever key of the week."""
    assert is_genuine(header(found, key_day=AT - timedelta(days=age)), found)


@given(requests(), st.data())
def test_any_changed_byte_is_refused(found, data):
    """Of the method, the path, the query, the body, or a header that was signed."""
    value = header(found)
    part = data.draw(st.sampled_from(["method", "path", "query", "content-type", "host", "body"]))
    changed = {
        "method": lambda: replace(found, method="PATCH"),
        "path": lambda: replace(found, paths=(found.paths[0] + "x",)),
        "query": lambda: replace(found, query=f"{found.query}&added=1"),
        "content-type": lambda: replace(found, headers={**found.headers, "content-type": "text/plain"}),
        "host": lambda: replace(found, hosts=("example.org",)),
        "body": lambda: replace(found, body=_flipped(found.body or b"\0", data)),
    }[part]()

    assert not is_genuine(value, changed)


def _flipped(body, data):
    place = data.draw(st.integers(0, len(body) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != body[place]))
    return body[:place] + bytes([other]) + body[place + 1 :]


@given(st.binary(max_size=8), st.binary(max_size=8))
def test_different_values_never_look_alike(one, other):
    """Two queries have one canonical form only if they mean the same bytes."""
    forms = {snws2.canonical_query(b"a=" + quote(value, safe="").encode()) for value in (one, other)}

    assert len(forms) == len({one, other})


@given(st.text(max_size=200))
def test_no_header_breaks_the_reader(text):
    """It is refused, or simply does not fit."""
    with contextlib.suppress(Refused):
        assert not is_genuine(text, request())
