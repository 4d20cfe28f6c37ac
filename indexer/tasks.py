"""The Celery app and its tasks: each is one call into ``upkeep``, and doing one twice, late or never changes nothing.

Queue ``index`` is for all that writes records to the index; ``embedding`` is for what needs the model, so that a machine
with a graphics card can take just that. Nothing hangs on a single message: beat asks for the work again all the time, and
the leases in the database keep two workers from doing the same thing. The numbers:

- ``take_in``, ``embed`` and ``suggest`` work in slices of 30 seconds. A slice may be followed by one batch on a slow engine,
  or preceded by the loading of a big model: a task that takes ten minutes hangs, and is stopped.
- Redis hands a message out again that nobody acknowledged within an hour, as when a whole machine was lost. Only a rebuild
  of some million records takes longer; handed out again, it finds the lease held, and ends.
- A task whose process was killed is tried again: at once where beat would ask for it anyway, a rebuild when its lease, which
  nobody gave back, has run out.
- A message that nobody took for a minute is dropped, since newer ones ask for the same. A minute is also how far the clocks
  of two machines may be apart.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import Any, Final

from celery import Celery, signals
from celery.schedules import crontab
from sqlalchemy import Engine
from sqlalchemy.exc import InterfaceError, OperationalError

from indexer import upkeep
from indexer.search import Search, open_search
from indexer.sync import LEASE
from indexer.tagging import job as tagging
from indexer.tagging.opening import tagger_of
from indexer.tagging.service import Taggers
from kb import rounds
from kb.db import make_engine, migrate
from kb.errors import Unavailable
from kb.settings import Settings, get_settings

QUEUES: Final = ("index", "embedding")
#: Seconds between two looks by beat.
PERIOD: Final = 5.0
EXPIRES: Final = 60.0
VISIBILITY: Final = 3_600
MINUTE: Final = 60
#: A server or the network to it is away for a while.
CONNECTION_ERRORS: Final = (Unavailable, OSError, OperationalError, InterfaceError)


@cache
def opened() -> tuple[Engine, Search]:
    """Database and search of this worker process, opened at the first task: connections do not outlive a fork, and a server
    that is away then is a failed task, not a failed worker. The model is loaded by the first ``embed`` only."""
    settings = get_settings()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    database = make_engine(settings)
    migrate(database)
    return database, open_search(settings, database)


def take_in() -> None:
    """Take in the changes that wait."""
    upkeep.take_in(*opened(), stop=upkeep.after(upkeep.SLICE))


def embed() -> None:
    """Compute vectors for a while."""
    upkeep.embed(*opened())


@cache
def taggers() -> Taggers:
    """The taggers of this worker process."""
    return Taggers(get_settings())


def suggest() -> None:
    """Read records for tagging for a while, unless vectors are missing: search comes first."""
    database, search = opened()
    if not search.engine.missing_vectors(1):
        stop = upkeep.after(upkeep.SLICE)
        tagging.advance(database, partial(tagger_of, taggers(), search), get_settings(), stop)


def walk() -> None:
    """Walk the rounds."""
    rounds.walk(opened()[0], get_settings())


def rebuild() -> None:
    """Build the index anew."""
    upkeep.rebuild(*opened())


def check() -> None:
    """Forget whom the index should, and compare it with the database."""
    upkeep.forget(*opened())
    upkeep.check(*opened())


def make_app(settings: Settings, **transport: Any) -> Celery:
    """The Celery app for the broker that the settings name. ``transport`` are more options of the connection."""
    app = Celery("kb", broker=settings.broker_url, set_as_current=False)
    app.conf.update(
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_retry_on_worker_lost=True,
        task_default_queue="index",
        task_routes={"embed": {"queue": "embedding"}, "suggest": {"queue": "embedding"}},
        worker_prefetch_multiplier=1,
        worker_soft_shutdown_timeout=upkeep.SLICE + 5,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={"visibility_timeout": VISIBILITY, "global_keyprefix": settings.broker_prefix}
        | transport,
        beat_schedule=schedule(),
        beat_schedule_filename=str(settings.data_dir / "beat-schedule"),
        beat_enable_remote_control=True,
    )
    _add(app, take_in, limit=10 * MINUTE, max_retries=3, default_retry_delay=PERIOD)
    _add(app, embed, limit=10 * MINUTE, max_retries=3, default_retry_delay=PERIOD)
    _add(app, suggest, limit=10 * MINUTE, max_retries=3, default_retry_delay=PERIOD)
    _add(app, walk, limit=10 * MINUTE, max_retries=0)
    _add(app, rebuild, limit=24 * 60 * MINUTE, max_retries=8, default_retry_delay=LEASE + 10)
    _add(app, check, limit=6 * 60 * MINUTE, max_retries=8, default_retry_delay=MINUTE)
    return app


def _add(app: Celery, work: Callable[[], None], *, limit: int, **options: Any) -> None:
    """A task by the function's name, that is tried again when a connection fails: soon at first, then more and more slowly.
    A process that does not heed its time limit within a minute is killed."""
    app.task(
        work,
        name=work.__name__,
        autoretry_for=CONNECTION_ERRORS,
        retry_backoff=5,
        retry_backoff_max=5 * MINUTE,
        retry_jitter=True,
        soft_time_limit=limit,
        time_limit=limit + MINUTE,
        **options,
    )


def schedule() -> dict[str, dict[str, Any]]:
    """What beat asks for, and when."""
    soon = {"schedule": PERIOD, "options": {"expires": EXPIRES}}
    nightly = {"schedule": crontab(hour="2", minute="17"), "options": {"expires": 60 * MINUTE}}
    return {
        "take in": soon | {"task": "take_in"},
        "embed": soon | {"task": "embed"},
        "suggest": soon | {"task": "suggest"},
        "rounds": soon | {"task": "walk"},
        "check": nightly | {"task": "check"},
    }


@signals.worker_process_init.connect
def _forget_what_the_parent_opened(**_: object) -> None:
    opened.cache_clear()
    taggers.cache_clear()


@signals.worker_process_shutdown.connect
def _close(**_: object) -> None:
    if opened.cache_info().currsize:
        database, search = opened()
        search.engine.close()
        database.dispose()
