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
LABEL org.opencontainers.image.title="torbox-bridge" \
      org.opencontainers.image.description="Looks like qBittorrent to Sonarr, Radarr and their kin; downloads with TorBox." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}"

# Numbers, not names: `user:` in compose may be any user, so nothing may rely on /etc/passwd.
ARG UID=1000
ARG GID=1000
RUN install -d -o ${UID} -g ${GID} /config /downloads

COPY --from=builder /opt/venv /opt/venv

ENV PATH=/opt/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    BRIDGE_PATHS__DATABASE=/config/bridge.db \
    BRIDGE_PATHS__DOWNLOADS=/downloads

USER ${UID}:${GID}
WORKDIR /config
VOLUME /config
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=20s --retries=3 CMD ["torbox-bridge", "health"]

ENTRYPOINT ["torbox-bridge"]
CMD ["run"]
