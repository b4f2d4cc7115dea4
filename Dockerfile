# Two stages: what builds the environment stays behind. The packages are exactly those of uv.lock.
FROM python:3.11-slim-trixie AS build
WORKDIR /app
RUN pip install --no-cache-dir uv==0.13.9
COPY pyproject.toml uv.lock ./
RUN UV_PYTHON_DOWNLOADS=never uv sync --frozen --no-dev --extra postgres --extra sentry --compile-bytecode

FROM python:3.11-slim-trixie
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 VAR_DIR=/var/lib/portal
WORKDIR /app
# pg_dump and pg_restore of the release that docker-compose.yml runs, for `manage.py backup` and `restore`.
RUN apt-get update && apt-get install --no-install-recommends -y postgresql-client-17 && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/portal --create-home portal
COPY --from=build /app/.venv .venv
COPY . .
# A number, so that an orchestrator can see that it is not root. The code belongs to root: the portal cannot change it.
USER 10001
# Keys that open nothing: collecting the static files loads the settings but needs no secret.
RUN SECRET_KEY=build FIELD_ENCRYPTION_KEYS=build python manage.py collectstatic --no-input --verbosity 0
EXPOSE 8000
# Longer than a request may take; gunicorn ends the running ones on SIGTERM.
STOPSIGNAL SIGTERM
# /dev/shm: gunicorn's heartbeat file must not wait for a disk. Requests are logged by the portal itself (LOG_FORMAT=json).
CMD ["gunicorn", "portal.wsgi:application", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", "--workers", "2", \
     "--threads", "4", "--worker-tmp-dir", "/dev/shm", "--no-control-socket", "--graceful-timeout", "30", \
     "--max-requests", "5000", "--max-requests-jitter", "500"]
