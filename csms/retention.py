"""Deleting what is old enough, in batches that hold no lock for long."""

from datetime import datetime, timedelta

BATCH = 1000
BATCHES_A_RUN = 200


def delete_older(queryset, field: str, *, days: int, now: datetime) -> int:
    """Delete the rows of `queryset` whose `field` is more than `days` ago; return how many.

    0 days keeps for ever. One run deletes a bounded number, the next run goes on.
    """
    if days <= 0:
        return 0
    old = queryset.filter(**{f"{field}__lt": now - timedelta(days=days)}).order_by("pk")
    deleted = 0
    for _ in range(BATCHES_A_RUN):
        keys = list(old.values_list("pk", flat=True)[:BATCH])
        queryset.model._default_manager.filter(pk__in=keys).delete()
        deleted += len(keys)
        if len(keys) < BATCH:
            break
    return deleted
