"""`manage.py worker`: the worker loop alone, for installations whose web processes run without it."""

import signal
import threading

from django.conf import settings
from django.core.management.base import BaseCommand

from csms import http, jobs, logs, processes


class Command(BaseCommand):
    help = "Runs jobs (deliveries, retention, clean-up) until SIGTERM or SIGINT."

    def handle(self, **options):
        logs.configure(level=settings.CSMS_LOG_LEVEL, as_json=settings.CSMS_LOG_JSON)
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        process = processes.register("worker")
        beat = threading.Thread(target=processes.beat_until, args=(stop, process), name="beat")
        beat.start()
        self.stdout.write(f"worker {process} runs")
        jobs.run_forever(stop, process.pk)
        beat.join()
        http.close()
        self.stdout.write(f"worker {process} stopped")
