"""Every setting of Stationmaster, read from the environment; docs/settings.md lists them.

Each has a default that runs on SQLite and in memory with no environment at all.
"""

import os
import secrets as _random
import sys
from importlib.util import find_spec
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from csms import environment

BASE_DIR = Path(__file__).resolve().parent.parent
env = environment.Env()

DEBUG = env.bool("DEBUG", default=False)
DATA_DIR = Path(env.str("CSMS_DATA_DIR", default=str(BASE_DIR / "var"))).absolute()
try:
    DATA_DIR.mkdir(parents=True, exist_ok=True)
except OSError as error:
    raise ImproperlyConfigured(f"CSMS_DATA_DIR {DATA_DIR} cannot be made: {error.strerror}") from error

# Database ---------------------------------------------------------------------------------

environment.check_scheme(
    "DATABASE_URL",
    env.str("DATABASE_URL", default=""),
    ["postgres", "postgresql", "sqlite"],
    "postgres://user:password@host:5432/name or sqlite:////folder/file",
)
DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'csms.sqlite3'}")}
_database = DATABASES["default"]
EMBEDDED = _database["ENGINE"].endswith("sqlite3")
if EMBEDDED:
    # An acknowledged message must survive a power cut: synchronous=FULL. IMMEDIATE, because a
    # transaction that turns from reader to writer cannot wait for the busy timeout.
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
    _database["CONN_MAX_AGE"] = None
    _database["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
else:
    _database["ENGINE"] = "django.db.backends.postgresql"
    # Web requests share a pool; the committer's lanes hold connections of their own.
    _database.setdefault("OPTIONS", {})
    _database["OPTIONS"]["pool"] = {
        "min_size": 1,
        "max_size": env.int("CSMS_DATABASE_POOL", default=16, least=1),
        "timeout": 10,
    }
    _database["CONN_MAX_AGE"] = 0
    # After a restart of the server the pool would hand out its dead connections one by one.
    _database["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Secrets ----------------------------------------------------------------------------------


def _secret_keys():
    """The keys that encrypt and sign, current first; made once for the embedded default."""
    keys = env.list("CSMS_SECRET_KEYS", default=[])
    if keys:
        return keys
    if not EMBEDDED and not DEBUG:
        raise ImproperlyConfigured("CSMS_SECRET_KEYS must be set when DATABASE_URL names a server")
    path = DATA_DIR / "secret.key"
    try:
        # O_EXCL: of two commands that start at once, one writes and the other reads.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return [path.read_text().strip()]
    with os.fdopen(descriptor, "w") as file:
        file.write(_random.token_urlsafe(48))
    return [path.read_text().strip()]


CSMS_SECRET_KEYS = _secret_keys()
SECRET_KEY = CSMS_SECRET_KEYS[0]
SECRET_KEY_FALLBACKS = CSMS_SECRET_KEYS[1:]

# Web --------------------------------------------------------------------------------------

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
ROOT_URLCONF = "csms.urls"
ASGI_APPLICATION = "csms.asgi.application"
# Proxies whose X-Forwarded-Proto and X-Forwarded-For are believed (addresses or networks).
CSMS_TRUSTED_PROXIES = env.list("CSMS_TRUSTED_PROXIES", default=[])
environment.check_networks("CSMS_TRUSTED_PROXIES", CSMS_TRUSTED_PROXIES)

# Names under which clients reach us where a proxy does not tell: requests may be signed for them.
CSMS_PUBLIC_HOSTS = env.list("CSMS_PUBLIC_HOSTS", default=[])
# The origins whose pages may call SolarNetwork's APIs from a browser; * are all, none is none.
CSMS_CORS_ORIGINS = env.list("CSMS_CORS_ORIGINS", default=["*"])
# Take a signed request that changes something only once.
CSMS_SNWS2_REPLAY_CACHE = env.bool("CSMS_SNWS2_REPLAY_CACHE", default=False)

# The admin wears unfold where it is installed, and works without.
HAS_UNFOLD = find_spec("unfold") is not None

INSTALLED_APPS = [
    # Only its runserver is wanted, and loading it costs every other command a fifth of its start.
    *(["daphne"] if "runserver" in sys.argv else []),
    *(["unfold"] if HAS_UNFOLD else []),
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "channels",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csms",
    "tokens",
    "chargers",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csms.tls.secure_cookies",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
APPEND_SLASH = True

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "staticfiles"
# Whitenoise warns where it is missing; it is filled by collectstatic, if at all.
STATIC_ROOT.mkdir(exist_ok=True)
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
AUTHENTICATION_BACKENDS = ["tokens.logins.ThrottledBackend"]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False

# Admin --------------------------------------------------------------------------------------

UNFOLD = {
    "SITE_TITLE": "Stationmaster",
    "SITE_HEADER": "Stationmaster",
    "SITE_SYMBOL": "ev_station",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "csms.navigation.favicon"}],
    "SITE_URL": None,
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SIDEBAR": {"show_search": False, "navigation": "csms.navigation.sidebar"},
    # A blue whose 600 on white and 500 on the dark ground both reach a contrast of 4.5.
    "COLORS": {
        "primary": {
            "50": "#eff6ff",
            "100": "#dbeafe",
            "200": "#bfdbfe",
            "300": "#93c5fd",
            "400": "#7ab5ff",
            "500": "#60a5fa",
            "600": "#1d5bd8",
            "700": "#1a4fbd",
            "800": "#1e40af",
            "900": "#1e3a8a",
            "950": "#172554",
        }
    },
}

# Between processes --------------------------------------------------------------------------

REDIS_URL = env.str("REDIS_URL", default="")
environment.check_scheme("REDIS_URL", REDIS_URL, ["redis", "rediss", "unix"], "redis://127.0.0.1:6379/0")
# The pub/sub layer has no capacity of 100 messages and no 24-hour group expiry, and does not
# break on redis-py 8; its losses do not matter, since rows are the truth.
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": env.str("CSMS_REDIS_PREFIX", default="csms")},
    }
    if REDIS_URL
    else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
}

