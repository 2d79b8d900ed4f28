"""Who a connection belongs to, and who learns that one was refused."""

import pytest

from chargers.models import Charger, FailedHandshake
from chargers.services import handshakes, registration
from csms import secrets
from csms.models import Event
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
