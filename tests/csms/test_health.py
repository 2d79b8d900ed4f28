"""Health, readiness and metrics."""

import time

import pytest
from django.db import OperationalError

from csms import health, metrics

ELSEWHERE = {"REMOTE_ADDR": "192.0.2.7"}


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    """Nothing stands in the way, whatever other tests' switchboards left behind."""
    monkeypatch.setattr(health, "checks", [])
    metrics.forget()


def test_alive_without_a_database(client):
    """Being alive asks no database; one that is away must not have the process restarted."""
    assert client.get("/healthz").json() == {"status": "ok"}


@pytest.mark.django_db
def test_ready(client):
    """A process whose database answers wants traffic."""
    assert client.get("/readyz").status_code == 200


@pytest.mark.django_db
def test_draining_is_not_ready(client, monkeypatch):
    """A process that is about to stop gets no traffic."""
    monkeypatch.setattr(health, "is_draining", True)

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()["reasons"]) == (503, ["draining"])


@pytest.mark.django_db
def test_reason_of_the_engine_is_told(client, monkeypatch):
    """What the engine reports stands in the answer."""
    monkeypatch.setattr(health, "checks", [lambda: "a lane has lost the database", lambda: None])

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()["reasons"]) == (503, ["a lane has lost the database"])


def test_database_that_is_away(client, monkeypatch):
    """A database that refuses makes the process not ready."""

    def refuse():
        raise OperationalError

    monkeypatch.setattr(health, "_ask_database", refuse)

    assert client.get("/readyz").json()["reasons"] == ["the database is away"]


def test_database_that_does_not_answer(client, monkeypatch):
    """A database that hangs does not hang the probe."""
    monkeypatch.setattr(health, "DATABASE_SECONDS", 0.05)
    monkeypatch.setattr(health, "_ask_database", lambda: time.sleep(0.3))
    monkeypatch.setattr(health, "_probe", None)

    assert client.get("/readyz").status_code == 503


@pytest.mark.django_db
def test_metrics_for_this_machine(client):
    """The page has the counts of the installation, and names no charger."""
    page = client.get("/metrics").content.decode()

    assert "csms_online_chargers 0.0" in page
    assert "csms_open_transactions 0.0" in page
    assert "csms_waiting_commands 0.0" in page
    assert "csms_lane_queue 0.0" in page


def test_metrics_not_for_others(client):
    """From elsewhere the page is closed."""
    assert client.get("/metrics", **ELSEWHERE).status_code == 403


def test_metrics_not_through_a_proxy(client):
    """Behind a proxy on this machine every caller looks local; that does not open the page."""
    assert client.get("/metrics", headers={"X-Forwarded-For": "192.0.2.7"}).status_code == 403


@pytest.mark.django_db
def test_metrics_by_token(client, settings):
    """The token opens the page from anywhere."""
    settings.CSMS_METRICS_TOKEN = "t0ken"

    assert client.get("/metrics", headers={"Authorization": "Bearer t0ken"}, **ELSEWHERE).status_code == 200


def test_metrics_not_by_another_token(client, settings):
    """A wrong token is refused."""
    settings.CSMS_METRICS_TOKEN = "t0ken"

    assert client.get("/metrics", headers={"Authorization": "Bearer x"}, **ELSEWHERE).status_code == 403


@pytest.mark.django_db
def test_metrics_open_to_all(client, settings):
    """A setting opens the page, for networks that are closed otherwise."""
    settings.CSMS_METRICS_OPEN = True

    assert client.get("/metrics", **ELSEWHERE).status_code == 200


def test_metrics_without_the_database(client, monkeypatch):
    """A database that is away costs its gauges, not the page."""

    def refuse():
        raise OperationalError

    monkeypatch.setattr(metrics._counted, "_functions", {"csms_open_transactions": ("Open.", refuse)})
    metrics.messages.labels("ocpp1.6", "Heartbeat").inc()

    page = client.get("/metrics").content.decode()

    assert 'csms_messages_total{action="Heartbeat",protocol="ocpp1.6"}' in page
    assert "csms_open_transactions 0.0" not in page


@pytest.mark.django_db
def test_counts_are_kept_for_a_while(client, django_assert_num_queries):
    """Scraping often costs the database nothing more."""
    client.get("/metrics")

    with django_assert_num_queries(0):
        client.get("/metrics")
