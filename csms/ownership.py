"""Who may see which rows: the one place that answers it.

The owner of everything is a Django user. Superusers see all; other staff see what they own and
the owners that their groups grant; everyone else sees what they own.
"""

from django.db import models


class OwnedQuerySet(models.QuerySet):
    """A QuerySet whose model says in `owner_path` which relation leads to its owner."""

    def owned_by(self, user):
        """Return only the rows that `user` may see; nothing for the anonymous."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.is_superuser:
            return self
        return self.filter(**{f"{self.model.owner_path}__in": owners_for(user)})


def owners_for(user):
    """Return the ids of the accounts whose rows `user` may see (for a superuser: None, all)."""
    if user.is_superuser:
        return None
    if not user.is_staff:
        return [user.pk]
    granted = user.groups.values_list("granted_owners__owner_id", flat=True)
    return [user.pk, *(owner for owner in granted if owner is not None)]


def may_act_as(user, owner):
    """Say whether whoever holds a key of `owner` may do no more than `user` may."""
    if user.is_superuser:
        return True
    return not owner.is_superuser and set(owners_for(owner)) <= set(owners_for(user))
