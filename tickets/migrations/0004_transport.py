"""What the web services of a ticket system speak: REST until now, or SOAP."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tickets", "0003_ticket_search"),
    ]

    operations = [
        migrations.AddField(
            model_name="ticketsystem",
            name="transport",
            field=models.CharField(
                choices=[("rest", "REST"), ("soap", "SOAP")],
                default="rest",
                help_text="What the web services of the ticket system speak.",
                max_length=10,
                verbose_name="transport",
            ),
        ),
        migrations.AlterField(
            model_name="ticketsystem",
            name="preset",
            field=models.CharField(
                choices=[
                    ("billing_portal", "BillingPortal (recommended)"),
                    ("otrs6_sample", "GenericTicketConnector (sample of OTRS 6)"),
                    ("znuny_sample", "ZnunyTicketREST (newer sample of Znuny)"),
                ],
                default="billing_portal",
                max_length=30,
                verbose_name="web service",
            ),
        ),
        migrations.AlterField(
            model_name="ticketsystem",
            name="routes",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text='{"TicketGet": "POST MyService /TicketGet", "TicketSearch": "SOAP MyService http://example.org/My/"}',
                verbose_name="routes that differ",
            ),
        ),
        migrations.AddConstraint(
            model_name="ticketsystem",
            constraint=models.CheckConstraint(
                condition=models.Q(("authentication", "header"), ("transport", "soap"), _negated=True),
                name="ticketsystem_soap_login_not_in_headers",
                violation_error_message="Over SOAP the login travels in the envelope, not in headers. Choose authentication by session or with each request body.",
            ),
        ),
    ]
