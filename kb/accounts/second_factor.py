"""The second factor: codes of an authenticator app (TOTP), and recovery codes that stand in for it."""

import hmac
import secrets
import time
from typing import Final

import pyotp
import segno
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from kb.accounts.secrets import token_hash
from kb.accounts.tables import AccountRow, ApiTokenRow, RecoveryCodeRow
from kb.errors import Invalid
from schemas.messages import N_

#: Seconds that a code stands for.
STEP: Final = 30
#: Steps that the app's clock may be off.
_TOLERANCE: Final = 1
_RECOVERY_CODES: Final = 10
#: Letters and digits that are not taken for each other.
_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"
WRONG_CODE: Final = N_("This code is not right, or it was used already. Wait for the next one.")


def new_key() -> str:
    """A key for an authenticator app, in base 32."""
    return pyotp.random_base32()


def picture(key: str, email: str, site_name: str) -> str:
    """What the app scans, as the address of an inline SVG."""
    uri = pyotp.TOTP(key).provisioning_uri(name=email, issuer_name=site_name)
    found: str = segno.make(uri, error="m").svg_data_uri(scale=5, border=4, light="#fff")
    return found


def is_on(session: Session, account_id: str) -> bool:
    """Whether the account has one."""
    return bool(session.scalar(select(AccountRow.totp_key).where(AccountRow.id == account_id)))


def turn_on(session: Session, account_id: str, key: str, code: str) -> list[str]:
    """Have the account use this key, which the app has shown to have by its code. Returns recovery codes. Raises Invalid."""
    step = _step_of(key, code)
    if step is None:
        raise Invalid(WRONG_CODE, field="code")
    changed = update(AccountRow).where(AccountRow.id == account_id).values(totp_key=key, totp_step=step)
    session.execute(changed)
    return new_recovery_codes(session, account_id)


def turn_off(session: Session, account_id: str) -> None:
    """Have the account use none. Tokens that were made with it lose its strength."""
    session.execute(update(AccountRow).where(AccountRow.id == account_id).values(totp_key="", totp_step=0))
    session.execute(delete(RecoveryCodeRow).where(RecoveryCodeRow.account_id == account_id))
    session.execute(update(ApiTokenRow).where(ApiTokenRow.account_id == account_id).values(strong=False))


def use(session: Session, account_id: str, code: str) -> bool:
    """Whether this is a code of the app, or a recovery code, that was not used before; it is used now."""
    typed = "".join(code.split()).replace("-", "").lower()
    return _use_app(session, account_id, typed) if typed.isdecimal() else _use_recovery(session, account_id, typed)


def _use_app(session: Session, account_id: str, code: str) -> bool:
    key = session.scalar(select(AccountRow.totp_key).where(AccountRow.id == account_id))
    step = _step_of(key, code) if key else None
    if step is None:
        return False
    unused = update(AccountRow).where(AccountRow.id == account_id, AccountRow.totp_step < step)
    return session.execute(unused.values(totp_step=step)).rowcount == 1  # type: ignore[attr-defined]


def _use_recovery(session: Session, account_id: str, code: str) -> bool:
    mine = (RecoveryCodeRow.account_id == account_id) & (RecoveryCodeRow.code_hash == _recovery_hash(account_id, code))
    return session.execute(delete(RecoveryCodeRow).where(mine)).rowcount == 1  # type: ignore[attr-defined]


def _step_of(key: str, code: str) -> int | None:
    """The step of time whose code this is, near now."""
    now = int(time.time()) // STEP
    app, typed = pyotp.TOTP(key, interval=STEP), "".join(code.split()).encode()
    near = range(now - _TOLERANCE, now + _TOLERANCE + 1)
    return next((step for step in near if hmac.compare_digest(app.generate_otp(step).encode(), typed)), None)


def new_recovery_codes(session: Session, account_id: str) -> list[str]:
    """New ones, each good once, in place of all older ones. They are stored nowhere."""
    codes = ["".join(secrets.choice(_ALPHABET) for _ in range(12)) for _ in range(_RECOVERY_CODES)]
    session.execute(delete(RecoveryCodeRow).where(RecoveryCodeRow.account_id == account_id))
    session.add_all(
        RecoveryCodeRow(account_id=account_id, code_hash=_recovery_hash(account_id, code)) for code in codes
    )
    return ["-".join((code[:4], code[4:8], code[8:])) for code in codes]


def recovery_codes_left(session: Session, account_id: str) -> int:
    """How many are unused."""
    count = select(func.count()).select_from(RecoveryCodeRow).where(RecoveryCodeRow.account_id == account_id)
    return session.scalar(count) or 0


def _recovery_hash(account_id: str, code: str) -> str:
    return token_hash(f"{account_id} {code}")
