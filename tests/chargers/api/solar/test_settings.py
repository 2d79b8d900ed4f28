"""SolarUser's settings of datum: saved, shown, deleted, and falling back."""

import pytest

from chargers.models import PublishSettings
from chargers.models.datum import BUILT_IN_TEMPLATE
from chargers.services import publishing
from chargers.services.publishing import Effective
from tests.chargers.api.solar.test_chargers import denied, malformed, refused

pytestmark = pytest.mark.spec("solar-ocpp", "Charger settings save")
TEMPLATE = {"sourceIdTemplate": "/{chargerIdentifier}"}
NEEDED = refused("sourceIdTemplate", "The source ID template is required.")
LONG = refused("sourceIdTemplate", "The source ID template must be 255 characters or less.")


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({"chargePointId": None}, malformed("chargePointId", "The charger ID is required.")),
        ({"chargePointId": 10**12}, denied("UNKNOWN_OBJECT")),
        ({"sourceIdTemplate": None}, NEEDED),
        ({"sourceIdTemplate": " "}, NEEDED),
        ({"sourceIdTemplate": "x" * 256}, LONG),
        ({"publishToSolarIn": "perhaps"}, malformed("publishToSolarIn", "Must be a valid boolean.")),
    ],
)
def test_bad_charger_settings_are_refused(save, charger, changes, answer):
    """With the exact status and body, and nothing is written."""
    assert save("/chargers/settings", {"chargePointId": charger.pk, **TEMPLATE, **changes}) == answer
    assert not PublishSettings.objects.exists()


@pytest.mark.parametrize(
    ("body", "answer"),
    [({}, NEEDED), ({"sourceIdTemplate": "x" * 256}, LONG)],
)
@pytest.mark.spec("solar-ocpp", "Settings save")
def test_bad_account_settings_are_refused(save, body, answer):
    """With the exact status and body, and nothing is written."""
    assert save("/settings", body) == answer
    assert not PublishSettings.objects.exists()


def test_flags_are_true_unless_told(save, charger):
    """Both are, and null is as absent."""
    _, body = save("/chargers/settings", {"chargePointId": charger.pk, "publishToSolarIn": None, **TEMPLATE})

    assert (body["data"]["publishToSolarIn"], body["data"]["publishToSolarFlux"]) == (True, True)


def test_second_save_replaces_the_first(save, charger):
    """A charger has one row; when it was made stays."""
    body = {"chargePointId": charger.pk, **TEMPLATE}
    _, first = save("/chargers/settings", {**body, "publishToSolarIn": False})

    status, second = save("/chargers/settings", {**body, "publishToSolarFlux": False})

    assert (status, second["data"]["created"]) == (200, first["data"]["created"])
    assert (second["data"]["publishToSolarIn"], second["data"]["publishToSolarFlux"]) == (True, False)
    assert PublishSettings.objects.count() == 1


@pytest.mark.parametrize("path", ["/chargers/{}/settings", "/settings/{}/settings"])
@pytest.mark.spec("solar-ocpp", "Charger settings delete")
def test_charger_settings_are_deleted_by_either_path(call, save, charger, path):
    """The document prints both; a second time there are none."""
    save("/chargers/settings", {"chargePointId": charger.pk, **TEMPLATE})

    assert call("delete", path.format(charger.pk)) == (200, {"success": True})
    assert call("delete", path.format(charger.pk))[0] == 404


def test_charger_without_its_own_settings_has_none(call, save, charger):
    """Whatever the account has: 404."""
    save("/settings", TEMPLATE)

    assert call("get", f"/chargers/{charger.pk}/settings")[0] == 404
    assert call("get", "/chargers/settings") == (200, {"success": True, "data": []})


@pytest.mark.spec("solar-ocpp", "Settings view")
def test_account_without_settings(call):
    """To view them is to see no data; to delete them is 404."""
    assert call("get", "/settings") == (200, {"success": True})
    assert call("delete", "/settings")[0] == 404


@pytest.mark.spec("solar-ocpp", "Settings delete")
def test_account_settings_are_deleted(call, save):
    """The answer is empty."""
    save("/settings", TEMPLATE)

    assert call("delete", "/settings") == (200, {"success": True})
    assert call("get", "/settings") == (200, {"success": True})


def test_hid_stays_the_same(call, save, read):
    """It is in the URLs of chargers, so it outlives the settings."""
    _, body = save("/settings", TEMPLATE)
    call("delete", "/settings")
    save("/settings", TEMPLATE)

    assert read("/settings")["hid"] == body["data"]["hid"]


def test_settings_fall_back_from_charger_to_account_to_built_in(call, save, charger):
    """Flags and template alike, as the document says."""

    def effective():
        return publishing.effective_for([charger.pk])[charger.pk]

    save("/settings", {"publishToSolarIn": False, "publishToSolarFlux": False, **TEMPLATE})
    save("/chargers/settings", {"chargePointId": charger.pk, "sourceIdTemplate": "/mine"})
    assert effective() == Effective(True, True, "/mine")

    call("delete", f"/chargers/{charger.pk}/settings")
    assert effective() == Effective(False, False, "/{chargerIdentifier}")

    call("delete", "/settings")
    assert effective() == Effective(True, True, BUILT_IN_TEMPLATE)
