"""The staff's pages: they open, they show one's own rows only, and they never count big tables."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from chargers.models import (
    Charger,
    ChargingLimit,
    ChargingProfile,
    Command,
    Connector,
    FailedHandshake,
    Instruction,
    Location,
    Message,
    StopReport,
    Transaction,
)
from chargers.services import registration
from csms.models import OwnerGrant
from tests.chargers.admin.conftest import go_online
from tests.kit import world

pytestmark = [pytest.mark.django_db, pytest.mark.strictest]

LISTS = [
    Charger,
    ChargingLimit,
    ChargingProfile,
    Transaction,
    Command,
    Instruction,
    Message,
    FailedHandshake,
    StopReport,
    Location,
]
TABS = ["connectors", "transactions", "messages", "commands", "variables", "settings", "password"]


def listing(model):
    return reverse(f"admin:chargers_{model._meta.model_name}_changelist")


def page(row, name="change"):
    return reverse(f"admin:chargers_{row._meta.model_name}_{name}", args=[row.pk])


def shown(answer):
    """Return the page's text."""
    return answer.content.decode()


def test_dashboard_counts_what_staff_may_see(as_staff, charger, owner):
    """The figures are of one's own fleet."""
    world.of(owner)

    board = as_staff.get("/admin/").context["board"]

    assert (board["chargers"]["online"], board["chargers"]["offline"]) == (1, 0)


def test_dashboard_asks_no_more_of_a_larger_fleet(as_staff, staff, charger):
    """The number of queries is fixed."""
    as_staff.get("/admin/")
    with CaptureQueriesContext(connection) as small:
        as_staff.get("/admin/")
    for number in range(20):
        row = go_online(Charger.objects.create(owner=staff, identifier=f"X-{number}"))
        Transaction.objects.create(owner=staff, charger=row, protocol="ocpp1.6", started_at=timezone.now())

    with CaptureQueriesContext(connection) as large:
        as_staff.get("/admin/")

    assert len(large) == len(small)


def test_dashboard_names_what_needs_attention(as_staff, charger):
    """A fault and a pending charger are listed, with links to the lists that show them."""
    charger.connectors.filter(connector_id=1).update(status="Faulted")
    Charger.objects.create(owner=charger.owner, identifier="NEW", registration_status="Pending")

    text = shown(as_staff.get("/admin/"))

    assert "/admin/chargers/charger/?state=pending" in text
    assert "/admin/chargers/charger/?connectors=Faulted" in text


def test_dashboard_counts_stops_of_unknown_transactions(as_staff, staff):
    """Those of the last week; old ones and repeated ones need nobody. The link leads to them."""
    charger = world.of(staff)[Charger]
    known = {"charger": charger, "payload": {}}
    new, old = timezone.now(), timezone.now() - timedelta(days=8)
    parked = StopReport.objects.create(**known, reported_id="1", cause="unknown transaction", received_at=new)
    StopReport.objects.create(**known, reported_id="2", cause="unknown transaction", received_at=old)
    StopReport.objects.create(**known, reported_id="3", cause="already ended", received_at=new)

    items = as_staff.get("/admin/").context["board"]["attention"]

    item = next(each for each in items if "/stopreport/" in each["url"])
    assert item["number"] == 1
    assert list(as_staff.get(item["url"]).context["cl"].result_list) == [parked]


def test_stop_page_shows_what_the_charger_sent(as_staff, staff):
    """The page can be read and changes nothing."""
    answer = as_staff.get(page(world.of(staff)[StopReport]))

    assert "meterStop" in shown(answer)
    assert not answer.context["has_change_permission"]


@pytest.mark.parametrize(
    ("policy", "words"),
    [("pending", "waits for your approval"), ("accept", "without a password"), ("reject", "are refused")],
)
def test_empty_dashboard_says_how_to_connect(as_staff, settings, policy, words):
    """Without a charger the dashboard says where one should connect, and what becomes of it."""
    settings.CSMS_UNKNOWN_CHARGERS = policy

    text = shown(as_staff.get("/admin/"))

    assert "/ocpp/&lt;identifier&gt;" in text
    assert words in text


