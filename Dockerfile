# The gateway as an image. The database is brought to its schema apart from serving, before the first start
# and after each new version: docker run --rm --volume secrets:/data IMAGE migrate
#
# Base images are named by tag, so that a rebuild takes up their security fixes. To get the same
# bytes again, pin digests in the pipeline that builds the image.

FROM node:20-slim AS graphiql
WORKDIR /source
COPY .ci/build-graphiql .ci/
COPY gateway/pages/npm gateway/pages/npm
RUN .ci/build-graphiql


FROM python:3.13-slim AS environment
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /source

COPY requirements-build.lock ./
RUN pip install --quiet --no-deps --require-hashes --requirement requirements-build.lock

COPY pyproject.toml README.md LICENSE ./
COPY gateway gateway
COPY schema schema
COPY --from=graphiql /source/gateway/pages/npm/assets gateway/pages/npm/assets
RUN pip wheel --quiet --no-index --no-build-isolation --no-deps --wheel-dir /wheel .

COPY requirements.lock ./
COPY .ci/install-wheel .ci/
RUN .ci/install-wheel python /opt/secrets-gateway /wheel/*.whl \
    && install --directory --owner=10001 --group=10001 --mode=0700 /data


FROM python:3.13-slim
LABEL org.opencontainers.image.title="Secrets Gateway" \
      org.opencontainers.image.description="A self-hosted GraphQL gateway over a secrets domain" \
      org.opencontainers.image.licenses="Apache-2.0"

COPY --from=environment /opt/secrets-gateway /opt/secrets-gateway
COPY --from=environment --chown=10001:10001 /data /data

# Nothing is written outside /data, so the image runs with a read-only root file system.
ENV PATH=/opt/secrets-gateway/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# The rule sees the word "secrets" in the product's name; the variable holds a path.
# hadolint ignore=DL3064
ENV SECRETS_GATEWAY_DATA_DIR=/data
VOLUME /data
WORKDIR /data
USER 10001:10001
EXPOSE 8080

# The empty proxy table keeps a configured proxy out of a call to ourselves.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 CMD ["python", "-c", \
    "from urllib.request import ProxyHandler, build_opener; build_opener(ProxyHandler({})).open('http://127.0.0.1:8080/livez', timeout=2)"]

ENTRYPOINT ["secrets-gateway"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8080"]
