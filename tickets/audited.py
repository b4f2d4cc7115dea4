"""Master data of the ticket systems whose changes stand in the audit log."""

from audit.watching import watch
from tickets.models import Agent, Customer, TicketSystem

watch(TicketSystem)
watch(Customer, links=("account_managers",))
watch(Agent)
