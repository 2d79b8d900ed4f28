"""Authorizations, credentials and API tokens in the admin: a secret is shown once."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.contrib.sessions.models import Session
from django.urls import reverse

from csms.models import OwnerGrant
from tokens import services
from tokens.models import Account, ApiToken, Authorization, Credential

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(django_user_model):
    user = django_user_model.objects.create_user("staff", is_staff=True)
    user.user_permissions.set(Permission.objects.all())
    return user


@pytest.fixture
def as_staff(client, staff):
    client.force_login(staff)
    return client


def add(client, model, **values):
    return client.post(reverse(f"admin:tokens_{model._meta.model_name}_add"), values)


def test_token_secret_is_shown_in_the_answer_only(as_staff, staff):
    """The page after creation shows the secret; no later page, session or message does."""
    made = add(as_staff, ApiToken, owner=staff.pk, kind="User", description="Billing", policy="{}")

    secret = made.context["secret"]
    token = ApiToken.objects.get()
    later = as_staff.get(reverse("admin:tokens_apitoken_change", args=[token.pk])).content.decode()
    assert secret in made.content.decode()
    assert "no-store" in made["Cache-Control"]
    assert secret not in later
    assert not [each for each in Session.objects.all() if secret in str(each.get_decoded())]


def test_policy_that_cannot_be_enforced_is_refused_in_the_form(as_staff, staff):
    """With what is wrong, beside the field."""
    answer = add(as_staff, ApiToken, owner=staff.pk, kind="User", policy='{"userMetadataPaths": ["/**"]}')

    assert "userMetadataPaths is not known" in answer.content.decode()
    assert not ApiToken.objects.exists()


def test_empty_policy_limits_nothing(as_staff, staff):
    """Whoever needs none leaves the field empty."""
    add(as_staff, ApiToken, owner=staff.pk, kind="User", policy="")

    assert ApiToken.objects.get().policy == {}


def test_token_of_another_owner_cannot_be_made(as_staff, owner):
    """Nobody makes keys to another's account."""
    add(as_staff, ApiToken, owner=owner.pk, kind="User", policy="{}")

    assert not ApiToken.objects.exists()


@pytest.fixture
def grant(staff):
    """Return a function that lets a group see an account, and `staff` belong to it unless another does."""

    def granting(owner, user=staff):
        group = Group.objects.create(name=f"{owner} for {user}")
        OwnerGrant.objects.create(group=group, owner=owner)
        user.groups.add(group)

    return granting


def test_token_of_a_granted_account_may_be_made(as_staff, owner, grant):
    """For its programs."""
    grant(owner)
    add(as_staff, ApiToken, owner=owner.pk, kind="User", policy="{}")

    assert ApiToken.objects.get().owner == owner


def test_grant_of_a_superusers_account_makes_no_superuser(as_staff, superuser, grant):
    """The first one's owns the chargers that nobody entered; its token would open every account."""
    grant(superuser)
    add(as_staff, ApiToken, owner=superuser.pk, kind="User", policy="{}")

    assert not ApiToken.objects.exists()


def test_grant_of_staffs_account_grants_not_what_they_were_granted(as_staff, django_user_model, owner, grant):
    """Their token would open these accounts too."""
    other = django_user_model.objects.create_user("other", is_staff=True)
    grant(owner, other)
    grant(other)
    add(as_staff, ApiToken, owner=other.pk, kind="User", policy="{}")

    assert not ApiToken.objects.exists()


def test_narrow_token_of_a_superuser_is_widened_by_superusers_only(as_staff, superuser, grant):
    """Who was given one and may see the account could else make it open everything."""
    grant(superuser)
    token, _ = services.create_api_token(superuser, policy={"nodeIds": [1]})
    page = reverse("admin:tokens_apitoken_change", args=[token.pk])

    assert as_staff.get(page).status_code == 200
    assert as_staff.post(page, {"policy": "{}", "enabled": "on"}).status_code == 403
    assert ApiToken.objects.get().policy == {"nodeIds": [1]}


def test_account_tells_its_human_id(as_staff, staff):
    """Chargers are set up with it."""
    account = Account.objects.create(owner=staff)

    pages = [
        reverse("admin:tokens_account_changelist"),
        reverse("admin:tokens_account_change", args=[account.pk]),
    ]

    assert all(account.hid in as_staff.get(page).content.decode() for page in pages)


def test_credential_gets_a_generated_password(as_staff, staff):
    """Without a chosen password a strong one is made and shown."""
    made = add(
        as_staff, Credential, username="cp1", owner=staff.pk, enabled="on", allowed_charge_points="A\r\nB\r\n"
    )

    credential = Credential.objects.get()
    assert made.context["secret"] in made.content.decode()
    assert credential.allowed_charge_points == ["A", "B"]
    assert credential.enabled


def test_chosen_password_is_not_shown(as_staff, staff):
    """Who chose a password knows it."""
    made = add(as_staff, Credential, username="cp1", owner=staff.pk, password="correct horse battery")

    assert made.status_code == 302
    assert Credential.objects.exists()


def test_username_is_unique(as_staff, staff, owner):
    """A name taken by anyone is refused in the form."""
    Credential.objects.create(owner=owner, username="cp1", password_hash="x")

    answer = add(as_staff, Credential, username="cp1", owner=staff.pk)

    assert "username" in answer.context["adminform"].form.errors


def test_password_is_replaced(as_staff, staff):
    """Another password is generated and shown once."""
    credential = Credential.objects.create(owner=staff, username="cp1", password_hash="old")

    made = as_staff.post(reverse("admin:tokens_credential_password", args=[credential.pk]), {"password": ""})

    credential.refresh_from_db()
    assert made.context["secret"] in made.content.decode()
    assert credential.password_hash != "old"


def test_password_of_another_owner_is_out_of_reach(as_staff, owner):
    """A guessed number changes nothing."""
    credential = Credential.objects.create(owner=owner, username="cp1", password_hash="old")

    answer = as_staff.post(reverse("admin:tokens_credential_password", args=[credential.pk]))

    credential.refresh_from_db()
    assert (answer.status_code, credential.password_hash) == (404, "old")


def test_authorization_is_unique_without_regard_to_case(as_staff, staff):
    """The form names the token that is there."""
    Authorization.objects.create(owner=staff, token="ABC")

    answer = add(as_staff, Authorization, token="abc", owner=staff.pk, enabled="on")

    assert "already" in str(answer.context["adminform"].form.errors)
