FROM python:3.11-slim AS build
WORKDIR /app
RUN pip install --no-cache-dir uv==0.13.9
COPY pyproject.toml uv.lock ./
RUN UV_PYTHON_DOWNLOADS=never uv sync --frozen --no-dev --extra postgres --compile-bytecode

FROM python:3.11-slim
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 VAR_DIR=/var/lib/portal
WORKDIR /app
RUN useradd --system --home-dir /var/lib/portal --create-home portal
COPY --from=build /app/.venv .venv
COPY . .
USER portal
# Keys that open nothing: collecting the static files loads the settings but needs no secret.
RUN SECRET_KEY=build FIELD_ENCRYPTION_KEYS=build python manage.py collectstatic --no-input --verbosity 0
EXPOSE 8000
# /dev/shm: gunicorn's heartbeat file must not wait for a disk.
CMD ["gunicorn", "portal.wsgi:application", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", "--workers", "2", \
     "--threads", "4", "--worker-tmp-dir", "/dev/shm", "--no-control-socket", "--access-logfile", "-"]
