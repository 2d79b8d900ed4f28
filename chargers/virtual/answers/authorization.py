"""What is remembered of tokens (OCPP 1.6 section 5.4; 2.0.1 block C)."""

from chargers.virtual.answers.answering import accepted


def _clear_cache(point, payload):
    if not point.configuration.is_true("AuthorizationCacheEnabled"):
        return accepted(False)
    point.charging.authorizing.forget()
    return accepted(True)


HANDLERS_16 = {
    "ClearCache": _clear_cache,
}
HANDLERS_201 = {
    "ClearCache": _clear_cache,
}
