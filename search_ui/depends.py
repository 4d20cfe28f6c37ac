"""What routes ask for: the request's session, the search, the tagger, the settings."""

from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from indexer.search import Search
from indexer.tagging.opening import tagger_of
from indexer.tagging.service import Tagger, Taggers
from kb.accounts.guesses import Asker
from kb.db import get_always_session, get_session
from kb.settings import Settings
from search_ui.identity import asker


# What only looks something up is async: all else runs in a thread, and waits for one.
async def _search(request: Request) -> Search:
    found: Search = request.app.state.search
    return found


async def _settings(request: Request) -> Settings:
    found: Settings = request.app.state.settings
    return found


async def _engine(request: Request) -> Engine:
    found: Engine = request.app.state.engine
    return found


def _tagger(request: Request) -> Tagger:
    taggers: Taggers = request.app.state.taggers
    search: Search = request.app.state.search
    return tagger_of(taggers, search)


SessionDep = Annotated[Session, Depends(get_session, scope="function")]
#: For the few forms that work while the site is read-only: signing in and out, and the switch.
AlwaysSessionDep = Annotated[Session, Depends(get_always_session, scope="function")]
SearchDep = Annotated[Search, Depends(_search)]
SettingsDep = Annotated[Settings, Depends(_settings)]
#: Its embedding model is loaded when it reads the first text. Unavailable where no tagging model fits that.
TaggerDep = Annotated[Tagger, Depends(_tagger)]
#: For services that have transactions of their own.
EngineDep = Annotated[Engine, Depends(_engine)]
AskerDep = Annotated[Asker, Depends(asker)]
