"""Every route of our APIs with its methods, for tests that must hold for all of them."""

from dataclasses import dataclass

from django.contrib.admindocs.views import simplify_regex
from django.urls import get_resolver

_METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Route:
    """One method of one path; `path` is a template such as /api/v1/chargers/{pk}/commands/."""

    method: str
    path: str
    view: type
    action: str

    def __str__(self):
        return f"{self.method} {self.path}"

    @property
    def model(self):
        """The model of the rows that the route shows, or None."""
        queryset = getattr(self.view, "queryset", None)
        return None if queryset is None else queryset.model

    @property
    def parameters(self):
        return [part[1:-1] for part in self.path.split("/") if part.startswith("{")]

    def filled(self, *numbers):
        """Return the path with `numbers` in place of its parameters, in their order."""
        return self.path.format(**dict(zip(self.parameters, numbers, strict=True)))


def walk(prefix="/api/v1/"):
    """Yield every route below `prefix`, as the URL table has them."""
    for regex, callback in _leaves(get_resolver().url_patterns, ""):
        path = simplify_regex(regex).replace("<", "{").replace(">", "}")
        view = getattr(callback, "cls", None)
        if path.startswith(prefix) and view is not None:
            actions = getattr(callback, "actions", None) or {m: m for m in _METHODS if hasattr(view, m)}
            allowed = getattr(view, "http_method_names", _METHODS)
            for method in _METHODS:
                if method in actions and method in allowed:
                    yield Route(method, path, view, actions[method])


def _leaves(patterns, prefix):
    for pattern in patterns:
        text = prefix + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from _leaves(pattern.url_patterns, text)
        else:
            yield text, pattern.callback
