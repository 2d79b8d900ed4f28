"""Which authorization a token means, however readers and chargers write it."""

import pytest

from chargers.services import authorizing, transactions
from tests.chargers.conftest import NOW
from tokens.models import Account, Authorization

pytestmark = pytest.mark.django_db


@pytest.fixture
def judged(charger, settings):
    """Return a function that judges a token, with the separator given."""

    def judge(token, separator="_"):
        settings.CSMS_TOKEN_SEPARATOR = separator
        return authorizing.check(charger, token, now=NOW)

    return judge


@pytest.mark.parametrize("token", ["TAG1_00017", "tag1_", "TAG1"])
def test_what_a_reader_appends_is_no_part_of_the_token(judged, driver, token):
    """Some readers write tag_serial (spec/field-behaviour no. 10)."""
    assert judged(token).authorization == driver


def test_whole_token_comes_first(judged, driver, owner):
    """One that is entered with its suffix means itself."""
    whole = Authorization.objects.create(owner=owner, token="TAG1_2", enabled=False)
    assert judged("TAG1_2").authorization == whole


@pytest.mark.parametrize(
    ("token", "separator"), [("TAG1_2", ""), ("_TAG1", "_"), ("TAG1_2_3", "_"), ("", "_")]
)
def test_nothing_is_guessed_beyond_the_setting(judged, driver, token, separator):
    """Only the last part goes, and only where the setting says so."""
    assert judged(token, separator).status == "Invalid"


@pytest.mark.parametrize(
    ("of_account", "of_token", "status"),
    [
        (None, None, "Accepted"),
        (1, None, "ConcurrentTx"),
        (2, None, "Accepted"),
        (1, 2, "Accepted"),
        (None, 1, "ConcurrentTx"),
    ],
)
def test_limit_stands_on_the_token_else_on_the_account(charger, driver, owner, of_account, of_token, status):
    """Only a start is counted against it: an Authorize is also how a driver stops."""
    Account.objects.create(owner=owner, concurrent_transactions=of_account)
    driver.concurrent_transactions = of_token
    driver.save()
    transactions.start(charger, protocol="ocpp1.6", evse_id=0, connector_id=1, at=NOW, id_token="tag1")

    assert authorizing.check(charger, "TAG1", now=NOW, for_start=True).status == status
    assert authorizing.check(charger, "TAG1", now=NOW).status == "Accepted"


# Wildcards ------------------------------------------------------------------------------------


@pytest.fixture
def any_car(owner):
    """Lets every car in that names itself."""
    return Authorization.objects.create(owner=owner, token="vid:*")


def judge(charger, token, **options):
    return authorizing.check(charger, token, now=NOW, **options)


@pytest.mark.parametrize("token", ["vid:001122AABBCC", "VID:001122AABBCC", "vid:"])
@pytest.mark.spec("solar-ocpp", "Authorization")
def test_unknown_car_means_the_wildcard(charger, any_car, token):
    """A tag with the prefix, in any case."""
    assert judge(charger, token).authorization == any_car


def test_car_that_is_known_means_itself(charger, any_car, owner):
    """The wildcard is asked last."""
    blocked = Authorization.objects.create(owner=owner, token="VID:1", enabled=False)

    assert (judge(charger, "vid:1").status, judge(charger, "vid:1").authorization) == ("Blocked", blocked)


@pytest.mark.parametrize("token", ["001122", "xvid:1", "vi"])
def test_other_tokens_mean_no_wildcard(charger, any_car, token):
    """Only what begins with the prefix."""
    assert judge(charger, token).status == "Invalid"


def test_wildcard_of_another_owner_lets_nobody_in(charger, stranger):
    """It is looked for in the charger's account."""
    Authorization.objects.create(owner=stranger, token="vid:*")

    assert judge(charger, "vid:1").status == "Invalid"


@pytest.mark.parametrize(
    ("change", "status"), [({"enabled": False}, "Blocked"), ({"expiry_date": NOW}, "Expired")]
)
def test_wildcard_is_judged_as_any_other(charger, any_car, change, status):
    """It can be switched off, and ends."""
    Authorization.objects.update(**change)

    assert judge(charger, "vid:1").status == status


def test_prefixes_are_a_setting(charger, owner, settings):
    """Other makers name cars otherwise; without any there are no wildcards."""
    Authorization.objects.create(owner=owner, token="evcc:*")
    assert judge(charger, "evcc:1").status == "Invalid"

    settings.CSMS_WILDCARD_PREFIXES = ["vid:", "EVCC:"]

    assert judge(charger, "evcc:1").status == "Accepted"


def test_limit_holds_for_each_car_of_a_wildcard(charger, any_car):
    """They share a row, not a car."""
    Authorization.objects.update(concurrent_transactions=1)
    transactions.start(charger, protocol="ocpp1.6", evse_id=0, connector_id=1, at=NOW, id_token="vid:1")

    assert judge(charger, "VID:1", for_start=True).status == "ConcurrentTx"
    assert judge(charger, "vid:2", for_start=True).status == "Accepted"
