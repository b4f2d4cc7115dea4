"""A default agreement, so that a first run works without set-up. Its rate is an example and meant to be changed."""

from decimal import Decimal

from django.db import migrations


def create_default_agreement(apps, schema_editor):
    apps.get_model("billing", "Agreement").objects.get_or_create(
        is_default=True, defaults={"hourly_rate": Decimal("95.00")}
    )


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]
    operations = [migrations.RunPython(create_default_agreement, migrations.RunPython.noop)]
