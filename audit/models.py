"""The audit log: rows that are only ever added, the chain that seals them, and the keys of its seals."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from audit.actions import ActorKind, Result, label_of
from common.fields import EncryptedTextField


class AuditKey(models.Model):
    """A key of seals. It is random, encrypted with ``FIELD_ENCRYPTION_KEYS`` and written anew by ``rotate_keys``, so
    that rows can still be verified when the key that encrypted it is gone."""

    secret = EncryptedTextField()
    made_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        verbose_name = _("key of the audit log")
        verbose_name_plural = _("keys of the audit log")

    def __str__(self) -> str:
        return str(self.pk)


class AuditRow(models.Model):
    """One action. Written in the transaction of the action itself, and sealed within a minute.

    No foreign key: what a row tells does not change when the account or the object goes. ``mac`` is made by the portal
    when the row is written; ``position``, ``previous``, ``seal`` and ``key`` are its place in the chain, written once.
    """

    at = models.DateTimeField(_("when"))
    actor_kind = models.CharField(_("kind of actor"), max_length=10, choices=ActorKind)
    actor = models.CharField(_("who"), max_length=200, blank=True)
    actor_key = models.BigIntegerField(null=True)
    action = models.CharField(_("action"), max_length=50)
    object_type = models.CharField(_("kind of object"), max_length=80, blank=True)
    object_key = models.CharField(_("key of the object"), max_length=80, blank=True)
    object_name = models.CharField(_("object"), max_length=200, blank=True)
    address = models.CharField(_("address"), max_length=45, blank=True)
    source = models.CharField(_("request or job"), max_length=120, blank=True)
    result = models.CharField(_("result"), max_length=10, choices=Result, default=Result.DONE)
    changes = models.JSONField(_("changes"), default=list, help_text=_("Field, before and after of each change"))
    text = models.CharField(_("details"), max_length=500, blank=True)
    uid = models.UUIDField(default=uuid.uuid4, unique=True, help_text=_("So that no row can be copied"))
    mac = models.CharField(max_length=64)
    position = models.BigIntegerField(_("position"), null=True, unique=True)
    previous = models.CharField(max_length=64, blank=True)
    seal = models.CharField(max_length=64, blank=True)
    key = models.ForeignKey(AuditKey, null=True, on_delete=models.PROTECT, db_index=False, related_name="+")

    class Meta:
        ordering = ["-id"]
        default_permissions = ()
        permissions = [("see_audit_log", "Can see the audit log")]
        verbose_name = _("row of the audit log")
        verbose_name_plural = _("rows of the audit log")
        indexes = [
            # What the sealer looks for every minute: a handful of rows among millions.
            models.Index(fields=["id"], condition=Q(position__isnull=True), name="auditrow_unsealed"),
            # The filters of the page, each ending with the order of the page.
            models.Index(fields=["at", "id"], name="auditrow_at"),
            models.Index(fields=["actor", "id"], name="auditrow_actor"),
            models.Index(fields=["action", "id"], name="auditrow_action"),
            models.Index(fields=["object_type", "object_key", "id"], name="auditrow_object"),
            models.Index(fields=["result", "id"], name="auditrow_result"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(position__isnull=True, previous="", seal="", key__isnull=True)
                | (Q(position__gte=1, key__isnull=False) & ~Q(previous="") & ~Q(seal="")),
                name="auditrow_sealed_in_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.action}"

    @property
    def action_label(self) -> str:
        return label_of(self.action)


class AuditHead(models.Model):
    """The end of the chain, in one row; who seals holds its lock. It only moves on."""

    ONLY = 1

    position = models.BigIntegerField(default=0)
    seal = models.CharField(max_length=64, blank=True)
    sealed_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        verbose_name = _("end of the audit log")
        verbose_name_plural = _("end of the audit log")
        constraints = [models.CheckConstraint(condition=Q(id=1), name="audithead_only_one")]

    def __str__(self) -> str:
        return str(self.position)