MQTT_URL = env.str("MQTT_URL", default="")
environment.check_scheme("MQTT_URL", MQTT_URL, ["mqtt", "mqtts"], "mqtt://user:password@127.0.0.1:1883")
environment.check_place("MQTT_URL", MQTT_URL, "mqtt://user:password@127.0.0.1:1883")
# What datum are published as: cbor, as SolarFlux does, or json.
CSMS_MQTT_PAYLOAD = env.str("CSMS_MQTT_PAYLOAD", default="cbor")
environment.check_word("CSMS_MQTT_PAYLOAD", CSMS_MQTT_PAYLOAD, ["cbor", "json"])

# Stationmaster ------------------------------------------------------------------------------

CSMS_LOG_LEVEL = env.str("CSMS_LOG_LEVEL", default="INFO").upper()
environment.check_word("CSMS_LOG_LEVEL", CSMS_LOG_LEVEL, ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"])
CSMS_LOG_JSON = env.bool("CSMS_LOG_JSON", default=False)
# What happens to a charger nobody has entered: reject, pending (staff approve it) or accept.
CSMS_UNKNOWN_CHARGERS = env.str("CSMS_UNKNOWN_CHARGERS", default="pending")
environment.check_word("CSMS_UNKNOWN_CHARGERS", CSMS_UNKNOWN_CHARGERS, ["reject", "pending", "accept"])
# Some chargers offer no subprotocol; they are taken to speak what they spoke last, else 1.6.
CSMS_REQUIRE_SUBPROTOCOL = env.bool("CSMS_REQUIRE_SUBPROTOCOL", default=False)
# Some readers append to a tag what is no part of it (tag_serial); "_" here also finds it without that.
CSMS_TOKEN_SEPARATOR = env.str("CSMS_TOKEN_SEPARATOR", default="")
# An unknown tag that begins so means the authorization "<prefix>*": cars that identify themselves.
CSMS_WILDCARD_PREFIXES = env.list("CSMS_WILDCARD_PREFIXES", default=["vid:"])
CSMS_DEFAULT_OWNER = env.str("CSMS_DEFAULT_OWNER", default="")
CSMS_HEARTBEAT_INTERVAL = env.int("CSMS_HEARTBEAT_INTERVAL", default=300, least=1)
# Seconds an unaccepted charger waits before it may boot again.
CSMS_BOOT_RETRY_INTERVAL = env.int("CSMS_BOOT_RETRY_INTERVAL", default=60, least=1)
# Seconds after which a charger that has never booted here is asked for its BootNotification; 0 never asks.
CSMS_BOOT_TRIGGER_SECONDS = env.float("CSMS_BOOT_TRIGGER_SECONDS", default=60.0)
# A charger that sent nothing for so long is quiet; so long after its boot it counts as quiet anyway.
CSMS_QUIET_SECONDS = env.float("CSMS_QUIET_SECONDS", default=2.0, least=0)
CSMS_QUIET_LATEST_SECONDS = env.float("CSMS_QUIET_LATEST_SECONDS", default=10.0, least=0)
# Ask chargers what they are when they first boot. Seconds between two looks at watched variables; 0: none.
CSMS_LEARN = env.bool("CSMS_LEARN", default=True)
CSMS_MONITOR_INTERVAL = env.int("CSMS_MONITOR_INTERVAL", default=3600, least=0)
CSMS_CALL_TIMEOUT = env.float("CSMS_CALL_TIMEOUT", default=30.0, least=1)
# Committer lanes on PostgreSQL: threads with a connection each. SQLite has one writer, hence one.
CSMS_LANES = env.int("CSMS_LANES", default=2, least=1)
# Seconds after which composite schedules are asked for again; 0: only after profiles changed.
CSMS_SCHEDULE_INTERVAL = env.int("CSMS_SCHEDULE_INTERVAL", default=900, least=0)
# Modules whose handlers answer DataTransfers of vendors, by import path.
CSMS_DATA_TRANSFER_HANDLERS = env.list("CSMS_DATA_TRANSFER_HANDLERS", default=[])
CSMS_MESSAGE_LOG = env.bool("CSMS_MESSAGE_LOG", default=True)
CSMS_ALLOW_PRIVATE_URLS = env.bool("CSMS_ALLOW_PRIVATE_URLS", default=False)
# /metrics is for this machine; from elsewhere it wants the token, unless it is open to all.
CSMS_METRICS_OPEN = env.bool("CSMS_METRICS_OPEN", default=False)
CSMS_METRICS_TOKEN = env.str("CSMS_METRICS_TOKEN", default="")
# Hostile guessing: failed handshakes and new pending chargers, each per address and hour.
CSMS_FAILED_HANDSHAKES_PER_HOUR = env.int("CSMS_FAILED_HANDSHAKES_PER_HOUR", default=1000, least=0)
CSMS_PENDING_CHARGERS_PER_HOUR = env.int("CSMS_PENDING_CHARGERS_PER_HOUR", default=100, least=0)
CSMS_PENDING_MESSAGES_PER_HOUR = env.int("CSMS_PENDING_MESSAGES_PER_HOUR", default=1000, least=1)
# Days that each log is kept; 0 keeps for ever.
CSMS_RETAIN_MESSAGES_DAYS = env.int("CSMS_RETAIN_MESSAGES_DAYS", default=30, least=0)
CSMS_RETAIN_READINGS_DAYS = env.int("CSMS_RETAIN_READINGS_DAYS", default=730, least=0)
CSMS_RETAIN_DATUM_DAYS = env.int("CSMS_RETAIN_DATUM_DAYS", default=730, least=0)
CSMS_RETAIN_EVENTS_DAYS = env.int("CSMS_RETAIN_EVENTS_DAYS", default=90, least=0)
CSMS_RETAIN_COMMANDS_DAYS = env.int("CSMS_RETAIN_COMMANDS_DAYS", default=365, least=0)
CSMS_RETAIN_HANDSHAKES_DAYS = env.int("CSMS_RETAIN_HANDSHAKES_DAYS", default=30, least=0)
CSMS_RETAIN_OUTBOX_DAYS = env.int("CSMS_RETAIN_OUTBOX_DAYS", default=30, least=0)

# Libraries ----------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "csms.schema.NativeSchema",
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "tokens.authentication.BearerToken",
        "tokens.authentication.ApiKey",
        "tokens.authentication.StaffSession",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "csms.api.CursorPages",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["csms.parsers.Parser"],
    "EXCEPTION_HANDLER": "csms.api.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Stationmaster API",
    "DESCRIPTION": "The native API and SolarNetwork's dialect; routes work with and without a last slash.",
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "ChargingRateUnit": "chargers.models.ChargingRateUnit",
        "ChargingState": "chargers.models.ChargingState",
        "CommandState": "chargers.models.Command.State",
        "CompositeScheduleState": "chargers.models.CompositeSchedule.State",
        "ConnectorStatus": "chargers.models.ConnectorStatus",
        "MessageOrigin": "chargers.models.Message.Origin",
        "MessageOutcome": "chargers.models.Message.Outcome",
        "Mutability": "chargers.models.Variable.Mutability",
        "Protocol": "chargers.models.Protocol",
        "DesiredState": "chargers.models.Variable.Desired",
        "ReportState": "chargers.models.Report.State",
        "RegistrationStatus": "chargers.models.RegistrationStatus",
    },
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}
