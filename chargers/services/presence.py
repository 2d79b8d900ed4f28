"""Who is connected: leases that the newest socket takes and only its holder may end."""

from datetime import timedelta
from operator import itemgetter

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from chargers import batch
from chargers.models import ActionStatus, Charger, Presence, RegistrationStatus
from chargers.services import wakeups
from csms import bulk, events
from csms.models import ServerProcess

LEASE_INTERVALS = 3
_WELCOME = "charger_id IN (SELECT id FROM chargers_charger WHERE deleted_at IS NULL AND stopped_at IS NULL)"


def connect(arrivals, *, process_id, now):
    """Give each charger's lease to the socket that just arrived; return who held it before.

    `arrivals`: [(charger, token, protocol, address)]. Returns {charger id: (process id, token)} of
    those who thought themselves connected, to be closed.
    """
    before = bulk.load(Presence, "charger_id", [charger.pk for charger, *_ in arrivals], lock=True)
    superseded = {row.pk: (row.process_id, row.token) for row in before if row.token}
    rows = [
        {
            "charger_id": charger.pk,
            "process_id": process_id,
            "token": token,
            "protocol": protocol,
            "address": address,
            "connected_at": now,
            "disconnected_at": None,
            "last_frame_at": now,
            "expires_at": expiry(charger, now),
        }
        for charger, token, protocol, address in arrivals
    ]
    bulk.upsert_many(Presence, rows)
    for charger, _, protocol, _ in arrivals:
        if charger.protocol != protocol:
            Charger.objects.filter(pk=charger.pk).update(protocol=protocol)
        events.record("charger.connected", charger=charger, protocol=protocol)
    return superseded


def expiry(charger, last_frame_at):
    """Return until when a charger counts as online without another frame."""
    return last_frame_at + timedelta(seconds=LEASE_INTERVALS * charger.interval)


def disconnect(charger, token, *, now, only_if=None):
    """End the lease if `token` still holds it, and `only_if` (a Q) holds; say whether it did."""
    held = Presence.objects.held(charger.pk, token).filter(only_if or Q())
    ended = held.update(process=None, token=None, disconnected_at=now)
    if ended:
        events.record("charger.disconnected", charger=charger)
    return bool(ended)


def extend(heard, *, process_id):
    """Move the leases of our sockets ahead; return the tokens of those that are to be closed.

    A newer socket superseded them, or their charger was removed or stopped. `heard`: [(charger id, token,
    last frame, expiry)]. A lease that nobody holds was taken by a clean-up while our beat was late: it is
    taken back.
    """
    numbers = [charger_id for charger_id, *_ in heard]
    rows = {row.pk: row for row in bulk.load(Presence, "charger_id", numbers, condition=_WELCOME)}
    fresh, superseded = [], set()
    for charger_id, token, last_frame_at, expires_at in heard:
        row = rows.get(charger_id)
        if row is None:
            superseded.add(token)
            continue
        if row.process_id is None and row.token in (None, token):
            _take_back(row, token, process_id)
        if row.token == token:
            row.last_frame_at, row.expires_at = last_frame_at, expires_at
            fresh.append(row)
        else:
            superseded.add(token)
    if fresh:
        bulk.update_many(Presence, ("last_frame_at", "expires_at"), fresh)
    return superseded


def _take_back(row, token, process_id):
    """Enter ourselves again as the holder, unless somebody else was quicker."""
    ours = Presence.objects.filter(Q(token=None) | Q(token=token), pk=row.pk)
    if not ours.update(process=process_id, token=token, disconnected_at=None):
        return
    if row.token is None:
        charger = Charger.objects.get(pk=row.pk)
        events.record("charger.connected", charger=charger, protocol=row.protocol)
    row.token = token


def tend(charger):
    """Have the charger reconciled once it is quiet, if it is connected: something wanted of it has changed.

    Call in the transaction of the change; `services.reconciling` says what is done then.
    """
    online = Presence.objects.online(timezone.now()).select_related("process")
    presence = online.filter(charger=charger).first()
    if presence is not None:
        transaction.on_commit(lambda: wakeups.tend(charger.pk, presence.process.channel), robust=True)


def operating(now):
    """Return a query for the ids of the chargers that are online and on which something may be started."""
    welcome = {
        "charger__enabled": True,
        "charger__registration_status": RegistrationStatus.ACCEPTED,
        "charger__deleted_at": None,
    }
    return Presence.objects.online(now).filter(**welcome).values("charger_id")


def note(notes):
    """Write when actions were last heard of; dicts of ActionStatus's attributes, which exist or are made."""
    newest = {}
    for row in sorted(notes, key=itemgetter("seen_at")):
        row = batch.fitted(ActionStatus, **row)
        newest[itemgetter(*_ACTION)(row)] = {"created_at": row["seen_at"], **row}
    bulk.upsert_many(ActionStatus, newest.values(), by=_ACTION, keep=("created_at",), latest="seen_at")


_ACTION = ("charger_id", "evse_id", "connector_id", "action")


def clean_up(now):
    """End the leases of processes that are dead; return how many chargers that were."""
    dead = ServerProcess.objects.filter(
        beat_at__lte=now - timedelta(seconds=ServerProcess.DEAD_AFTER_SECONDS)
    )
    count = 0
    orphaned = Q(process__in=dead) | Q(process=None, token__isnull=False)
    for lease in Presence.objects.filter(orphaned).select_related("charger")[:1000]:
        # Asked again in the same statement: the process may have beaten meanwhile.
        count += disconnect(lease.charger, lease.token, now=now, only_if=orphaned)
    return count
