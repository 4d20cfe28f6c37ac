"""``kb user``: accounts from the command line, the first administrator's among them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, get_args

import typer
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from kb.accounts import letters, passwords, service
from kb.accounts.secrets import hash_password
from kb.accounts.tables import AccountRow
from kb.audit import service as audit
from kb.commands import open_database
from kb.db import transaction
from kb.errors import NotFound
from kb.settings import get_settings
from schemas.accounts import ROLES, Email, Role
from schemas.language import LANGUAGES, Language

users = typer.Typer(no_args_is_help=True, help="People: add, list, give roles, close and open accounts.")

#: Who runs commands is nobody with an account.
_SYSTEM = ""

Address = Annotated[str, typer.Argument(help="The account's e-mail address.")]
Roles = Annotated[list[str], typer.Option("--role", help=f"One of {', '.join(ROLES[1:])}; may be repeated.")]
Organisation = Annotated[str, typer.Option(help="For a contributor: the id of the organisation's record.")]


@users.command()
def add(
    email: Address,
    name: Annotated[str, typer.Option(help="What they are called; else the address up to the @.")] = "",
    language: Annotated[str, typer.Option(help=f"Of their mail: {', '.join(LANGUAGES)}.")] = "en",
    role: Roles = [],  # noqa: B006  typer's own way
    organisation: Organisation = "",
    password: Annotated[bool, typer.Option("--password", help="Ask for a password here, and mail no link.")] = False,
) -> None:
    """Make an account. Prints the link with which its owner chooses a password; it is mailed too."""
    roles, spoken = _roles(role, organisation), _language(language)
    chosen = typer.prompt("Password", hide_input=True, confirmation_prompt=True) if password else ""
    with _session() as session:
        email = _email(email)
        if chosen:
            passwords.check(chosen, email, get_settings().site_name)
        called = name or email.split("@")[0]
        row, link = service.invite(session, get_settings(), _SYSTEM, email, called, spoken, roles, mailed=not chosen)
        if chosen:
            row.password, row.state = hash_password(chosen), "active"
    typer.echo(f"{email} can sign in." if chosen else f"{email} chooses a password here, within seven days:\n{link}")


@users.command("list")
def list_users() -> None:
    """All accounts: address, state, roles."""
    with _session() as session:
        found = session.scalars(select(AccountRow).order_by(AccountRow.email)).all()
        given = service.roles_of_all(session, [row.id for row in found])
        for row in found:
            roles = ", ".join(" of ".join(filter(None, each)) for each in given[row.id])
            typer.echo(f"{row.email}  {row.state}  {roles or 'member'}")


@users.command("role")
def set_role(
    email: Address,
    roles: Annotated[list[str], typer.Argument(help=f"{', '.join(ROLES[1:])}; none takes all away.")] = [],  # noqa: B006
    organisation: Organisation = "",
) -> None:
    """Give somebody these roles, and take all others. Their sessions end."""
    given = _roles(roles, organisation)
    with _session() as session:
        service.set_roles(session, _found(session, email).id, given, actor=_SYSTEM)
    typer.echo(f"{email} is now {', '.join(roles) or 'member'}.")


@users.command()
def close(email: Address) -> None:
    """Close an account: nobody can sign in with it. What its owner wrote stays."""
    with _session() as session:
        service.close(session, _SYSTEM, _found(session, email).id)
    typer.echo(f"{email} is closed.")


@users.command("open")
def open_user(email: Address) -> None:
    """Open an account that waits for staff or was closed."""
    with _session() as session:
        service.activate(session, get_settings(), _SYSTEM, _found(session, email).id)
    typer.echo(f"{email} is open.")


@users.command()
def link(email: Address) -> None:
    """Print a link with which somebody chooses a new password, for an hour; it is mailed too."""
    with _session() as session:
        row = _found(session, email)
        made = letters.with_link(session, get_settings(), row, "reset")
        audit.note(session, _SYSTEM, "account.reset_link", row.id)
    typer.echo(made)


@users.command("drop-second-factor")
def drop_second_factor(email: Address) -> None:
    """For somebody who has lost device and recovery codes. Make sure that it is them."""
    with _session() as session:
        service.drop_second_factor(session, get_settings(), _SYSTEM, _found(session, email).id)
    typer.echo(f"{email} signs in with the password alone, and sets up a second factor anew.")


@contextmanager
def _session() -> Iterator[Session]:
    with open_database() as engine, transaction(engine) as session:
        yield session


def _found(session: Session, email: str) -> AccountRow:
    if row := service.by_email(session, email):
        return row
    raise NotFound(f"there is no account {email}")


def _email(text: str) -> str:
    try:
        return TypeAdapter(Email).validate_python(text)
    except ValidationError as error:
        raise typer.BadParameter(f"'{text}' is no e-mail address") from error


def _language(text: str) -> Language:
    for language in LANGUAGES:
        if language == text:
            return language
    raise typer.BadParameter(f"'{text}' is not a language of the site; it may be {', '.join(LANGUAGES)}")


def _roles(names: list[str], organisation: str) -> list[tuple[Role, str]]:
    """The roles by name; a contributor's with the organisation."""
    known: dict[str, Role] = {role: role for role in get_args(Role)}
    if unknown := [name for name in names if name not in known]:
        raise typer.BadParameter(f"'{unknown[0]}' is not a role; it may be {', '.join(ROLES[1:])}")
    return [(known[name], organisation if name == "contributor" else "") for name in names]
