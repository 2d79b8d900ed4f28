"""Who a connection belongs to, and who learns that one was refused."""

import pytest

from chargers.models import Charger, FailedHandshake
from chargers.services import handshakes, registration
from csms import secrets
from csms.models import Event
from tokens.models import Account, Credential
from tokens.services import create_credential

pytestmark = pytest.mark.django_db


def test_refusal_is_told_to_the_owner_of_the_charger(charger):
    """The only one whom it can concern."""
    handshakes.record_failure(handshakes.Attempt("CP-1"), "wrong or missing password", 401)

    assert (FailedHandshake.objects.get().charger, Event.objects.get().owner) == (charger, charger.owner)


def test_refusal_is_told_to_none_of_several_owners(charger, stranger):
    """Address and user name may be the other one's."""
    Charger.objects.create(owner=stranger, identifier="CP-1")

    handshakes.record_failure(handshakes.Attempt("CP-1"), "wrong or missing password", 401)

    assert (FailedHandshake.objects.get().charger, Event.objects.get().owner) == (None, None)


@pytest.mark.parametrize(("password", "status"), [(b"the charger's", 0), (b"theirs", 0), (b"guessed", 401)])
def test_credential_of_a_stranger_locks_out_no_charger_of_its_name(charger, stranger, password, status):
    """User names are one space for all owners; what fits decides whose charger it is."""
    registration.set_password(charger, "the charger's", is_generated=True)
    credential, _ = create_credential(stranger, "CP-1")
    credential.password_hash = secrets.hash_generated("theirs")
    credential.save()
    theirs = Charger.objects.create(owner=stranger, identifier="CP-1")
    attempt = handshakes.Attempt("CP-1", username="CP-1", password=password)

    decision = handshakes.Desk([attempt]).decide(attempt)

    found = {b"the charger's": charger, b"theirs": theirs}.get(password)
    assert (decision.charger, decision.status_code) == (found, status)


def test_wrong_credential_does_not_open_a_charger_that_needs_none(charger, owner):
    """It said who it is, and is not."""
    create_credential(owner, "site")
    attempt = handshakes.Attempt("CP-1", username="site", password=b"guessed")

    assert handshakes.Desk([attempt]).decide(attempt).status_code == 401


def test_refusals_of_one_network_are_bounded_together(settings):
    """An IPv6 client commands a /64, and an address costs it nothing."""
    settings.CSMS_FAILED_HANDSHAKES_PER_HOUR = 2
    for number in range(4):
        attempt = handshakes.Attempt(f"NEW-{number}", address=f"2001:db8::{number}")
        handshakes.record_failure(attempt, "unknown charger", 404)

    assert list(FailedHandshake.objects.values_list("address", flat=True)) == ["2001:db8::/64"] * 2


def test_new_chargers_of_one_network_are_bounded_together(admin_user, settings):
    settings.CSMS_PENDING_CHARGERS_PER_HOUR = 2
    attempts = [handshakes.Attempt(f"NEW-{number}", address=f"2001:db8::{number}") for number in range(3)]
    desk = handshakes.Desk(attempts)

    assert [desk.decide(attempt).status_code for attempt in attempts] == [0, 0, 429]


def test_first_superuser_owns_what_comes_without_a_credential(owner, admin_user, django_user_model):
    """The others come later, or rule nothing."""
    django_user_model.objects.create_superuser("second")

    assert registration.default_owner() == admin_user


def test_setting_names_who_owns_what_comes_without_a_credential(owner, admin_user, settings):
    settings.CSMS_DEFAULT_OWNER = "owner"

    assert registration.default_owner() == owner


@pytest.mark.parametrize("change", [{"username": "gone"}, {"is_active": False}])
def test_without_the_owner_that_is_named_nobody_owns(owner, admin_user, settings, change):
    """A wrong name must not give a stranger's chargers to somebody else."""
    settings.CSMS_DEFAULT_OWNER = "owner"
    type(owner).objects.filter(pk=owner.pk).update(**change)

    assert registration.default_owner() is None


# Human ids ------------------------------------------------------------------------------------


