# Any Linux image with python3 (3.11-3.14) and its venv module will do, also one whose Python
# belongs to the distribution: everything is installed into a virtual environment.
ARG PYTHON_IMAGE=python:3.13-slim


FROM ${PYTHON_IMAGE} AS builder

WORKDIR /build
RUN python3 -m venv tools && python3 -m venv --without-pip /opt/venv

# The dependencies have a layer of their own: it changes only with the lock file.
COPY requirements.lock ./
RUN tools/bin/pip wheel --no-cache-dir --only-binary=:all: --require-hashes \
    --wheel-dir wheels --requirement requirements.lock

COPY pyproject.toml README.md LICENSE ./
COPY bridge ./bridge
RUN tools/bin/pip wheel --no-cache-dir --no-deps --wheel-dir wheels .

# From the wheels alone: a lock file that does not fit pyproject.toml fails here.
RUN tools/bin/pip --python /opt/venv/bin/python3 install --no-cache-dir \
    --no-index --find-links wheels torbox-bridge


FROM ${PYTHON_IMAGE} AS runtime

ARG PYTHON_IMAGE
ARG VERSION=dev
ARG REVISION=unknown
ARG SOURCE=https://github.com/torbox-bridge/torbox-bridge
LABEL org.opencontainers.image.title="torbox-bridge" \
      org.opencontainers.image.description="Looks like qBittorrent to Sonarr, Radarr and other clients; downloads with TorBox." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.url="${SOURCE}" \
      org.opencontainers.image.documentation="${SOURCE}#readme" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}"

# The user of a container that is started with `user:` and has no PUID.
RUN install -d -o 1000 -g 1000 /config /downloads

COPY --from=builder /opt/venv /opt/venv
# Before /opt/venv/bin in PATH: `docker exec ... torbox-bridge` changes to the right user too.
COPY --chmod=755 deploy/image/entrypoint.sh /usr/local/bin/torbox-bridge

ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/venv/bin \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    BRIDGE_PATHS__DATABASE=/config/bridge.db \
    BRIDGE_PATHS__DOWNLOADS=/downloads

# No USER: the entrypoint changes from root to PUID:PGID, and `user:` in compose works as well.
WORKDIR /config
VOLUME /config
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=20s --retries=3 CMD ["torbox-bridge", "health"]

ENTRYPOINT ["torbox-bridge"]
CMD ["run"]
