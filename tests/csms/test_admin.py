"""The admin as a whole: who may enter which room, and how it does without unfold."""

import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.urls import reverse

HOUSE = ["auth_user", "auth_group", "csms_job", "csms_serverprocess"]


@pytest.fixture
def staff(django_user_model):
    user = django_user_model.objects.create_user("staff", is_staff=True)
    user.user_permissions.set(Permission.objects.all())
    return user


@pytest.mark.django_db
@pytest.mark.parametrize("name", HOUSE)
def test_rooms_of_the_house_are_for_superusers(client, staff, name):
    """Permissions alone do not open what concerns every tenant."""
    client.force_login(staff)

    assert client.get(reverse(f"admin:{name}_changelist")).status_code == 403


@pytest.mark.django_db
@pytest.mark.parametrize("model", admin.site._registry, ids=lambda model: model._meta.label)
def test_every_list_opens(client, django_user_model, model):
    """Every list of the admin shows, empty."""
    client.force_login(django_user_model.objects.create_superuser("boss"))

    name = f"{model._meta.app_label}_{model._meta.model_name}"
    assert client.get(reverse(f"admin:{name}_changelist")).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("value", ["nonsense", "\0", "1" * 400, "-1"])
@pytest.mark.parametrize("name", ["chargers_charger", "tokens_apitoken", "auth_group"])
def test_nonsense_comes_back_with_an_explanation(client, django_user_model, name, value):
    """Not only browsers send forms: a text for the number of an owner is an error of the form."""
    client.force_login(django_user_model.objects.create_superuser("boss"))
    rows = {"granted_owners-TOTAL_FORMS": 1, "granted_owners-INITIAL_FORMS": 0}
    sent = {"identifier": value, "location": value, "name": value, "granted_owners-0-owner": value} | rows

    shown = client.post(reverse(f"admin:{name}_add"), {"owner": value, **sent})

    assert shown.status_code == 200
    assert "correct the error" in shown.text


@pytest.mark.django_db
def test_sidebar_shows_what_may_be_seen(client, django_user_model):
    """Staff without permissions find the dashboard and nothing else."""
    client.force_login(django_user_model.objects.create_user("new", is_staff=True))

    groups = client.get("/admin/").context["sidebar_navigation"]

    assert [item["title"] for group in groups for item in group["items"]] == ["Dashboard"]


@pytest.mark.django_db
def test_pages_hold_no_foreign_address(client, django_user_model):
    """Nothing is fetched from elsewhere."""
    client.force_login(django_user_model.objects.create_superuser("boss"))

    text = client.get("/admin/").content.decode()

    assert 'src="http' not in text
    assert 'href="http' not in text


WITHOUT_UNFOLD = """
import sys
sys.modules["unfold"] = None
import django
django.setup()
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.contrib.auth.models import User
from tests.kit import world
settings.ALLOWED_HOSTS.append("testserver")
call_command("migrate", verbosity=0)
boss = User.objects.create_superuser("boss")
rows = {model.__name__: row.pk for model, row in world.of(boss).items()}
client = Client()
client.force_login(boss)
paths = ["", "chargers/charger/", "chargers/message/", f"chargers/charger/{rows['Charger']}/change/"]
paths += [f"chargers/transaction/{rows['Transaction']}/change/", "tokens/apitoken/add/", "auth/user/"]
assert "unfold" not in settings.INSTALLED_APPS
print([client.get(f"/admin/{path}").status_code for path in paths])
"""


@pytest.mark.once
def test_admin_works_without_unfold(tmp_path):
    """Django's own admin takes over where unfold is not installed."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "csms.settings",
        "CSMS_DATA_DIR": str(tmp_path),
        "DATABASE_URL": f"sqlite:///{tmp_path / 'plain.sqlite3'}",
    }

    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_UNFOLD],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.stdout.strip() == str([200] * 7), done.stderr[-2000:]
