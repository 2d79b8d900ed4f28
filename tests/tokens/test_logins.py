"""Guessing at the admin's login form is bounded."""

from datetime import timedelta

import pytest
from django.test import RequestFactory
from django.utils import timezone

from csms import secrets
from tokens import logins
from tokens.models import FailedLogin

pytestmark = pytest.mark.django_db

HERE, ELSEWHERE = "203.0.113.1", "203.0.113.2"
WRONG, RIGHT = "wrong", "root's password"


@pytest.fixture(autouse=True)
def root(superuser):
    return superuser


@pytest.fixture
def login(client, monkeypatch):
    """Type into the admin's form; True when it lets us in."""
    monkeypatch.setattr("django.contrib.admin.site.login_form", logins.LoginForm)

    def login(password, *, name="root", address=HERE):
        client.logout()
        login.answer = client.post(
            "/admin/login/", {"username": name, "password": password}, REMOTE_ADDR=address
        )
        return login.answer.status_code == 302

    return login


def failures(count, *, address=HERE, name="root", ago=timedelta(0)):
    FailedLogin.objects.bulk_create(
        FailedLogin(address=address, username_hash=secrets.fingerprint(name), failed_at=timezone.now() - ago)
        for _ in range(count)
    )


def test_right_password_is_let_in(login):
    assert login(RIGHT)


def test_few_failures_do_not_hinder(login):
    assert not login(WRONG)
    assert login(RIGHT)


def test_too_many_failures_block_even_the_right_password(login):
    failures(logins.MOST_FOR_BOTH - 1)
    login(WRONG)

    assert not login(RIGHT)
    assert "Too many failed logins" in login.answer.content.decode()


def test_blocked_attempts_are_not_counted(login):
    failures(logins.MOST_FOR_BOTH)

    login(WRONG)

    assert FailedLogin.objects.count() == logins.MOST_FOR_BOTH


def test_block_lifts_by_itself(login):
    failures(logins.MOST_FOR_BOTH, ago=logins.WINDOW)

    assert login(RIGHT)


def test_block_of_one_address_spares_the_others(login):
    failures(logins.MOST_FOR_BOTH)

    assert login(RIGHT, address=ELSEWHERE)


def test_name_is_compared_without_case(login):
    failures(logins.MOST_FOR_BOTH)

    login(RIGHT, name="ROOT")

    assert "Too many failed logins" in login.answer.content.decode()


def test_spraying_many_names_from_one_address_is_bounded(login):
    failures(logins.MOST_FOR_ADDRESS, name="someone")

    assert not login(RIGHT)


def test_one_name_from_many_addresses_is_bounded(login):
    failures(logins.MOST_FOR_NAME, address=ELSEWHERE)

    assert not login(RIGHT)


def test_ipv6_network_counts_as_one(login):
    failures(logins.MOST_FOR_BOTH, address="2001:db8::/64")

    assert not login(RIGHT, address="2001:db8::77")


def test_typed_names_are_not_kept(login):
    login(WRONG, name="oops, my password")

    assert "oops" not in str(FailedLogin.objects.values().get())


def test_unknown_names_are_bounded_alike(login):
    """Else the bound would tell which accounts exist."""
    failures(logins.MOST_FOR_BOTH, name="nobody")
    request = RequestFactory().post("/", REMOTE_ADDR=HERE)

    assert logins.is_blocked(request, "nobody", now=timezone.now())
