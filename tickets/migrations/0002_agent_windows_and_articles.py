"""Agents' windows as readings of their own, the third total of a ticket, and the look-back in days."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def months_to_days(apps, schema_editor):
    for system in apps.get_model("tickets", "TicketSystem").objects.all():
        system.look_back_days = min(31 * system.look_back_months, 3660)
        system.save(update_fields=["look_back_days"])


def days_to_months(apps, schema_editor):
    for system in apps.get_model("tickets", "TicketSystem").objects.all():
        system.look_back_months = system.look_back_days // 28
        system.save(update_fields=["look_back_months"])


class Migration(migrations.Migration):

    dependencies = [
        ('tickets', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='syncrun',
            name='syncrun_one_active_per_month',
        ),
        migrations.AddField(
            model_name='ticketsystem',
            name='look_back_days',
            field=models.PositiveSmallIntegerField(default=90, help_text='How far back booked time is read again, in whole months: it may have been changed since.', validators=[django.core.validators.MaxValueValidator(3660)], verbose_name='days read back'),
        ),
        migrations.RunPython(months_to_days, days_to_months),
        migrations.RemoveField(
            model_name='ticketsystem',
            name='look_back_months',
        ),
        migrations.AddField(
            model_name='agent',
            name='account',
            field=models.ForeignKey(blank=True, help_text="Whoever signs in with it sees the agent's own time.", null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='agents', to=settings.AUTH_USER_MODEL, verbose_name='account in the portal'),
        ),
        migrations.AddField(
            model_name='syncrun',
            name='agent',
            field=models.ForeignKey(blank=True, help_text="Only this agent's time accounting; empty: all that the month needs.", null=True, on_delete=django.db.models.deletion.PROTECT, related_name='sync_runs', to='tickets.agent', verbose_name='agent'),
        ),
        migrations.AddField(
            model_name='ticket',
            name='article_units',
            field=models.DecimalField(blank=True, decimal_places=2, help_text='Sum over the articles as they were read with the ticket; empty where they were not.', max_digits=14, null=True, verbose_name='time units of the articles'),
        ),
        migrations.AddField(
            model_name='ticketsystem',
            name='reads_articles',
            field=models.BooleanField(default=False, help_text="Compares a third total, the articles' own. Every text of a ticket then comes over the network.", verbose_name='read the time of articles'),
        ),
        migrations.AddField(
            model_name='ticketsystem',
            name='internal_queues',
            field=models.JSONField(blank=True, default=list, help_text='Time there is not meant for a customer; the data quality page lists it.', verbose_name='internal queues'),
        ),
        migrations.AddConstraint(
            model_name='syncrun',
            constraint=models.UniqueConstraint(condition=models.Q(('agent__isnull', True), ('state__in', ['queued', 'running'])), fields=('system', 'month'), name='syncrun_one_active_per_month'),
        ),
        migrations.AddConstraint(
            model_name='syncrun',
            constraint=models.UniqueConstraint(condition=models.Q(('agent__isnull', False), ('state__in', ['queued', 'running'])), fields=('agent', 'month'), name='syncrun_one_active_per_agent'),
        ),
    ]
