"""Tokens as they are compared."""

import pytest

from tokens.models import Authorization, normalized


@pytest.mark.parametrize(
    ("stored", "presented"),
    [("TAG1", "tag1"), (" Tag1", "TAG1 "), ("ÄÖ", "äö"), ("straße", "STRAßE"), ("İ", "İ")],
)
def test_case_makes_no_difference(stored, presented):
    """OCPP's identifiers ignore it, and blanks around them mean nothing."""
    assert normalized(stored) == normalized(presented)


@pytest.mark.parametrize("letter", ["ß", "İ", "ΐ", "ﬃ"])
def test_compared_form_is_never_longer(db, owner, letter):
    """Letters that grow when folded would not fit the column that the token itself fits."""
    row = Authorization.objects.create(owner=owner, token=letter * 255)
    assert len(row.token_key) == 255
    assert Authorization.objects.presented(owner.pk, letter * 255).get() == row