@pytest.fixture
def hid(owner):
    """The human id of the owner's account."""
    return Account.objects.create(owner=owner).hid


@pytest.fixture
def strange_hid(stranger):
    return Account.objects.create(owner=stranger).hid


def decided(identifier="CP-1", **details):
    attempt = handshakes.Attempt(identifier, **details)
    return handshakes.Desk([attempt]).decide(attempt)


def login(owner, username="site", password="secret", **details):
    """Make a credential with a password that the test knows."""
    credential, _ = create_credential(owner, username, **details)
    Credential.objects.filter(pk=credential.pk).update(password_hash=secrets.hash_generated(password))


def test_human_id_tells_whose_charger_it_is(charger, stranger, hid, strange_hid):
    """Two owners have a charger of this name."""
    theirs = Charger.objects.create(owner=stranger, identifier="CP-1", security_profile=0)

    assert (decided(hid=hid).charger, decided(hid=strange_hid).charger) == (charger, theirs)


def test_unknown_human_id_is_refused(charger):
    """Though a charger of this name needs no password."""
    decision = decided(hid="nobody")

    assert (decision.refusal, decision.status_code) == ("unknown account", 404)


def test_human_id_of_an_inactive_owner_is_unknown(charger, owner, hid):
    """Nothing of theirs connects."""
    type(owner).objects.filter(pk=owner.pk).update(is_active=False)

    assert decided(hid=hid).status_code == 404


def test_credential_of_the_account_fits(charger, owner, hid):
    login(owner)

    assert decided(hid=hid, username="site", password=b"secret").charger == charger


def test_credential_of_another_account_does_not_fit(charger, stranger, hid):
    """Its password is right, and it is not this account's."""
    login(stranger)

    decision = decided(hid=hid, username="site", password=b"secret")

    assert (decision.charger, decision.status_code) == (None, 401)


def test_credential_of_another_account_enters_no_charger(stranger, hid):
    """Nor for its own account."""
    login(stranger)

    assert decided("NEW", hid=hid, username="site", password=b"secret").status_code == 401
    assert not Charger.objects.exists()


def test_credential_of_another_account_locks_out_no_charger_of_its_name(charger, stranger, hid):
    """The charger's own password still counts."""
    login(stranger, "CP-1")
    registration.set_password(charger, "the charger's", is_generated=True)

    assert decided(hid=hid, username="CP-1", password=b"the charger's").charger == charger


def test_credential_with_a_human_id_still_names_its_chargers(charger, owner, hid):
    """allowedChargePoints exclude this one."""
    login(owner, allowed_charge_points=["CP-2"])

    assert decided(hid=hid, username="site", password=b"secret").status_code == 403


def test_unknown_charger_is_entered_for_the_account(owner, admin_user, hid):
    """Not for the default owner."""
    assert decided("NEW", hid=hid).charger.owner == owner


def test_charger_of_another_account_is_unknown_in_this_one(charger, stranger, strange_hid):
    """A second one of that name is entered, for staff to approve."""
    entered = decided(hid=strange_hid).charger

    assert (entered.owner, entered.registration_status) == (stranger, "Pending")
    assert entered != charger


def test_refusal_with_a_human_id_is_told_to_its_account_only(charger, strange_hid):
    """Somebody else's charger has that name by chance."""
    handshakes.record_failure(handshakes.Attempt("CP-1", hid=strange_hid), "wrong or missing password", 401)

    assert FailedHandshake.objects.get().charger is None


def test_attempts_without_human_id_ask_for_no_accounts(charger, django_assert_num_queries):
    """A fleet that comes back costs two queries."""
    with django_assert_num_queries(2):
        decided()


@pytest.mark.parametrize("identifier", ["CP-1", "NEW"])
def test_credential_of_an_inactive_owner_opens_nothing(charger, owner, identifier):
    """Neither a charger that is there nor a new one: it is as unknown as they are."""
    login(owner)
    owner.is_active = False
    owner.save()

    decision = decided(identifier, username="site", password=b"secret")

    assert (decision.charger, decision.status_code) == (None, 404)