def test_charger_list_asks_no_more_for_more_chargers(as_staff, staff, charger):
    """The list has no query per row."""
    as_staff.get(listing(Charger))
    with CaptureQueriesContext(connection) as small:
        as_staff.get(listing(Charger))
    for number in range(10):
        row = go_online(Charger.objects.create(owner=staff, identifier=f"X-{number}"))
        Connector.objects.create(charger=row, connector_id=1)

    with CaptureQueriesContext(connection) as large:
        as_staff.get(listing(Charger))

    assert len(large) == len(small)


@pytest.mark.parametrize("model", LISTS, ids=lambda model: model.__name__)
def test_list_leaves_out_what_others_own(as_staff, owner, model):
    """A list shows nothing of an owner whom no group grants."""
    world.of(owner)

    assert not list(as_staff.get(listing(model)).context["cl"].result_list)


@pytest.mark.parametrize("model", [*LISTS[:7]], ids=lambda model: model.__name__)
def test_page_of_anothers_row_is_missing(as_staff, owner, model):
    """A guessed number opens nothing."""
    row = world.of(owner)[model]

    assert as_staff.get(page(row)).status_code in (302, 404)


@pytest.mark.parametrize("model", LISTS, ids=lambda model: model.__name__)
def test_superuser_sees_everyones_rows(client, django_user_model, owner, stranger, model):
    """Whoever runs the house sees all of it, whosever it is."""
    made = {world.of(person)[model].pk for person in (owner, stranger)}
    client.force_login(django_user_model.objects.create_superuser("boss"))

    answer = client.get(listing(model))

    assert {found.pk for found in answer.context["cl"].result_list} == made


@pytest.mark.parametrize("model", LISTS, ids=lambda model: model.__name__)
def test_group_grants_an_owners_rows(as_staff, staff, owner, model):
    """Staff see the rows of the owners that their groups grant, on lists and pages."""
    row = world.of(owner)[model]
    group = Group.objects.create(name="Helpers")
    OwnerGrant.objects.create(group=group, owner=owner)
    staff.groups.add(group)

    assert [found.pk for found in as_staff.get(listing(model)).context["cl"].result_list] == [row.pk]
    assert as_staff.get(page(row)).status_code == 200


@pytest.mark.parametrize("tab", TABS)
def test_charger_tab_opens(as_staff, staff, tab):
    """Every tab of a charger shows."""
    charger = world.of(staff)[Charger]

    assert as_staff.get(page(charger, tab)).status_code == 200


@pytest.mark.parametrize("tab", [*TABS, "approve"])
def test_charger_tab_of_another_owner_is_missing(as_staff, owner, tab):
    """No tab shows or changes another's charger."""
    charger = world.of(owner)[Charger]

    assert as_staff.post(page(charger, tab)).status_code in (404, 405)
    assert as_staff.get(page(charger, tab)).status_code == 404


@pytest.mark.parametrize(
    "model", [Message, Transaction, Command, StopReport], ids=lambda model: model.__name__
)
def test_growing_list_is_never_counted(as_staff, staff, model):
    """Lists of tables that grow without end know a next page, not a number of rows."""
    world.of(staff)

    with CaptureQueriesContext(connection) as queries:
        as_staff.get(listing(model))

    assert not [each for each in queries.captured_queries if "COUNT(" in each["sql"]]


def test_message_list_leaves_the_payloads_in_the_database(as_staff, staff):
    """A page of the log does not carry a page of payloads."""
    world.of(staff)

    with CaptureQueriesContext(connection) as queries:
        as_staff.get(listing(Message))

    assert not [each for each in queries.captured_queries if '"chargers_message"."request"' in each["sql"]]


