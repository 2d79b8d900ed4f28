"""Give each account a human id, under which its chargers may connect."""

from django.db import migrations, models

from tokens.models import human_id


def fill(apps, schema_editor):
    for account in apps.get_model("tokens", "Account").objects.filter(hid=None):
        account.hid = human_id()
        account.save(update_fields=["hid"])


def _field(**differences):
    return models.CharField(
        "human id",
        max_length=16,
        default=human_id,
        editable=False,
        help_text="Names the account in the URLs of its chargers: /ocpp/j/v16h/<human id>/<identifier>.",
        **differences,
    )


class Migration(migrations.Migration):
    dependencies = [("tokens", "0001_initial")]

    operations = [
        migrations.AddField("account", "hid", models.CharField("human id", max_length=16, null=True)),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AlterField("account", "hid", _field(unique=True)),
    ]
