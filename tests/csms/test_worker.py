"""`manage.py worker` as a process, and the rows by which processes know of each other."""

import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from csms import processes
from csms.models import ServerProcess

MANAGE = [sys.executable, str(settings.BASE_DIR / "manage.py")]


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """An installation of its own, on SQLite, whatever the suite runs on."""
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    environment["CSMS_DATA_DIR"] = str(tmp_path_factory.mktemp("installation"))
    subprocess.run([*MANAGE, "migrate", "-v0"], env=environment, check=True)
    return environment


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_worker_ends_well_when_told_to(number, environment):
    with subprocess.Popen([*MANAGE, "worker"], env=environment, stdout=subprocess.PIPE, text=True) as worker:
        assert "runs" in worker.stdout.readline()
        worker.send_signal(number)

        assert worker.wait(20) == 0


def test_beat_moves_the_time(db):
    process = processes.register("worker")
    ServerProcess.objects.update(beat_at=timezone.now() - timedelta(hours=1))

    processes.beat(process)

    process.refresh_from_db()
    assert timezone.now() - process.beat_at < timedelta(seconds=5)


def test_process_that_was_cleaned_away_enters_itself_again(db):
    process = processes.register("worker")
    ServerProcess.objects.all().delete()

    processes.beat(process)

    assert ServerProcess.objects.get() == process


@pytest.mark.django_db(transaction=True)
def test_stopped_process_signs_off():
    process, stop = processes.register("web"), threading.Event()
    stop.set()
    beat = threading.Thread(target=processes.beat_until, args=(stop, process))

    beat.start()
    beat.join(20)

    assert not ServerProcess.objects.exists()
