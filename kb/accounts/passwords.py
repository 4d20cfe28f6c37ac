"""Which passwords are taken: any of some length that is not among the first that somebody would try."""

import re
from typing import Final

from kb.errors import Invalid
from schemas.messages import N_

SHORTEST: Final = 12
LONGEST: Final = 1000
#: Characters that a password must have at least so many different ones of.
_DIFFERENT: Final = 5
#: Runs of keys and counting, in which a password must not lie whole.
_RUNS: Final = tuple(
    run * 4
    for run in (
        "0123456789", "9876543210", "abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm", "azertyuiopqsdfghjklmwxcvbn",
        "1q2w3e4r5t6y7u8i9o0p", "1qaz2wsx3edc4rfv5tgb6yhn", "qazwsxedcrfvtgbyhnujm",
    )
)  # fmt: skip
#: Words that the commonest passwords of twelve characters and more are made of, with digits around or between.
_COMMON: Final = frozenset(
    (
        "password passwort contrasena contraseña motdepasse clave secret secreto administrator administrador administrateur "
        "admin welcome bienvenue bienvenido letmein iloveyou teamo jetaime sunshine princess football futbol baseball superman "
        "batman trustno dragon monkey qwerty qwertyuiop azerty azertyuiop asdfghjkl zxcvbnm changeme changemenow default login "
        "correcthorsebatterystaple thisisapassword mypassword passphrase whatever starwars michael jennifer barcelona "
        "realmadrid manchesterunited liverpool chocolate computer internet hello bonjour hola test testing user guest"
    ).split()
)


def check(password: str, email: str, site_name: str, field: str = "password") -> None:
    """Raises Invalid, at that field, for a password that would be guessed."""
    if len(password) < SHORTEST:
        raise Invalid(
            N_("Choose a password of at least %(least)s characters; three or four words make a good one."),
            field=field, least=SHORTEST,
        )  # fmt: skip
    if len(password) > LONGEST:
        raise Invalid(N_("Choose a password of at most %(most)s characters."), field=field, most=LONGEST)
    plain = _plain(password)
    if _is_common(plain, password):
        raise Invalid(N_("This is among the first passwords that somebody would try. Choose another one."), field=field)
    if any(part in plain for part in _own(email, site_name)):
        raise Invalid(N_("Leave your e-mail address and the name of this site out of your password."), field=field)


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.lower())


def _is_common(plain: str, password: str) -> bool:
    letters = re.sub(r"\d+", "", plain)
    half = plain[: len(plain) // 2]
    repeated = len(plain) % 2 == 0 and half * 2 == plain and half in _COMMON
    return (
        letters in _COMMON or repeated or len(set(password.lower())) < _DIFFERENT or any(plain in run for run in _RUNS)
    )


def _own(email: str, site_name: str) -> list[str]:
    """What is too close to who chooses and to where; short parts would refuse good passwords by chance."""
    return [part for part in map(_plain, (email, email.split("@")[0], site_name)) if len(part) >= 4]
