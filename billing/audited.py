"""Master data of the billing whose changes stand in the audit log."""

from audit.watching import watch
from billing.agreement_models import Agreement, FlatFee, PrepaidBlock, PrepaidMovement, RateRule

for model in (Agreement, RateRule, FlatFee, PrepaidBlock, PrepaidMovement):
    watch(model)
