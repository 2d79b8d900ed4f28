# Stationmaster in one image: `serve` (the default) answers chargers and people, `worker` does what time asks for.
# The lock file decides every package and its hash; nothing is compiled, and nothing runs as root.

FROM python:3.13-slim AS packages
COPY requirements.lock /
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --only-binary :all: \
        --require-hashes -r /requirements.lock

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin stationmaster \
    && install -d -o stationmaster -g stationmaster -m 0750 /data
COPY --from=packages /venv /venv
WORKDIR /app
COPY . .
# Bytecode is written once, here: the running system cannot write beside its code.
RUN /venv/bin/python -m compileall -q /app /venv/lib
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    CSMS_DATA_DIR=/data \
    HOST=0.0.0.0 \
    PORT=8000 \
    DEMO=0
USER stationmaster
VOLUME /data
EXPOSE 8000
# SIGTERM drains: frames in hand are committed and answered, chargers are closed over a few seconds.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=4)"]
ENTRYPOINT ["python", "manage.py"]
CMD ["serve"]
