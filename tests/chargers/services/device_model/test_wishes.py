"""What is wanted of a charger's variables, and what becomes of it, whatever the charger does."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from chargers.batch import open_batch
from chargers.models import Command, Variable
from chargers.services import commands, device_model, reconciling
from csms.models import Event, ServerProcess

pytestmark = pytest.mark.django_db

LATER = timedelta(hours=2)
KEY = "MeterValueSampleInterval"


def want(far, value="30", name=KEY, **place):
    """Want it, and let the charger be quiet."""
    rows = device_model.want(far.charger, [{"name": name, "value": value, **place}], origin="test")
    far.be_quiet()
    return rows[0]


def state(row):
    row.refresh_from_db()
    return row.desired_state


def key(value, name=KEY, **more):
    return {"configurationKey": [{"key": name, "readonly": False, "value": value, **more}]}


class TestOcpp16:
    def test_wish_is_delivered_and_read_back(self, far):
        """ChangeConfiguration, and GetConfiguration of that key."""
        row = want(far)
        assert state(row) == "sent"
        far.answers({"status": "Accepted"})
        assert (state(row), row.verified_at) == ("accepted", None)
        far.answers(key("30"))

        assert (state(row), row.verified_at is not None, row.value) == ("accepted", True, "30")
        assert far.asked == [
            ("ChangeConfiguration", {"key": KEY, "value": "30"}),
            ("GetConfiguration", {"key": [KEY]}),
        ]
        assert far.waiting == []

    def test_charger_that_accepts_and_ignores_is_found_out(self, far):
        """It reads back different: said so, and left at that."""
        row = want(far)
        far.answers({"status": "Accepted"})
        far.answers(key("60"))
        far.be_quiet(now=timezone.now() + LATER)

        assert (state(row), row.desired_reason) == ("ignored", "It reads back as '60'.")
        assert far.waiting == []

    @pytest.mark.parametrize(
        ("answer", "ends_as", "reason"),
        [
            ({"status": "Rejected"}, "rejected", ""),
            ({"status": "NotSupported"}, "not_supported", ""),
        ],
    )
    def test_refusal_is_final(self, far, answer, ends_as, reason):
        """Until the wish is changed."""
        row = want(far)
        far.answers(answer)
        far.be_quiet(now=timezone.now() + LATER)

        assert (state(row), row.desired_reason, row.next_attempt_at) == (ends_as, reason, None)
        assert far.waiting == []

    def test_changed_wish_after_a_refusal_is_delivered(self, far):
        """One row, with the newest value."""
        want(far)
        far.answers({"status": "Rejected"})
        row = want(far, "60")
        far.answers({"status": "Accepted"})

        assert (state(row), Variable.objects.count()) == ("accepted", 1)
        assert far.asked[1] == ("ChangeConfiguration", {"key": KEY, "value": "60"})

    def test_wish_that_changes_while_an_older_one_is_under_way_is_delivered_too(self, far):
        """The answer to the older one says nothing of the newer."""
        want(far)
        row = want(far, "60")
        far.answers({"status": "Rejected"})
        assert state(row) == "sent"
        far.answers({"status": "Accepted"})

        assert state(row) == "accepted"
        assert [payload["value"] for _, payload in far.asked] == ["30", "60"]

    @pytest.mark.parametrize(
        ("ending", "reason"),
        [
            (lambda far, now: far.fails("InternalError", "later", now=now), "Failed: InternalError later"),
            (lambda far, now: far.is_silent(now=now), "Timed out."),
            (lambda far, now: far.answers({"status": "Perhaps"}, now=now), "It answered 'Perhaps'."),
            (lambda far, now: far.answers({}, now=now), "It did not answer this."),
            (lambda far, now: far.answers(["Accepted"], now=now), "It did not answer this."),
            (lambda far, now: far.answers({"status": 7}, now=now), "It did not answer this."),
        ],
    )
    def test_no_usable_answer_is_tried_again_later_and_not_for_ever(self, far, ending, reason):
        """After a minute, two, four … an hour; eight times in all."""
        row, now, pauses = want(far), timezone.now(), []
        while far.waiting:
            ending(far, now)
            assert far.waiting == []
            row.refresh_from_db()
            if row.next_attempt_at:
                pauses.append(round((row.next_attempt_at - now).total_seconds() / 60))
                now = row.next_attempt_at
                far.be_quiet(now=now)

        assert (row.desired_state, row.desired_reason) == ("failed", f"{reason} 8 attempts were made.")
        assert pauses == [1, 2, 4, 8, 16, 32, 60]

    def test_charger_that_cannot_be_asked_at_all_is_asked_once(self, far):
        """CALLERROR NotImplemented: it has no such request."""
        row = want(far)
        far.fails("NotImplemented")

        assert (state(row), row.next_attempt_at) == ("not_supported", None)

    def test_value_that_it_cannot_read_back_stays_accepted(self, far):
        """With the reason beside it."""
        row = want(far)
        far.answers({"status": "Accepted"})
        far.answers({"unknownKey": [KEY]})

        assert (state(row), row.desired_reason) == ("accepted", "It could not be read back: UnknownKey")
        assert far.waiting == []

    def test_silence_when_read_back_ends(self, far):
        """Three attempts, then it is left at accepted."""
        row, now = want(far), timezone.now()
        far.answers({"status": "Accepted"})
        while far.waiting:
            far.is_silent(now=now)
            row.refresh_from_db()
            now = row.next_attempt_at or now
            far.be_quiet(now=now)

        assert (state(row), len(far.asked)) == ("accepted", 4)
        assert row.desired_reason == "It could not be read back: Timed out."

    def test_same_value_in_other_words_is_the_same(self, far):
        """Some write 30.0, others True."""
        row = want(far)
        far.answers({"status": "Accepted"})
        far.answers(key(" 30.0 "))

        assert (state(row), row.verified_at is not None) == ("accepted", True)

    def test_offline_charger_is_told_when_it_is_back(self, far):
        """Nothing is sent, nothing fails."""
        far.go_offline()
        row = want(far)
        assert (state(row), far.waiting) == ("waiting", [])
        far.go_online()
        far.be_quiet()

        assert state(row) == "sent"

    def test_command_that_never_left_was_no_attempt(self, far):
        """The socket ended before it could be written."""
        row = want(far)
        far.fails("NotConnected")

        row.refresh_from_db()
        assert (row.desired_state, row.attempts) == ("waiting", 0)

    def test_command_whose_end_nobody_told_is_taken_up_again(self, far):
        """A process died between the end of the command and what follows from it."""
        row = want(far)
        Command.objects.update(state="completed")
        far.be_quiet(now=timezone.now() + LATER)
        row.refresh_from_db()
        far.be_quiet(now=row.next_attempt_at)

        assert (state(row), len(far.waiting)) == ("sent", 1)

    def test_wishes_are_delivered_one_by_one(self, far):
        """One CALL at a time, and all are read back together."""
        wishes = [{"name": name, "value": "1"} for name in ("A", "B", "C")]
        device_model.want(far.charger, wishes, origin="test")
        far.be_quiet()
        for _ in wishes:
            assert len(far.waiting) == 1
            far.answers({"status": "Accepted"})
        far.answers({"configurationKey": [key("1", name)["configurationKey"][0] for name in "ABC"]})

        assert set(Variable.objects.values_list("desired_state", flat=True)) == {"accepted"}
        assert far.asked[-1] == ("GetConfiguration", {"key": ["A", "B", "C"]})

    def test_key_is_found_in_whatever_case(self, far):
        """OCPP 1.6 keys have none."""
        device_model.report(far.charger, [{"name": KEY, "value": "60"}])
        row = want(far, name=KEY.lower())

        assert (row.name, Variable.objects.count()) == (KEY, 1)

    def test_quiet_charger_of_which_nothing_is_wanted_is_told_nothing(self, far):
        """And it costs a fixed number of queries."""
        far.be_quiet()

        assert far.charger.commands.count() == 0


class TestOcpp201:
    PLACE = {"component": "SampledDataCtrlr", "name": "TxUpdatedInterval"}
    ENTRY = {"component": {"name": "SampledDataCtrlr"}, "variable": {"name": "TxUpdatedInterval"}}

    def test_wish_is_delivered_and_read_back(self, far201):
        """SetVariables and GetVariables."""
        row = want(far201, **self.PLACE)
        far201.answers({"setVariableResult": [self.ENTRY | {"attributeStatus": "Accepted"}]})
        far201.answers(
            {"getVariableResult": [self.ENTRY | {"attributeStatus": "Accepted", "attributeValue": "30"}]}
        )

        assert (state(row), row.verified_at is not None) == ("accepted", True)
        assert far201.asked == [
            ("SetVariables", {"setVariableData": [self.ENTRY | {"attributeValue": "30"}]}),
            ("GetVariables", {"getVariableData": [self.ENTRY]}),
        ]

    def test_as_many_are_set_at_once_as_the_station_takes(self, far201):
        """ItemsPerMessage of SetVariables."""
        limit = {"component": "DeviceDataCtrlr", "name": "ItemsPerMessage", "instance": "SetVariables"}
        device_model.report(far201.charger, [limit | {"value": "2"}])
        wishes = [{"component": "Vendor", "name": name, "value": "1"} for name in "ABC"]
        device_model.want(far201.charger, wishes, origin="test")
        far201.be_quiet()

        assert len(far201.waiting[0].payload["setVariableData"]) == 2

    def test_bytes_bound_a_message_too(self, far201):
        """BytesPerMessage of SetVariables; one at least is sent."""
        limit = {"component": "DeviceDataCtrlr", "name": "BytesPerMessage", "instance": "SetVariables"}
        device_model.report(far201.charger, [limit | {"value": "200"}])
        wishes = [{"component": "Vendor", "name": name, "value": "1" * 90} for name in "ABC"]
        device_model.want(far201.charger, wishes, origin="test")
        far201.be_quiet()

        assert len(far201.waiting[0].payload["setVariableData"]) == 1

    def test_half_an_answer_leaves_the_others_unanswered(self, far201):
        """They are tried again; the first is done."""
        wishes = [{"component": "Vendor", "name": name, "value": "1"} for name in "AB"]
        first, second = device_model.want(far201.charger, wishes, origin="test")
        far201.be_quiet()
        entry = {"component": {"name": "Vendor"}, "variable": {"name": "A"}, "attributeStatus": "Rejected"}
        far201.answers({"setVariableResult": [entry]})

        assert (state(first), state(second)) == ("rejected", "waiting")
        assert second.desired_reason == "It did not answer this."

    @pytest.mark.parametrize(
        ("status", "ends_as", "reason"),
        [
            ("UnknownComponent", "not_supported", "UnknownComponent OutOfRange 5 to 20"),
            ("UnknownVariable", "not_supported", "UnknownVariable OutOfRange 5 to 20"),
            ("NotSupportedAttributeType", "not_supported", "NotSupportedAttributeType OutOfRange 5 to 20"),
            ("Rejected", "rejected", "OutOfRange 5 to 20"),
            ("RebootRequired", "reboot_required", "It restarts once it is idle."),
        ],
    )
    def test_status_is_told_with_its_reason(self, far201, status, ends_as, reason):
        """Each item has its own."""
        row = want(far201, **self.PLACE)
        info = {"attributeStatusInfo": {"reasonCode": "OutOfRange", "additionalInfo": "5 to 20"}}
        far201.answers({"setVariableResult": [self.ENTRY | {"attributeStatus": status} | info]})

        assert state(row) == ends_as
        assert row.desired_reason == reason

    @pytest.mark.parametrize(
        "result",
        [
            {"setVariableResult": []},
            {"setVariableResult": "Accepted"},
            {"setVariableResult": [None, 7, {}]},
            {"setVariableResult": [{"attributeStatus": "Accepted", "component": "X", "variable": []}]},
            {"setVariableResult": [{"attributeStatus": ["Accepted"], **ENTRY}]},
        ],
    )
    def test_nonsense_is_no_answer(self, far201, result):
        """And harms nothing."""
        row = want(far201, **self.PLACE)
        far201.answers(result)

        assert (state(row), far201.waiting) == ("waiting", [])

    def test_write_only_variable_is_not_read_back(self, far201):
        """There is nothing to read."""
        device_model.report(far201.charger, [self.PLACE | {"mutability": "WriteOnly"}])
        row = want(far201, **self.PLACE)
        far201.answers({"setVariableResult": [self.ENTRY | {"attributeStatus": "Accepted"}]})

        assert (state(row), row.desired_reason) == ("accepted", "It cannot be read back.")
        assert far201.waiting == []


class TestRefusals:
    @pytest.mark.parametrize(
        ("wish", "field"),
        [
            ({"name": "X", "value": None}, "value"),
            ({"name": "X", "value": "1" * 501}, "value"),
            ({"name": "X" * 51, "value": "1"}, "name"),
            ({"name": "X\0", "value": "1"}, "name"),
            ({"name": "X", "component": "TxCtrlr", "value": "1"}, "component"),
            ({"name": "AuthorizationKey", "value": "0123456789abcdef"}, "name"),
            ({"name": "ReadOnly", "value": "1"}, "name"),
        ],
    )
    def test_wish_that_could_not_be_sent_is_not_taken(self, far, wish, field):
        """The member at fault is named, and so is which of the wishes."""
        device_model.report(far.charger, [{"name": "ReadOnly", "value": "0", "mutability": "ReadOnly"}])
        with pytest.raises(device_model.Refused) as refusal:
            device_model.want(far.charger, [{"name": "A", "value": "1"}, wish], origin="test")

        assert (refusal.value.field, refusal.value.index) == (field, 1)
        assert not Variable.objects.wanted().exists()

    def test_key_without_component_is_none_of_201(self, far201):
        """There each variable has one."""
        with pytest.raises(device_model.Refused) as refusal:
            device_model.want(far201.charger, [{"name": "A", "value": "1"}], origin="test")

        assert refusal.value.field == "component"

    def test_wish_of_the_other_version_ends(self, far):
        """A station that was brought to another version since."""
        row = want(far)
        far.answers({"status": "NotSupported"})
        Variable.objects.update(component="TxCtrlr", desired_state="waiting", next_attempt_at=timezone.now())
        far.be_quiet()

        assert (state(row), far.waiting) == ("not_supported", [])


class TestSecrets:
    def test_secret_is_sealed_sent_and_never_shown(self, far, changes):
        """Neither in its row nor in its command nor in an event."""
        device_model.report(far.charger, [{"name": "WifiPassword", "value": "old"}])
        row = want(far, "hush-hush", "WifiPassword")
        sent = far.answers({"status": "Accepted"})

        assert far.asked == [("ChangeConfiguration", {"key": "WifiPassword", "value": "hush-hush"})]
        assert (state(row), row.value, row.wish) == ("accepted", "******", "hush-hush")
        assert changes() == [("WifiPassword", "******", "******", "csms")]
        sent.refresh_from_db()
        told = [
            row.desired_value,
            sent.payload,
            sent.sealed_payload,
            *Event.objects.values_list("data", flat=True),
        ]
        assert "hush" not in str(told)
        assert far.waiting == []

    def test_secret_that_cannot_be_opened_fails(self, far, settings):
        """Its key is gone."""
        rows = device_model.want(far.charger, [{"name": "WifiPassword", "value": "x"}], origin="test")
        settings.CSMS_SECRET_KEYS = ["another"]
        far.be_quiet()

        assert (state(rows[0]), far.waiting) == ("failed", [])


class TestByHand:
    def test_change_by_a_command_of_its_own_is_read_again(self, far, changes):
        """From whatever door it came."""
        device_model.report(far.charger, [{"name": KEY, "value": "60"}])
        commands.send(far.charger, "ChangeConfiguration", {"key": KEY, "value": "30"}, origin="api")
        far.answers({"status": "Accepted"})
        far.answers(key("30"))

        assert changes() == [(KEY, "60", "30", "csms")]

    def test_change_by_hand_replaces_what_was_wanted(self, far):
        """The newest word counts."""
        row = want(far)
        far.answers({"status": "Accepted"})
        far.answers(key("30"))
        commands.send(far.charger, "ChangeConfiguration", {"key": KEY, "value": "90"}, origin="api")
        far.answers({"status": "Accepted"})
        far.answers(key("90"))

        assert (state(row), row.wish, row.desired_origin) == ("accepted", "90", "api")

    @pytest.mark.parametrize("is_by_hand", [False, True])
    def test_wish_is_not_replaced_by_what_was_sent_before_it(self, far, is_by_hand):
        """The answer to that comes between the newer wish and its delivery."""
        if is_by_hand:
            commands.send(far.charger, "ChangeConfiguration", {"key": KEY, "value": "30"}, origin="api")
        else:
            want(far, "30")
        (row,) = device_model.want(far.charger, [{"name": KEY, "value": "90"}], origin="test")
        far.answers({"status": "Accepted"})
        far.answers({"status": "Accepted"})
        far.answers(key("90"))

        assert (state(row), row.wish, row.value) == ("accepted", "90", "90")


def test_forgotten_wish_is_not_delivered(far):
    """A row that holds nothing else goes."""
    row = device_model.want(far.charger, [{"name": KEY, "value": "30"}], origin="test")[0]

    assert (device_model.forget(row), device_model.forget(row)) == (True, False)
    far.be_quiet()
    assert (far.waiting, Variable.objects.count()) == ([], 0)


def test_forgotten_wish_leaves_what_was_reported(far):
    """And its state is gone."""
    device_model.report(far.charger, [{"name": KEY, "value": "60"}])
    row = want(far)
    device_model.forget(row)
    far.answers({"status": "Accepted"})

    assert (state(row), row.wish, row.value) == ("", None, "60")


def test_wish_can_be_tried_again(far):
    """By people who know better."""
    row = want(far)
    far.answers({"status": "Rejected"})
    device_model.retry(row)
    far.be_quiet()

    assert state(row) == "sent"


@pytest.mark.parametrize(("pause", "deliveries"), [(timedelta(minutes=1), 9), (timedelta(days=2), 20)])
def test_value_that_does_not_stay_is_fought_for_in_vain_only_so_often(far, pause, deliveries):
    """Later each time, and within a day not for ever; what is lost now and then is set again."""
    row, now = want(far), timezone.now()
    far.answers({"status": "Accepted"}, now=now)
    far.answers(key("30"), now=now)
    for _ in range(19):
        now += pause
        row.refresh_from_db()
        with transaction.atomic(), open_batch([far.charger.pk]) as batch:
            batch.now = now
            device_model.report(far.charger, [{"name": KEY, "value": "60"}])
        now = max(now, due_at(row) or now)
        far.be_quiet(now=now)
        if not far.waiting:
            break
        far.answers({"status": "Accepted"}, now=now)
        far.answers(key("30"), now=now)

    assert sum(action == "ChangeConfiguration" for action, _ in far.asked) == deliveries
    assert (state(row) == "ignored") is (deliveries == 9)


def due_at(row):
    row.refresh_from_db()
    return row.next_attempt_at


def test_time_finds_what_is_due(far):
    """The job wakes the owner of the socket for it."""
    row = want(far)
    far.is_silent()
    row.refresh_from_db()

    assert device_model.due(timezone.now()) == set()
    ServerProcess.objects.update(beat_at=row.next_attempt_at)
    assert device_model.due(row.next_attempt_at) == {far.charger.pk}
    assert device_model in reconciling.STEPS