def test_growing_list_ignores_a_column_to_sort_by(as_staff, staff):
    """Only the index orders a growing table."""
    world.of(staff)

    with CaptureQueriesContext(connection) as queries:
        as_staff.get(listing(Message) + "?o=7")

    assert not [each for each in queries.captured_queries if '"oddities" ASC' in each["sql"]]


def test_growing_list_has_a_next_page(as_staff, staff):
    """The page after the first holds the rest."""
    charger = world.of(staff)[Charger]
    Command.objects.bulk_create(
        Command(owner=staff, charger=charger, action="Reset") for _ in range(60)
    )  # one is there already

    assert "Older" in shown(as_staff.get(listing(Command)))
    assert len(as_staff.get(listing(Command) + "?p=2").context["cl"].result_list) == 11


def test_message_page_shows_request_and_answer(as_staff, staff):
    """Both halves of an exchange stand on one page, indented."""
    message = world.of(staff)[Message]
    Message.objects.filter(pk=message.pk).update(request='{"a":{"b":1}}', answer='{"status":"Accepted"}')

    text = shown(as_staff.get(page(message)))

    assert "&quot;b&quot;: 1" in text
    assert "The frame as it came" not in text
    assert "&quot;status&quot;: &quot;Accepted&quot;" in text


def test_message_page_shows_the_payload_and_keeps_the_frame(as_staff, staff):
    """What is around the payload is kept aside."""
    message = world.of(staff)[Message]
    Message.objects.filter(pk=message.pk).update(request='[2,"7","Heartbeat",{"a":1}]')

    answer = as_staff.get(page(message))

    assert answer.context["payload"] == {"a": 1}
    assert "[2,&quot;7&quot;,&quot;Heartbeat&quot;,{&quot;a&quot;:1}]" in shown(answer)


def test_dashboard_shows_the_latest_sessions(as_staff, staff, charger):
    """Those that are over, of one's own; a refused one was none."""
    begun = {"owner": staff, "charger": charger, "protocol": "ocpp1.6", "started_at": timezone.now()}
    over = Transaction.objects.create(**begun, ended_at=timezone.now())
    Transaction.objects.create(**begun)
    Transaction.objects.create(**begun, ended_at=timezone.now(), is_refused=True)

    assert list(as_staff.get("/admin/").context["board"]["ended"]) == [over]


@pytest.mark.parametrize(
    ("protocol", "action"), [("ocpp1.6", "GetConfiguration"), ("ocpp2.0.1", "GetBaseReport")]
)
def test_variables_can_be_asked_for(as_staff, charger, protocol, action):
    """The tab asks for them in the words of the charger's protocol."""
    Charger.objects.filter(pk=charger.pk).update(protocol=protocol)
    charger.refresh_from_db()
    go_online(charger)

    as_staff.post(page(charger, "read"))

    assert Command.objects.get().action == action


def test_log_can_be_narrowed_to_one_charger(as_staff, staff, charger):
    """The filter takes the identifier that people type."""
    row = world.of(staff)[Message]

    found = as_staff.get(listing(Message) + f"?charger={row.charger.identifier}").context["cl"].result_list
    none = as_staff.get(listing(Message) + f"?charger={charger.identifier}").context["cl"].result_list

    assert ([each.pk for each in found], list(none)) == ([row.pk], [])


@pytest.mark.parametrize("term", ["{}", "#{}", " {} "])
def test_transaction_is_found_by_our_number(as_staff, staff, term):
    """What the list and an OCPP 1.6 charger call it leads to it, and to no other."""
    transaction = world.of(staff)[Transaction]
    Transaction.objects.create(
        owner=staff, charger=transaction.charger, protocol="ocpp1.6", started_at=timezone.now()
    )

    answer = as_staff.get(listing(Transaction), {"q": term.format(transaction.pk)})

    assert list(answer.context["cl"].result_list) == [transaction]


