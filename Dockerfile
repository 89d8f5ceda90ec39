# One image for web (the default), worker, duties and prepare: the command says which.

FROM python:3.12-slim-bookworm AS build
RUN python -m venv /uv && /uv/bin/pip install --no-cache-dir --disable-pip-version-check uv==0.13.9
WORKDIR /app
# The versions of requirements.lock, with its hashes, of what runs in production only.
COPY pyproject.toml requirements.lock ./
RUN /uv/bin/uv venv /venv && \
    VIRTUAL_ENV=/venv /uv/bin/uv pip install --no-cache -r pyproject.toml -c requirements.lock
COPY . .
RUN for each in translations/*/LC_MESSAGES/*.po; do \
        test ! -f "$each" || /venv/bin/python -m babel.messages.frontend -q compile -i "$each" -o "${each%.po}.mo"; \
    done && \
    /venv/bin/python -m compileall -q app && mkdir var

FROM python:3.12-slim-bookworm
RUN groupadd --gid 1001 workflow && useradd --uid 1001 --gid 1001 --no-create-home --home-dir /tmp workflow
COPY --from=build /venv /venv
COPY --from=build /app /app
# All that may be written: figures of the web processes and, in demo mode, its secret.
COPY --from=build --chown=1001:1001 /app/var /app/var
ENV PATH=/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PROMETHEUS_MULTIPROC_DIR=/tmp/metrics
WORKDIR /app
USER 1001:1001
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ.get('PORT', '8080') + '/health/ready', timeout=4)"]
ENTRYPOINT ["python", "-m", "app.cli"]
CMD ["web"]
