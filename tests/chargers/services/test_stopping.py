"""Stopping a charger's connection and letting it come back, as EVerest's stop and restart do on the other side."""

from uuid import uuid4

import pytest
from django.utils import timezone

from chargers.models import Charger, FailedHandshake, Presence
from chargers.services import handshakes, presence, registration, wakeups
from csms.models import Event
from tests.kit.chargers import InProcessCharger, boards_closed, in_thread, until


@pytest.mark.django_db
class TestRows:
    def test_second_stop_changes_nothing(self, charger):
        """Each says whether it did anything, and only then is it a fact."""
        assert [registration.stop(charger), registration.stop(charger)] == [True, False]
        assert [registration.restart(charger), registration.restart(charger)] == [True, False]
        kinds = list(Event.objects.order_by("pk").values_list("kind", flat=True))
        assert kinds == ["charger.stopped", "charger.restarted"]

    @pytest.mark.parametrize(
        ("password", "refusal"),
        [(b"right password", "stopped by its operator"), (b"wrong", "wrong or missing password")],
    )
    def test_only_the_charger_itself_learns_that_it_is_stopped(self, charger, password, refusal):
        """Others are told no more than before."""
        registration.set_password(charger, "right password", is_generated=True)
        registration.stop(charger)
        attempt = handshakes.Attempt("CP-1", username="CP-1", password=password)

        assert handshakes.Desk([attempt]).decide(attempt).refusal == refusal

    def test_socket_that_was_let_in_meanwhile_is_closed_at_its_next_beat(self, charger):
        """Its handshake and the stop did not see each other."""
        now, token = timezone.now(), uuid4()
        presence.connect([(charger, token, "ocpp1.6", "")], process_id=None, now=now)
        Charger.objects.update(stopped_at=now)

        assert presence.extend([(charger.pk, token, now, now)], process_id=None) == {token}


class TestSocket:
    @pytest.fixture
    async def end(self, transactional_db, charger):
        end = InProcessCharger()
        await end.connect()
        yield end
        await boards_closed()

    async def test_stop_closes_the_socket_and_refuses_new_ones(self, end, charger):
        """With 503, so that it comes back, and the row says who refused it."""
        assert await in_thread(registration.stop, charger)

        assert (await end.receive()) == {
            "type": "websocket.close",
            "code": 1013,
            "reason": "stopped by its operator",
        }
        await end.disconnect()
        refused = InProcessCharger()
        assert await refused.connect() == (None, 503)
        assert (await refused.receive())["body"] == b"Stopped by its operator"
        row = await until(FailedHandshake.objects.first)
        assert (row.reason, row.charger_id) == ("stopped by its operator", charger.pk)

    async def test_restart_lets_it_in_again(self, end, charger):
        await in_thread(registration.stop, charger)
        await end.receive()
        await end.disconnect()
        await in_thread(registration.restart, charger)

        again = InProcessCharger()
        assert await again.connect() == ("ocpp1.6", None)
        assert await until(Presence.objects.filter(token__isnull=False).exists)
        await again.disconnect()

    async def test_stop_in_another_process_closes_the_socket(self, end, charger):
        """The one that holds it is told."""
        presence = await until(Presence.objects.select_related("process").filter(token__isnull=False).first)
        dismissal = {"type": "charger.dismissed", "charger": charger.pk, "code": 1013, "reason": "over there"}

        await in_thread(wakeups.tell, presence.process.channel, dismissal)

        assert (await end.receive())["reason"] == "over there"
