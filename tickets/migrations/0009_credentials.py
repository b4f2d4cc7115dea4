from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tickets", "0008_stop_readings"),
    ]

    operations = [
        migrations.AddField(
            model_name="ticketsystem",
            name="password_set_at",
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="password set"),
        ),
        migrations.AddField(
            model_name="ticketsystem",
            name="password_set_by",
            field=models.CharField(blank=True, default="", editable=False, max_length=150),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="ticketsystem",
            name="rpc_password_set_at",
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="password of rpc.pl set"),
        ),
        migrations.AddField(
            model_name="ticketsystem",
            name="rpc_password_set_by",
            field=models.CharField(blank=True, default="", editable=False, max_length=150),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="ticketsystem",
            name="checked_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="When all that a reading needs worked, with the connection as it is set up now.",
                null=True,
                verbose_name="connection checked",
            ),
        ),
    ]
