"""Every page is accessible, in light and dark, and fits on a phone."""

import pytest

from chargers.models import Charger
from tests.browser import rows

pytestmark = [pytest.mark.browser, pytest.mark.node, pytest.mark.once]

ROOMS = {
    "charger": [
        "chargers/charger/{Charger}/change/",
        "chargers/charger/{Charger}/connectors/",
        "chargers/charger/{Charger}/schedules/",
        "chargers/charger/{Charger}/transactions/",
        "chargers/charger/{Charger}/messages/",
        "chargers/charger/{Charger}/commands/",
        "chargers/charger/{Charger}/variables/",
        "chargers/charger/{Charger}/variables/{Variable}/",
        "chargers/charger/{Charger}/settings/",
        "chargers/charger/{Charger}/order/start/",
    ],
    "logs": [
        "chargers/charger/",
        "chargers/charger/{pending}/change/",
        "chargers/transaction/{Transaction}/change/",
        "chargers/message/",
        "chargers/message/{Message}/change/",
        "chargers/command/{Command}/change/",
        "chargers/command/add/",
        "chargers/failedhandshake/",
        "chargers/charginglimit/{ChargingLimit}/change/",
        "chargers/chargingprofile/{ChargingProfile}/change/",
        "chargers/charger/{Charger}/order/limit/",
    ],
    "datum": [
        "chargers/datumstream/",
        "chargers/datumstream/{DatumStream}/change/",
        "chargers/datumstream/{DatumStream}/change/?property=wattHours&range=week",
    ],
    "access": [
        "tokens/authorization/",
        "tokens/credential/",
        "tokens/apitoken/",
        "tokens/apitoken/add/",
    ],
}
# Made of the same parts as those above.
ALIKE = [
    "chargers/charger/add/",
    "chargers/charger/{Charger}/password/",
    "chargers/charger/{Charger}/variables/new/",
    "chargers/charger/{Charger}/delete/",
    "chargers/transaction/",
    "chargers/command/",
    "chargers/charginglimit/",
    "chargers/chargingprofile/",
    "chargers/location/",
    "chargers/location/{Location}/change/",
    "tokens/authorization/{Authorization}/change/",
    "tokens/credential/add/",
    "tokens/credential/{Credential}/password/",
    "tokens/apitoken/{ApiToken}/change/",
    "csms/event/",
    "csms/job/",
    "csms/serverprocess/",
    "auth/user/",
]


def looked_at(person, **how):
    """Return what is wrong with the open page: on a desk by day, on a phone by night."""
    by_day = person.violations(**how)
    person.look(width=390, dark=True)
    by_night = person.violations(**how)
    person.look(width=1280, dark=False)
    return by_day, by_night


@pytest.mark.parametrize(
    "paths",
    [
        pytest.param(paths, marks=() if room == "charger" else pytest.mark.slow, id=room)
        for room, paths in {**ROOMS, "alike": ALIKE}.items()
    ],
)
def test_pages_have_no_violations(visit, boss, paths):
    """axe-core finds nothing, and no page is wider than the screen."""
    numbers = {getattr(model, "__name__", model): row.pk for model, row in rows.of(boss).items()}
    found = {}

    with visit(boss) as person:
        for path in paths:
            status = person.open("/admin/" + path.format(**numbers))
            found[path] = status, *looked_at(person)

    assert found == {path: (200, [], []) for path in paths}


def test_dashboard_has_no_violations(visit, boss):
    """With the sidebar, which the other pages have too."""
    rows.of(boss)

    with visit(boss) as person:
        person.open("/admin/")
        assert looked_at(person, with_frame=True) == ([], [])


@pytest.mark.parametrize("dark", [False, True])
def test_login_has_no_violations(visit, dark):
    """In the colours that the visitor's system asks for."""
    with visit(None, width=390, dark=dark) as person:
        person.open("/admin/login/")
        assert person.do(lambda page: page.locator("html.dark").count()) == dark
        assert person.violations() == []


def test_open_tab_is_in_sight_on_a_phone(visit, boss):
    """However far to the right it is: else nobody sees on which page they are."""
    charger = rows.of(boss)[Charger]

    with visit(boss, width=390) as person:
        person.open(f"/admin/chargers/charger/{charger.pk}/variables/")

        right = "document.querySelector('.sm-tabs a[aria-current]').getBoundingClientRect().right"
        assert person.do(lambda page: page.evaluate(right)) <= 390
