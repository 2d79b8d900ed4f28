"""Datum: what chargers measure and report, written as SolarNetwork's streams of properties.

What is told here waits until the batch is written: by then it is known who charges, and since when.
A commit writes each (stream, time) once, whatever number of messages spoke of it; what is stored
already is merged with, so that repeats and late values change only what they add. No message is refused
because its datum cannot be written: they are a by-product of it.
"""

from collections import defaultdict, namedtuple
from itertools import islice

from django.db.models import Max, Min

from chargers import batch
from chargers.datum import properties, sources
from chargers.models import Datum, DatumStream, Reading
from chargers.models.datum import BUILT_IN_TEMPLATE
from chargers.services import publishing
from csms import bulk

_OUTLET = "Outlet"
# A transaction whose beginning moves has its datum put right; so many at most in one go.
MOST_CORRECTED = 10_000
_NO_ERROR = {"", "NoError", "Unknown"}
_SAME = ("stream_id", "measured_at")
_WATCHED = ("properties", "is_stored", "is_published")

_Told = namedtuple("_Told", "charger evse_id connector_id at received_at transaction samples properties")


def measured(charger, samples, *, evse_id, connector_id, at, transaction=None):
    """Tell the datum of one meterValue: its samples as sent, and whose session they belong to."""
    _collect(
        _write_measured, _Told(charger, evse_id, connector_id, at, batch.now(), transaction, samples, None)
    )


def started(charger, transaction):
    """Tell the register at which a transaction began; a refused one is no session."""
    if transaction.start_wh is not None and not transaction.is_refused:
        _tell(charger, transaction, transaction.started_at, {"wattHours": transaction.start_wh})


def ended(charger, transaction, *, meter_wh, reason, id_token):
    """Tell how and when a transaction ended, with the register if the stop had one."""
    found = {"endDate": round(transaction.ended_at.timestamp() * 1000)}
    if meter_wh is not None:
        found["wattHours"] = meter_wh
    if id_token:
        found["endToken"] = id_token
    if reason:
        found["endReason"] = reason
    _tell(charger, transaction, transaction.ended_at, found)


def _tell(charger, transaction, at, found):
    evse_id, connector_id = transaction.evse_id, transaction.connector_id
    told = _Told(charger, evse_id, connector_id, at, batch.now(), transaction, None, found)
    _collect(_write_measured, told)


def status(charger, connector, *, at, transaction=None):
    """Tell a connector's status; `transaction` is the one that runs on it."""
    found = {"status": connector.status}
    if connector.info:
        found["info"] = connector.info
    if connector.error_code not in _NO_ERROR:
        found["errorCode"] = connector.error_code
    if connector.vendor_id:
        found["vendorId"] = connector.vendor_id
    if connector.vendor_error_code:
        found["vendorErrorCode"] = connector.vendor_error_code
    if transaction is not None and transaction.started_at <= at:
        found |= _names(transaction)
    place = charger, connector.evse_id, connector.connector_id
    _collect(_write_status, _Told(*place, at, batch.now(), None, None, found))


def moved(charger, transaction):
    """Put the durations right of a transaction that turned out to have begun earlier."""
    _collect(_correct, (charger, transaction))


# Writing ---------------------------------------------------------------------------------------


def _collect(write, told):
    batch.collect(_write, (write, told), is_byproduct=True)


def _write(collected):
    """Write in the same order in every lane: of streams that several share none waits for the other."""
    tales = defaultdict(list)
    for how, told in collected:
        tales[how].append(told)
    measured_ones, reported = tales[_write_measured], tales[_write_status]
    settings = publishing.effective_for({told.charger.pk for told in (*measured_ones, *reported)})
    _write_measured(measured_ones, settings)
    _write_status(reported, settings)
    _correct(tales[_correct])


class _Rows:
    """The datum of one commit, by stream and time."""

    def __init__(self, settings):
        self._settings = settings
        self._rows = {}
        self._writers = {}

    def settings_of(self, charger):
        """Return what holds for a charger, or None where its datum go nowhere."""
        found = self._settings.get(charger.pk)
        return found if found and (found.stored or found.published) else None

    def add(self, told, source, found, settings, *, is_whole=False):
        """Add properties to a stream's datum; with `is_whole` they are all of it."""
        charger = told.charger
        name = f"{charger.owner_id}/{charger.node_id}/{source}"
        row = self._rows.get((name, told.at))
        if row is None or is_whole:
            self._writers[name] = charger, source
            self._rows[name, told.at] = {
                "stream": name,
                "received_at": told.received_at,
                "measured_at": told.at,
                "properties": found,
                "is_stored": settings.stored,
                "is_published": settings.published,
            }
        else:
            row["properties"] |= found
            row["is_stored"] |= settings.stored
            row["is_published"] |= settings.published

    def write(self, *, merge):
        if not self._rows:
            return
        numbers = _streams(self._writers)
        rows = list(self._rows.values())
        for row in rows:
            row["stream_id"] = numbers[row.pop("stream")]
        bulk.merge_many(Datum, rows, by=_SAME, merge=merge, watch=_WATCHED)


