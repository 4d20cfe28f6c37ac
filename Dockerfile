# Three images. `application` runs every part of the product; `transformers` is the same with PyTorch, for any other model
# than the built-in one; `proxy` is the web server in front. Build them with: docker compose build

FROM python:3.11.14-slim-bookworm AS base

FROM base AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /application
RUN python -m venv --without-pip /venv
COPY requirements.lock ./
RUN pip --python /venv/bin/python install --require-hashes --only-binary :all: -r requirements.lock
COPY pyproject.toml LICENSE README.md ./
COPY schemas schemas
COPY kb kb
COPY indexer indexer
COPY search_ui search_ui
COPY fixtures fixtures
RUN pip --python /venv/bin/python install --no-deps --no-build-isolation --editable . \
    && /venv/bin/python -m indexer.analysis \
    && /venv/bin/python -m search_ui.i18n compile \
    && /venv/bin/python -m compileall -q schemas kb indexer search_ui \
    && pip --python /venv/bin/python uninstall --yes setuptools

FROM build AS build-transformers
COPY requirements-transformers.lock ./
# The lock leaves PyTorch out (Makefile): which build of it is right depends on the machine.
RUN pip --python /venv/bin/python install --no-deps --require-hashes --only-binary :all: -r requirements-transformers.lock \
    && pip --python /venv/bin/python install --only-binary :all: torch==2.13.0

FROM base AS runtime
# `kb backup` and `kb restore` call PostgreSQL's own programs, which must not be older than the server. Debian replaces a
# package by its next security update, so no exact version of it could be installed for long.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends postgresql-client-15 \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 10001 kb \
    && useradd --system --uid 10001 --gid kb --home-dir /data --no-create-home --shell /usr/sbin/nologin kb \
    && install --directory --owner kb --group kb --mode 0750 /data /models
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HF_HOME=/models \
    KB_DATA_DIR=/data \
    KB_HOST=0.0.0.0
VOLUME ["/data", "/models"]
EXPOSE 8000
USER 10001:10001
WORKDIR /application
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
CMD ["kb", "serve"]

FROM runtime AS transformers
COPY --from=build-transformers /venv /venv
COPY --from=build-transformers /application /application

FROM caddy:2.10.2-alpine AS proxy
# It listens on ports above 1024 as a user without rights. The right to take lower ports, which the file carries, would keep
# the kernel from starting it once all rights are dropped.
RUN setcap -r /usr/bin/caddy \
    && chown -R 10002:10002 /data /config
COPY deploy/Caddyfile /etc/caddy/Caddyfile
EXPOSE 8080 8443
USER 10002:10002
HEALTHCHECK --interval=15s --timeout=5s --start-period=10s --retries=4 \
    CMD ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:2019/"]
CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]

FROM runtime AS application
COPY --from=build /venv /venv
COPY --from=build /application /application
