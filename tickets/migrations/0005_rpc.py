"""The legacy RPC of a ticket system: how it is reached, and whether everything goes over it."""

import common.fields
import django.core.validators
import tickets.models
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tickets', '0004_transport'),
    ]

    operations = [
        migrations.AddField(
            model_name='ticketsystem',
            name='rpc_password',
            field=common.fields.EncryptedTextField(blank=True, default='', verbose_name='password of rpc.pl'),
        ),
        migrations.AddField(
            model_name='ticketsystem',
            name='rpc_url',
            field=models.CharField(blank=True, help_text='For example https://help.example.org/otrs/rpc.pl. Needed where operations go over it, and to read absences back.', max_length=300, validators=[tickets.models.check_rpc_url], verbose_name='address of rpc.pl'),
        ),
        migrations.AddField(
            model_name='ticketsystem',
            name='rpc_user',
            field=models.CharField(blank=True, help_text='SOAP::User of the ticket system, no agent.', max_length=200, verbose_name='user of rpc.pl'),
        ),
        migrations.AddField(
            model_name='ticketsystem',
            name='rpc_user_id',
            field=models.PositiveIntegerField(default=1, help_text='The agent in whose name rpc.pl acts; it sees what this agent sees.', validators=[django.core.validators.MinValueValidator(1)], verbose_name='UserID over rpc.pl'),
        ),
        migrations.AlterField(
            model_name='ticketsystem',
            name='login',
            field=models.CharField(blank=True, help_text='Of an agent. Over rpc.pl alone none is needed.', max_length=200, verbose_name='login'),
        ),
        migrations.AlterField(
            model_name='ticketsystem',
            name='password',
            field=common.fields.EncryptedTextField(blank=True, default='', verbose_name='password'),
        ),
        migrations.AlterField(
            model_name='ticketsystem',
            name='routes',
            field=models.JSONField(blank=True, default=dict, help_text='{"TicketGet": "POST MyService /TicketGet", "TicketSearch": "SOAP MyService http://example.org/My/", "TicketHistoryGet": "RPC"}', verbose_name='routes that differ'),
        ),
        migrations.AlterField(
            model_name='ticketsystem',
            name='transport',
            field=models.CharField(choices=[('rest', 'REST'), ('soap', 'SOAP'), ('rpc', 'rpc.pl (OTRS 3 and later)')], default='rest', help_text='What the web services of the ticket system speak.', max_length=10, verbose_name='transport'),
        ),
        migrations.AddConstraint(
            model_name='ticketsystem',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('login', ''), _negated=True), ('transport', 'rpc'), _connector='OR'), name='ticketsystem_login_unless_rpc', violation_error_message='Enter the login of the agent that the portal uses.'),
        ),
        migrations.AddConstraint(
            model_name='ticketsystem',
            constraint=models.CheckConstraint(condition=models.Q(('rpc_url', ''), models.Q(models.Q(('rpc_user', ''), _negated=True), models.Q(('rpc_password', ''), _negated=True), ('rpc_user_id__gt', 0)), _connector='OR'), name='ticketsystem_rpc_whole', violation_error_message='rpc.pl needs its address, its user, its password and a UserID.'),
        ),
        migrations.AddConstraint(
            model_name='ticketsystem',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('transport', 'rpc'), _negated=True), models.Q(('rpc_url', ''), _negated=True), _connector='OR'), name='ticketsystem_rpc_reached', violation_error_message='Enter the address of rpc.pl: everything is to go over it.'),
        ),
    ]
