"""What someone sees who starts Stationmaster for the first time: the demo fleet, live."""

import pytest

from tests.kit import serving

pytestmark = [pytest.mark.browser, pytest.mark.once]


@pytest.fixture
def newcomer(transactional_db, browser, tmp_path):
    """A visitor of a system that has just been started."""
    with serving.system(tmp_path) as address:
        person = browser.visitor(address, width=1280, dark=False)
        yield person
        person.leave()
    assert (person.strayed, person.complaints) == ([], [])


def ordered(person):
    """Wait on a command's page until the charger has answered; return the answer."""
    person.sees("#command h2", "State")
    person.sees("#answer + pre", "status")
    return person.read("#answer + pre")


def test_newcomer_sees_the_fleet_starts_and_stops_a_charge_and_reads_its_curve(newcomer):
    """From the login to the chart, on a system that was started a moment ago."""
    newcomer.open("/")
    newcomer.fill(username=serving.ADMIN, password=serving.PASSWORD)
    newcomer.follow("[type=submit]")
    newcomer.do(lambda page: page.evaluate("window.neverReloaded = true"))
    newcomer.sees(".sm-tile.sm-good b", "5")  # all online
    newcomer.sees("#running + div tbody", "Running")  # a driver of the fleet charges
    assert newcomer.do(lambda page: page.evaluate("window.neverReloaded"))

    newcomer.open("/admin/chargers/charger/")
    # Of the fleet's chargers the one that nobody comes to in the first minute.
    newcomer.follow("#result_list a:has-text('Visitors')")
    newcomer.follow("nav.sm-orders a:has-text('Start')")
    assert newcomer.do(lambda page: page.input_value("[name=id_token]")) == "DEMO-TAG"
    newcomer.follow("button:has-text('Start charging')")
    assert "Accepted" in ordered(newcomer)

    newcomer.follow(".sm-line a:has-text('Visitors')")
    newcomer.sees("#overview", "Charging")
    newcomer.follow("#running + div tbody a")
    newcomer.do(lambda page: page.wait_for_selector("#curve canvas"))
    newcomer.sees("#curve-summary", "kWh were delivered")
    newcomer.reads("#curve-summary", "Power peaked at [1-9][0-9.]* kW")
    newcomer.do(lambda page: page.click("#curve-data summary"))
    newcomer.reads("#curve-data tbody", "[1-9][0-9.]* kW")
    transaction = newcomer.do(lambda page: page.url).removeprefix(newcomer.address)

    newcomer.follow("a[href*='/order/stop/']")
    newcomer.follow("button:has-text('Stop the transaction')")
    assert "Accepted" in ordered(newcomer)
    newcomer.open(transaction)
    newcomer.sees("#figures", "Ended")