def test_transactions_that_share_a_number_are_both_found(as_staff, staff):
    """A station may call one of its own what we call another; numbers too long for a row are none."""
    ours = world.of(staff)[Transaction]
    theirs = Transaction.objects.create(
        owner=staff,
        charger=ours.charger,
        protocol="ocpp2.0.1",
        transaction_id=str(ours.pk),
        started_at=timezone.now(),
    )

    answer = as_staff.get(listing(Transaction), {"q": str(ours.pk)})

    assert list(answer.context["cl"].result_list) == [theirs, ours]
    assert not as_staff.get(listing(Transaction), {"q": "9" * 30}).context["cl"].result_list


def test_number_of_anothers_transaction_finds_nothing(as_staff, owner):
    """A search goes through one's own rows."""
    answer = as_staff.get(listing(Transaction), {"q": str(world.of(owner)[Transaction].pk)})

    assert not answer.context["cl"].result_list


def test_pending_charger_is_approved(as_staff, charger):
    """Approve accepts the charger."""
    Charger.objects.filter(pk=charger.pk).update(registration_status="Pending")
    assert "waits for approval" in shown(as_staff.get(page(charger)))

    as_staff.post(page(charger, "approve"))

    charger.refresh_from_db()
    assert charger.registration_status == "Accepted"


class TestApprovalOfAChargerWithoutPassword:
    """Whoever knows its name is it; staff are told so before and after, and where to change it."""

    WORDS = "no password: whoever knows its name is it"

    @pytest.fixture
    def pending(self, charger):
        Charger.objects.filter(pk=charger.pk).update(registration_status="Pending", security_profile=0)
        return charger

    def test_is_warned_of_on_its_page(self, as_staff, pending):
        text = shown(as_staff.get(page(pending)))

        assert self.WORDS in text
        assert page(pending, "password") in text

    @pytest.mark.parametrize("way", ["button", "list"])
    def test_is_warned_of_afterwards(self, as_staff, pending, way):
        chosen = {"action": "approve_selected", "_selected_action": [pending.pk]}
        address, form = (page(pending, "approve"), {}) if way == "button" else (listing(Charger), chosen)

        text = shown(as_staff.post(address, form, follow=True))

        pending.refresh_from_db()
        assert pending.registration_status == "Accepted"
        assert f"{pending} has {self.WORDS}" in text
        assert f'href="{page(pending, "password")}"' in text

    def test_needs_no_warning_once_it_has_one(self, as_staff, pending):
        pending.refresh_from_db()
        registration.set_password(pending)

        before = shown(as_staff.get(page(pending)))
        after = shown(as_staff.post(page(pending, "approve"), follow=True))

        assert "waits for approval" in before
        assert self.WORDS not in before + after


def test_deleting_a_charger_hides_it(as_staff, staff):
    """History stays when a charger is removed."""
    rows = world.of(staff)

    as_staff.post(page(rows[Charger], "delete"), {"post": "yes"})

    assert as_staff.get(page(rows[Charger])).status_code == 404
    assert Transaction.objects.filter(pk=rows[Transaction].pk).exists()
    assert Charger.objects.get(pk=rows[Charger].pk).deleted_at


def test_failed_handshake_leads_to_a_filled_form(as_staff, staff, django_user_model, client):
    """'Make this a charger' opens the form with what the connection told."""
    boss = django_user_model.objects.create_superuser("boss")
    row = world.of(staff)[FailedHandshake]
    FailedHandshake.objects.filter(pk=row.pk).update(
        charger=None, identifier="GHOST", subprotocols="ocpp2.0.1"
    )
    client.force_login(boss)

    assert "identifier=GHOST&amp;protocol=ocpp2.0.1" in shown(client.get(listing(FailedHandshake)))
    form = client.get(reverse("admin:chargers_charger_add") + "?identifier=GHOST&protocol=ocpp2.0.1")
    assert 'value="GHOST"' in shown(form)


def test_secret_variable_stays_hidden(as_staff, staff):
    """What a charger keeps secret is not shown."""
    charger = world.of(staff)[Charger]
    charger.variables.update(is_secret=True, value="hunter2")

    assert "hunter2" not in shown(as_staff.get(page(charger, "variables")))
