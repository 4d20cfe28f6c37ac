"""The ``kb`` command: the commands of each folder, and those that run the site."""

import gc
import sys
import threading
import time
import urllib.request
from typing import Annotated

import typer

from indexer.jobs import Hints
from kb.settings import DEVELOPMENT_SECRET, Settings, get_settings

app = typer.Typer(name="kb", no_args_is_help=True, pretty_exceptions_enable=False)
#: Commands that may leave changes to the workers; the site tells them itself.
CHANGING = ("import", "index")

Port = Annotated[int | None, typer.Option(help="Another port than KB_PORT says.")]


@app.callback()
def every_command(context: typer.Context) -> None:
    """The knowledge base: import, export, index, backup, and the site itself."""
    settings = get_settings()
    if settings.broker_url and context.invoked_subcommand in CHANGING:
        context.with_resource(Hints(settings))


@app.command()
def serve(
    port: Port = None,
    host: Annotated[str | None, typer.Option(help="Another address to listen on than KB_HOST says.")] = None,
) -> None:
    """Bring the database up to date and serve the site and the API, until interrupted."""
    _serve(_with(get_settings(), port, host))


@app.command()
def demo(
    port: Port = None,
    load_only: Annotated[bool, typer.Option("--load-only", help="Load the records and stop.")] = False,
) -> None:
    """Serve the site with the demonstration records; they are loaded first where there are none."""
    from search_ui.demo import load

    settings = _with(get_settings(), port, None)
    load(settings)
    if not load_only:
        _serve(settings)


def _with(settings: Settings, port: int | None, host: str | None) -> Settings:
    changes = {name: value for name, value in (("port", port), ("host", host)) if value is not None}
    return settings.model_copy(update=changes)


def _serve(settings: Settings) -> None:
    _refuse_known_secret(settings)
    _refuse_without_address(settings)
    import uvicorn

    from kb.db import make_engine, migrate
    from search_ui.app import create_app

    engine = make_engine(settings)
    migrate(engine)
    engine.dispose()
    threading.Thread(target=_say_where, args=(settings,), daemon=True).start()
    # Records that readers looked at last are kept, as hundreds of thousands of objects; looking through all of them for
    # garbage took 0.4 s, in the middle of somebody's question.
    gc.set_threshold(10_000, 20, 50)
    uvicorn.run(
        create_app(settings), host=settings.host, port=settings.port, log_level="warning", server_header=False,
        proxy_headers=True, forwarded_allow_ips=settings.trusted_proxies,
    )  # fmt: skip


def _refuse_known_secret(settings: Settings) -> None:
    if settings.environment != "development" and settings.secret_key == DEVELOPMENT_SECRET:
        typer.echo(
            "KB_SECRET_KEY still has its development value, which everybody knows.\n"
            "Set it to a secret of your own, for example the output of:\n"
            '  python -c "import secrets; print(secrets.token_urlsafe(48))"',
            err=True,
        )
        raise typer.Exit(1)


def _refuse_without_address(settings: Settings) -> None:
    if settings.environment != "development" and not settings.public_url:
        typer.echo(
            "KB_PUBLIC_URL is empty. The links in mails need the address that readers know, as https://exchange.example.org",
            err=True,
        )
        raise typer.Exit(1)


def _say_where(settings: Settings) -> None:
    """Print the address once the site answers there."""
    host = "localhost" if settings.host in ("127.0.0.1", "0.0.0.0", "::") else settings.host  # noqa: S104
    address = f"http://{host}:{settings.port}/"
    for _ in range(300):
        try:
            with urllib.request.urlopen(f"{address}healthz", timeout=1):  # noqa: S310 - our own address
                typer.echo(f"{settings.site_name} is at {address}  (stop with Ctrl+C)")
                sys.stdout.flush()
                return
        except OSError:
            time.sleep(0.1)


def _join() -> None:
    """Add the commands of the other folders."""
    from indexer import cli as index_commands
    from indexer.tagging import commands as tagging_commands
    from kb import cli as record_commands

    record_commands.register(app)
    index_commands.register(app)
    tagging_commands.register(app)


def main() -> None:
    """The entry point of the ``kb`` script."""
    _join()
    app()


if __name__ == "__main__":
    main()
