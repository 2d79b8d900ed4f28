"""How the admin shows states and figures: always words and an icon, never colour alone."""

from dataclasses import dataclass
from datetime import timedelta

from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.timesince import timesince

# Stands where there is no value.
NOTHING = "\N{EN DASH}"


def icon(name):
    """Return the icon of our own sprite as HTML; it says nothing that the words beside it do not."""
    return format_html(
        '<svg class="sm-icon" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        static("csms/icons.svg"),
        name,
    )


@dataclass(frozen=True)
class Badge:
    """A state as people see it; `tone` (good, busy, warn, bad, calm) picks the colour."""

    text: str
    icon: str = "dot"
    tone: str = "calm"

    def __html__(self):
        return format_html('<span class="sm-badge sm-{}">{}{}</span>', self.tone, icon(self.icon), self.text)

    __str__ = __html__

    def saying(self, text):
        """Return the same badge with other words."""
        return Badge(text, self.icon, self.tone)


def row(badges):
    """Return several badges side by side as HTML."""
    inner = format_html_join("", "{}", ((badge.__html__(),) for badge in badges))
    return format_html('<span class="sm-badges">{}</span>', inner)


def ago(moment):
    """Return `moment` as a `time` element that says how long ago it was."""
    if not moment:
        return "never"
    passed = timezone.now() - moment
    if abs(passed) < timedelta(minutes=1):
        words = "just now"
    elif passed < timedelta(0):
        words = f"in {timesince(timezone.now(), moment, depth=1)}"
    else:
        words = f"{timesince(moment, depth=1)} ago"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.isoformat(),
        exact(moment),
        words.replace("\xa0", " "),
    )


def exact(moment):
    """Return `moment` to the second in the server's time zone, with that zone's name."""
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M:%S %Z}" if moment else NOTHING


def kwh(watt_hours):
    return NOTHING if watt_hours is None else f"{watt_hours / 1000:,.2f} kWh"


def kw(watts):
    return NOTHING if watts is None else f"{watts / 1000:,.1f} kW"


def percent(value):
    return NOTHING if value is None else f"{value:.0f} %"


def duration(delta):
    """Return a time span as `1:05 h`, as `5 min` below an hour, or as `40 s` below a minute."""
    seconds = max(int(delta.total_seconds()), 0)
    if seconds < 60:
        return f"{seconds} s"
    minutes = seconds // 60
    return f"{minutes // 60}:{minutes % 60:02} h" if minutes >= 60 else f"{minutes} min"
