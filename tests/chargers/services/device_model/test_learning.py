"""Learning what a charger is, and what was learnt."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from chargers.batch import open_batch
from chargers.models import Charger, Command, Connector, Learning, Presence, Report
from chargers.services import device_model, reports
from chargers.services.device_model import learning
from chargers.wire import v16_variables
from chargers.wire.validation import V201
from csms.models import ServerProcess
from tests.kit.orders import FarCharger

pytestmark = pytest.mark.django_db

BOOT = {"chargePointVendor": "V", "chargePointModel": "M", "firmwareVersion": "1"}
BOOT_201 = {"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M", "firmwareVersion": "1"}}


def answer(**keys):
    return {"configurationKey": [{"key": key, "readonly": True, "value": keys[key]} for key in keys]}


@pytest.fixture
def new(charger):
    """A charger of which nothing is known."""
    return FarCharger(charger, device_model.reconcile)


@pytest.fixture
def new201(owner):
    """A station of which nothing is known."""
    station = Charger.objects.create(owner=owner, identifier="CS-1", security_profile=0, protocol="ocpp2.0.1")
    return FarCharger(station, device_model.reconcile)


@pytest.fixture
def boot(tell):
    """Return a function that boots a charger and lets it be quiet."""

    def run(far, *, now=None, **changes):
        now = now or timezone.now()
        if far.charger.protocol == V201:
            station = BOOT_201["chargingStation"] | changes
            tell(
                "BootNotification",
                BOOT_201 | {"chargingStation": station},
                version=V201,
                now=now,
                to=far.charger,
            )
        else:
            tell("BootNotification", BOOT | changes, now=now)
        far.be_quiet(now=now)

    return run


class TestOcpp16:
    def test_new_charger_is_asked_once_it_is_quiet_after_its_boot(self, new, boot):
        """And no more, however often it boots."""
        new.be_quiet()
        assert new.waiting == []
        boot(new)
        new.answers(answer(NumberOfConnectors="2"))
        boot(new)

        assert new.asked == [("GetConfiguration", {})]
        assert (new.waiting, Learning.objects.get().state) == ([], "known")
        assert Charger.objects.get().connector_count == 2

    def test_new_firmware_is_asked_again(self, new, boot):
        """It may have other keys."""
        boot(new)
        new.answers(answer(A="1"))
        boot(new, firmwareVersion="2")

        assert new.waiting[0].action == "GetConfiguration"

    def test_charger_that_speaks_another_version_is_asked_again(self, new, boot):
        """Some are told to, and keep their firmware; what they are made of has other names then."""
        boot(new)
        new.answers(answer(A="1"))
        Charger.objects.update(protocol=V201)
        new.charger.refresh_from_db()
        Presence.objects.update(protocol=V201)
        boot(new, vendorName="V", model="M")

        assert new.waiting[0].action == "GetBaseReport"

    def test_setting_turns_it_off(self, new, boot, settings):
        """For chargers that must not be asked."""
        settings.CSMS_LEARN = False
        boot(new)

        assert new.waiting == []

    @pytest.mark.parametrize(
        ("ending", "reason"),
        [
            (lambda far, now: far.is_silent(now=now), "Timed out: "),
            (lambda far, now: far.fails("NotImplemented", now=now), "Failed: NotImplemented"),
            (lambda far, now: far.answers({"configurationKey": []}, now=now), "It answered nothing of use."),
            (lambda far, now: far.answers("everything", now=now), "It answered nothing of use."),
        ],
    )
    def test_charger_that_tells_nothing_is_asked_three_times(self, new, boot, ending, reason):
        """Then only after another boot, and not within the hour."""
        boot(new)
        now = timezone.now()
        while new.waiting:
            ending(new, now)
            row = Learning.objects.get()
            now = row.next_attempt_at or now
            new.be_quiet(now=now)
        assert (row.state, row.reason, len(new.asked)) == ("failed", reason, 3)
        boot(new, now=now + timedelta(minutes=5))
        assert new.waiting == []
        boot(new, now=now + timedelta(hours=2))

        assert len(new.waiting) == 1

    def test_keys_that_did_not_fit_are_asked_for_by_name(self, new, boot):
        """In pages of as many as it says."""
        boot(new)
        new.answers(answer(GetConfigurationMaxKeys="3", A="1", B="2"))
        asked = []
        while new.waiting:
            page = new.waiting[0].payload["key"]
            asked.append(page)
            new.answers(answer(**dict.fromkeys(page, "1")))

        assert {len(page) for page in asked[:-1]} == {3}
        assert {key for page in asked for key in page} == set(v16_variables.STANDARD_KEYS) - {
            "GetConfigurationMaxKeys"
        }
        assert Learning.objects.get().state == "known"

    def test_answer_longer_than_a_page_holds_all(self, new, boot):
        """It does not mind its own bound."""
        boot(new)
        new.answers(answer(GetConfigurationMaxKeys="2", A="1", B="2"))

        assert new.waiting == []

    def test_page_that_is_not_answered_is_given_up(self, new, boot):
        """What the first page told is known all the same."""
        boot(new)
        new.answers(answer(GetConfigurationMaxKeys="2", A="1"))
        now = timezone.now()
        while new.waiting:
            new.is_silent(now=now)
            row = Learning.objects.get()
            now = row.next_attempt_at or now
            new.be_quiet(now=now)

        assert (row.state, row.reason, len(new.asked)) == ("known", "Some keys were not told.", 4)

    def test_question_whose_end_nobody_told_is_asked_again(self, new, boot):
        """A process died."""
        boot(new)
        new.charger.commands.update(state="failed")
        new.be_quiet(now=timezone.now() + timedelta(hours=1))

        assert len(new.waiting) == 1

    def test_what_people_ask_for_is_learnt_too(self, new):
        """Whoever asked, it need not be asked again."""
        device_model.read(new.charger, origin="test")
        new.answers(answer(A="1"))

        assert Learning.objects.get().state == "known"


class TestOcpp201:
    def report(self, far, tell, **changes):
        request_id = Report.objects.latest("pk").request_id
        entry = {"component": {"name": "SmartChargingCtrlr"}, "variable": {"name": "RateUnit"}}
        entry |= {"variableAttribute": [{"value": "A,W"}]}
        payload = {"requestId": request_id, "generatedAt": "2026-11-21T12:00:00Z", "seqNo": 0, "tbc": False}
        payload |= {"reportData": [entry]} | changes
        tell("NotifyReport", payload, version=V201, to=far.charger, now=timezone.now())

    def test_new_station_sends_its_inventory(self, new201, boot, tell):
        """GetBaseReport, once."""
        boot(new201)
        new201.answers({"status": "Accepted"})
        self.report(new201, tell)
        boot(new201)

        assert [(action, words["reportBase"]) for action, words in new201.asked] == [
            ("GetBaseReport", "FullInventory")
        ]
        assert (new201.waiting, Learning.objects.get().state) == ([], "known")

    def test_station_without_a_full_inventory_is_asked_for_less(self, new201, boot):
        """FullInventory, ConfigurationInventory, SummaryInventory."""
        boot(new201)
        now = timezone.now()
        while new201.waiting:
            new201.answers({"status": "NotSupported"}, now=now)
            row = Learning.objects.get()
            now = row.next_attempt_at or now
            new201.be_quiet(now=now)

        bases = [words["reportBase"] for _, words in new201.asked]
        assert bases == ["FullInventory", "ConfigurationInventory", "SummaryInventory"]
        assert (row.state, row.reason) == ("failed", "It answered 'NotSupported'.")
        assert len({words["requestId"] for _, words in new201.asked}) == 3

    def test_report_with_holes_teaches_what_it_holds(self, new201, boot, tell):
        """And says so."""
        boot(new201)
        new201.answers({"status": "Accepted"})
        self.report(new201, tell, seqNo=5)

        row = Learning.objects.get()
        assert (row.state, row.reason) == ("known", "Parts of its report are missing.")

    @pytest.mark.parametrize("data", [None, [], [{"variable": 7}]])
    def test_report_without_a_variable_teaches_nothing(self, new201, boot, tell, data):
        """It is asked for again, as one that never came."""
        boot(new201)
        new201.answers({"status": "Accepted"})
        self.report(new201, tell, reportData=data)

        row = Learning.objects.get()
        assert (row.state, row.reason) == ("waiting", "Its report told of nothing.")

    def test_report_that_never_comes_is_asked_for_again_later(self, new201, boot):
        """It was accepted, and nothing followed."""
        boot(new201)
        new201.answers({"status": "Accepted"})
        reports.time_out(timezone.now() + timedelta(minutes=3))

        row = Learning.objects.get()
        assert (row.state, row.reason) == ("waiting", "Its report did not come.")
        ServerProcess.objects.update(beat_at=row.next_attempt_at)
        assert device_model.due(row.next_attempt_at) == {new201.charger.pk}


class TestFleet:
    def be_quiet(self, owner, count, now, *, is_online=True):
        """Let chargers that nobody knows be quiet in one batch; return how many were asked."""
        names = [f"CP-{number}" for number in range(10, 10 + count)]
        rows = [
            Charger(owner=owner, identifier=name, protocol="ocpp1.6", booted_at=now, security_profile=0)
            for name in names
        ]
        Charger.objects.bulk_create(rows)
        chargers = list(Charger.objects.filter(identifier__in=names))
        for charger in chargers if is_online else ():
            FarCharger(charger)
        with transaction.atomic(), open_batch([charger.pk for charger in chargers]) as batch:
            batch.now = now
            for charger in batch.chargers.values():
                device_model.reconcile(charger)
        return Command.objects.count()

    def test_new_fleet_is_asked_in_turn(self, owner):
        """All of it at once would keep every other answer waiting."""
        now = timezone.now()

        assert self.be_quiet(owner, 30, now) == learning.AT_ONCE
        later = Learning.objects.filter(state="waiting").order_by("next_attempt_at")
        pauses = [(row.next_attempt_at - now).total_seconds() for row in later]
        assert (len(pauses), pauses[0], pauses[-1]) == (20, 0.1, 2.0)

    def test_who_comes_later_waits_behind_those_that_came_before(self, owner, new, boot):
        """Their turn comes by time."""
        now = timezone.now()
        self.be_quiet(owner, 30, now)

        boot(new, now=now)

        assert (new.waiting, device_model.due(now)) == ([], set())
        last = Learning.objects.get(charger=new.charger).next_attempt_at
        assert last == Learning.objects.filter(state="waiting").latest("next_attempt_at").next_attempt_at
        assert new.charger.pk in device_model.due(last)

    @pytest.mark.parametrize("code", ["InternalError", "NotConnected"])
    def test_who_waits_for_another_attempt_is_ahead_of_nobody(self, owner, new, boot, code):
        """Chargers that refuse, or come and go, would keep the new ones waiting."""
        now = timezone.now()
        later = now + timedelta(seconds=3)  # all have had their turn
        self.be_quiet(owner, 30, now)
        asked = [FarCharger(charger) for charger in Charger.objects.filter(commands__isnull=False)]
        [far.fails(code, now=later) for far in asked]

        boot(new, now=later)

        assert len(asked) == learning.AT_ONCE
        assert [command.action for command in new.waiting] == ["GetConfiguration"]

    def test_who_was_gone_at_its_turn_is_ahead_of_nobody(self, owner, new, boot):
        now = timezone.now()
        self.be_quiet(owner, 30, now, is_online=False)

        boot(new, now=now + timedelta(seconds=3))

        assert [command.action for command in new.waiting] == ["GetConfiguration"]

    def test_charger_that_is_gone_when_its_turn_comes_is_asked_when_it_is_back(self, new, boot):
        """Not to be asked is no end."""
        new.go_offline()
        boot(new)
        assert new.waiting == []
        new.go_online()
        new.be_quiet(now=timezone.now() + timedelta(minutes=2))

        assert [command.action for command in new.waiting] == ["GetConfiguration"]

    @pytest.mark.parametrize("change", [{"enabled": False}, {"registration_status": "Pending"}])
    def test_charger_that_may_not_operate_is_not_due(self, new, boot, change):
        """It would be woken for nothing, again and again."""
        new.go_offline()
        boot(new)
        new.go_online()
        later = timezone.now() + timedelta(minutes=2)
        ServerProcess.objects.update(beat_at=later)
        assert device_model.due(later) == {new.charger.pk}
        Charger.objects.update(**change)

        assert device_model.due(later) == set()


class TestConnectors:
    def learn(self, far, boot, value):
        boot(far)
        far.answers(answer(NumberOfConnectors=value))
        connectors = Connector.objects.values_list("connector_id", flat=True)
        return Charger.objects.get().connector_count, list(connectors)

    @pytest.mark.spec("solar-ocpp", "Connectors save")
    def test_number_of_connectors_enters_them(self, new, boot):
        """Those that it has are numbered from 1; their status is unknown until it is told."""
        assert self.learn(new, boot, "2") == (2, [1, 2])
        assert set(Connector.objects.values_list("status", flat=True)) == {"Unknown"}

    def test_connectors_that_reported_themselves_stay(self, new, boot):
        """Some chargers count wrongly."""
        Connector.objects.create(charger=new.charger, connector_id=3, status="Charging")

        assert self.learn(new, boot, "1") == (1, [1, 3])

    @pytest.mark.parametrize("value", [None, "", "0", "-1", "many", "101", "9" * 30, "²"])
    def test_nonsense_enters_nothing(self, new, boot, value):
        """Nobody makes a million rows with one answer."""
        assert self.learn(new, boot, value) == (0, [])


class TestCapabilities:
    def test_of_ocpp16(self, charger):
        """As its keys say, in either spelling of the units."""
        told = {
            "SupportedFeatureProfiles": "Core, SmartCharging",
            "ChargingScheduleAllowedChargingRateUnit": "Current,Power",
            "ChargeProfileMaxStackLevel": "0",
            "ChargingScheduleMaxPeriods": "24",
            "MaxChargingProfilesInstalled": "ten",
            "ConnectorSwitch3to1PhaseSupported": "TRUE",
            "NumberOfConnectors": "2",
            "GetConfigurationMaxKeys": "50",
        }
        device_model.report(charger, [{"name": name, "value": told[name]} for name in told])

        assert device_model.capabilities(charger) == device_model.Capabilities(
            feature_profiles=frozenset({"Core", "SmartCharging"}),
            has_smart_charging=True,
            charging_rate_units=frozenset({"A", "W"}),
            max_stack_level=0,
            max_periods=24,
            max_profiles=None,
            switches_phases=True,
            connectors=2,
            max_keys=50,
        )

    def test_of_ocpp201(self, new201):
        """As its controllers say."""
        told = [
            {"component": "SmartChargingCtrlr", "name": "Enabled", "value": "true"},
            {"component": "SmartChargingCtrlr", "name": "RateUnit", "value": "W"},
            {"component": "SmartChargingCtrlr", "name": "ProfileStackLevel", "value": "3"},
            {"component": "ReservationCtrlr", "name": "Available", "value": "false"},
            {"component": "EVSE", "evse_id": 1, "name": "Power", "value": "0"},
            {"component": "EVSE", "evse_id": 2, "name": "Power", "value": "0"},
        ]
        device_model.report(new201.charger, told)

        found = device_model.capabilities(new201.charger)
        assert (found.feature_profiles, found.charging_rate_units) == ({"SmartCharging"}, {"W"})
        assert (found.max_stack_level, found.connectors, found.max_periods) == (3, 2, None)

    def test_of_a_charger_that_told_nothing(self, charger):
        """Nothing is known, and nothing is guessed."""
        found = device_model.capabilities(charger)

        assert (found, found.has_smart_charging) == (device_model.Capabilities(), None)

    @pytest.mark.parametrize(
        ("told", "has"),
        [
            ({"component": "TxCtrlr", "name": "EVConnectionTimeOut", "value": "60"}, None),
            ({"component": "SmartChargingCtrlr", "name": "Enabled", "value": "false"}, False),
            ({"component": "SmartChargingCtrlr", "name": "RateUnit", "value": "A"}, True),
        ],
    )
    def test_smart_charging_of_a_station_is_known_by_its_controller(self, new201, told, has):
        """One that has told of other controllers alone has not denied it; nor has one of which it is wished."""
        wish = {"component": "SmartChargingCtrlr", "name": "ProfileStackLevel", "value": "3"}
        device_model.report(new201.charger, [told])
        device_model.want(new201.charger, [wish])

        assert device_model.capabilities(new201.charger).has_smart_charging is has

    @pytest.mark.parametrize(
        ("profiles", "has"),
        [
            ("Core,SmartCharging", True),
            ("core, smart charging", True),
            ("Core,NoSmartCharging", False),
            ("Core", False),
        ],
    )
    def test_smart_charging_is_known_by_the_profiles(self, charger, profiles, has):
        """A station without it is not asked for schedules."""
        device_model.report(charger, [{"name": "SupportedFeatureProfiles", "value": profiles}])

        assert device_model.capabilities(charger).has_smart_charging is has

    @pytest.mark.parametrize(
        "told",
        [
            {"component": "SmartChargingCtrlr", "name": "Enabled", "value": "false"},
            {"component": "SmartChargingCtrlr", "name": "Enabled", "value": "false", "evse_id": 1},
            {"component": "smartchargingctrlr", "name": "available", "value": " FALSE"},
            {"component": "SmartChargingCtrlr", "name": "Available", "value": "no"},
        ],
    )
    def test_fleet_is_judged_as_one_charger_is(self, new201, told, django_assert_num_queries):
        """In one query, by the same rule."""
        device_model.report(new201.charger, [told])
        denied = device_model.capabilities(new201.charger).has_smart_charging is False

        with django_assert_num_queries(1):
            found = device_model.without_smart_charging({new201.charger.pk: new201.charger})

        assert found == ({new201.charger.pk} if denied else set())
