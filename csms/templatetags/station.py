"""Template words of the admin's own pages; the work is done in `csms.badges`."""

import json
from datetime import timedelta

from django import template
from django.apps import apps
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import mark_safe

from csms import badges
from csms.models import Event

# From the first row that a page reads until it is drawn.
LONGEST_DRAWING = timedelta(seconds=5)
register = template.Library()
register.simple_tag(badges.icon)
for _filter in (badges.ago, badges.exact, badges.kwh, badges.kw, badges.percent, badges.duration):
    register.filter(_filter.__name__, _filter)


@register.simple_tag
def main_landmark():
    """Mark our content as the page's main part; Django's own base template does it itself."""
    return mark_safe('role="main"') if apps.is_installed("unfold") else ""


@register.inclusion_tag("csms/live.html")
def live(also="", on=""):
    """Keep this page's `data-live` parts current, and `also` (a selector) when `on` happens.

    The rows were read before this tag is drawn: what happened since must not be taken for known.
    """
    drawn = timezone.now() - LONGEST_DRAWING
    known = Event.objects.settled().filter(created_at__lt=drawn)
    newest = known.order_by("-id").values_list("id", flat=True).first()
    return {"after": newest or 0, "also": also, "on": on}


@register.inclusion_tag("csms/form.html")
def fields(form):
    """Draw a form with our own stylesheet."""
    return form.get_context()


@register.simple_tag
def list_page(changelist, number):
    """Return the address of another page of a list, with its filters."""
    return changelist.get_query_string({"p": number})


@register.simple_tag
def empty_words(changelist):
    """Return what an empty list says."""
    words = getattr(changelist.model_admin, "empty_words", "There are no {} yet.")
    return words.format(changelist.opts.verbose_name_plural)


@register.filter
def pretty(value):
    """Return JSON indented, whether given as text or as a value; other text stays as it is."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return value
    return json.dumps(value, indent=2, ensure_ascii=False)


@register.filter
def milliseconds(seconds):
    return f"{seconds * 1000:,.0f} ms"


@register.filter
def admin_page(row):
    """Return the address of a row's page in the admin."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


@register.simple_tag
def admin_list(name, **lookups):
    """Return the address of a list in the admin, filtered by `lookups`."""
    query = "&".join(f"{key}={value}" for key, value in lookups.items())
    return reverse(f"admin:{name}_changelist") + (f"?{query}" if query else "")
