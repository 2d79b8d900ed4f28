"""The ASGI application: HTTP to Django, websockets to the chargers' consumer."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "csms.settings")

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

http = get_asgi_application()

from chargers.routing import websockets  # noqa: E402  its models need the apps
from csms import tls  # noqa: E402

application = ProtocolTypeRouter({"http": tls.told_by_proxies(http), "websocket": websockets})