def _write_measured(tales, settings_of_all):
    rows = _Rows(settings_of_all)
    for told in tales:
        if settings := rows.settings_of(told.charger):
            session = _session(told) if told.transaction is not None else {}
            if told.samples is None:
                rows.add(told, _source(told, settings, _OUTLET), told.properties | session, settings)
                continue
            by_phase = sources.uses(settings.template, "phase")
            for location, phase, found in properties.measured(told.samples, by_phase=by_phase):
                rows.add(told, _source(told, settings, location, phase), found | session, settings)
    rows.write(merge=("properties", "is_stored"))


def _write_status(tales, settings_of_all):
    """Write what connectors report: each report is the whole of its datum."""
    rows = _Rows(settings_of_all)
    for told in tales:
        if settings := rows.settings_of(told.charger):
            source = _source(told, settings, suffix="/status")
            rows.add(told, source, told.properties, settings, is_whole=True)
    rows.write(merge=("is_stored",))


def _source(told, settings, location="", phase="", suffix=""):
    charger = told.charger
    place = charger.pk, charger.identifier, told.evse_id, told.connector_id, location[:64], phase, suffix
    # A template of which nothing is left for this place cannot name it.
    return sources.expand(settings.template, *place) or sources.expand(BUILT_IN_TEMPLATE, *place)


def _session(told):
    transaction = told.transaction
    session = _names(transaction) | {"duration": _duration(transaction, told.at)}
    return {"token": transaction.id_token} | session if transaction.id_token else session


def _names(transaction):
    number = transaction.transaction_id or str(transaction.pk)
    return {"sessionId": str(transaction.uuid), "transactionId": number}


def _duration(transaction, at):
    """Return the whole seconds since the start; none for what a wrong clock puts before it."""
    return max(0, int((at - transaction.started_at).total_seconds()))


def _streams(writers):
    """Return {name: id} of the streams {name: (charger, source ID)}; new ones are made.

    Nothing is remembered from commit to commit: the id of one that was rolled back must not be used.
    """
    streams = {stream.name: stream for stream in _stored(writers)}
    missing = sorted(writers.keys() - streams.keys())
    if missing:
        # Another lane may have made them meanwhile.
        rows = [_stream(name, *writers[name]) for name in missing]
        bulk.upsert_many(DatumStream, rows, by=("name",), keep=("created_at",))
        streams |= {stream.name: stream for stream in _stored(missing)}
    others = [stream for name, stream in streams.items() if stream.charger_id != writers[name][0].pk]
    if others:
        for stream in others:
            stream.charger_id = writers[stream.name][0].pk
        bulk.update_many(DatumStream, ("charger_id",), others)
    return {name: stream.pk for name, stream in streams.items()}


def _stored(names):
    return bulk.load(DatumStream, "name", names, leave_out=("created_at", "source_id", "node_id", "owner_id"))


def _stream(name, charger, source):
    return {
        "name": name,
        "owner_id": charger.owner_id,
        "node_id": charger.node_id,
        "source_id": source,
        "charger_id": charger.pk,
    }


# Correcting ------------------------------------------------------------------------------------


def _correct(moves):
    for charger, transaction in {move[1].pk: move for move in moves}.values():
        rows = [
            _corrected(row, transaction) for row in islice(_datum_of(charger, transaction), MOST_CORRECTED)
        ]
        bulk.merge_many(Datum, rows, by=_SAME, merge=("properties", "is_stored"), watch=_WATCHED)


def _datum_of(charger, transaction):
    """Yield the datum of a session that have a duration, from its first reading to its last or its end."""
    read = Reading.objects.filter(transaction=transaction)
    times = read.aggregate(first=Min("measured_at"), last=Max("measured_at")).values()
    times = [at for at in (*times, transaction.ended_at) if at is not None]
    if not times:
        return
    span = max(min(times), transaction.started_at), max(times)
    streams = DatumStream.objects.filter(charger=charger)
    found = Datum.objects.filter(stream__in=streams, measured_at__range=span)
    named = found.filter(properties__sessionId=str(transaction.uuid), properties__has_key="duration")
    yield from named.iterator()


def _corrected(row, transaction):
    return {
        "received_at": batch.now(),
        "stream_id": row.stream_id,
        "measured_at": row.measured_at,
        "properties": {"duration": _duration(transaction, row.measured_at)},
        "is_stored": row.is_stored,
        "is_published": row.is_published,
    }
