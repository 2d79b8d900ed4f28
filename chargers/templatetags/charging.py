"""Template words of the admin pages about chargers: badges, and the dashboard's figures.

The admin is imported on use: unfold loads every template library while it is itself imported.
"""

from django import template

from csms import badges

register = template.Library()


@register.simple_tag(takes_context=True)
def dashboard(context):
    """Return the figures that the signed-in user may see."""
    from chargers.admin.dashboard import figures

    return figures(context["request"].user)


@register.filter
def state(row):
    """Return the badge of a charger, command or transaction."""
    from chargers.admin import states

    return getattr(states, f"of_{row._meta.model_name}")(row)


@register.filter
def connector_state(connector):
    """Return the badge of a connector."""
    from chargers.admin import states

    return states.of_connector(connector)


@register.filter
def length_of(transaction):
    """Return how long a transaction that is over took."""
    return badges.duration(transaction.ended_at - transaction.started_at)


@register.filter
def outcome(message):
    """Return the badge of a logged message."""
    from chargers.admin import states

    return states.OUTCOME[message.outcome]
