"""What roles and states of accounts are called."""

from typing import Final

from kb.accounts.administration import State
from schemas.accounts import Role
from search_ui.i18n import N_

ROLES: Final[dict[Role, str]] = {
    "expert": N_("Expert"),
    "contributor": N_("Contributor for an organisation"),
    "editor": N_("Editor"),
    "translator": N_("Translator"),
    "administrator": N_("Administrator"),
}
STATES: Final[dict[State, str]] = {
    "unconfirmed": N_("Address not confirmed"),
    "waiting": N_("Waits for activation"),
    "active": N_("Active"),
    "closed": N_("Closed"),
}
