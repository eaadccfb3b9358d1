# One image for the uploader, the workers and the one-off commands.
FROM python:3.11-slim AS build
RUN pip install --no-cache-dir "uv>=0.9"
WORKDIR /app
COPY pyproject.toml uv.lock README.md ./
COPY streamapp streamapp
COPY connectors connectors
RUN uv sync --frozen --no-dev --no-editable --compile-bytecode

FROM python:3.11-slim
RUN useradd --create-home --uid 10001 streamapp && mkdir /data && chown streamapp /data
COPY --from=build /app/.venv /app/.venv
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 DATA_DIR=/data
USER streamapp
WORKDIR /data
VOLUME /data
STOPSIGNAL SIGTERM
ENTRYPOINT ["streamapp"]
CMD ["--help"]
