"""Where websockets lead: all to the chargers' consumer, which reads the path itself.

Chargers write their URLs in many ways; chargers.wire.handshake knows them.
"""

from channels.routing import URLRouter
from django.urls import re_path

from chargers.consumers import ChargePointConsumer

websockets = URLRouter([re_path(r"", ChargePointConsumer.as_asgi())])
