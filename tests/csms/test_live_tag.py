"""The template tag that tells an open page from which event on to listen."""

from datetime import timedelta

import pytest
from django.template import Context, Template
from django.utils import timezone

from csms.models import Event


@pytest.mark.django_db(transaction=True)  # an event is known once its transaction has ended
def test_what_happens_while_a_page_is_drawn_is_not_missed():
    """Its rows were read before: an event of the last seconds is still to be heard."""
    known = Event.objects.create(kind="known", created_at=timezone.now() - timedelta(seconds=30))
    Event.objects.create(kind="just now")

    drawn = Template("{% load station %}{% live %}").render(Context())

    assert f'data-after="{known.pk}"' in drawn
