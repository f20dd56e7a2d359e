# The image of Cleave: `cleave` and the shop's programs, with PostgreSQL and RabbitMQ beside them.
#
#   docker build -t cleave .                      compiles the programs
#   docker build -t cleave --target prebuilt DIR  takes them from DIR/programs; DIR needs deploy/image too
#
# Both need BuildKit, which is the default since Docker 23 and `DOCKER_BUILDKIT=1` before.

ARG DEBIAN=debian:bookworm-slim
ARG RUST=rust:1.95-bookworm
# The stage below, or an image that has its packages.
ARG SERVERS=servers

FROM ${DEBIAN} AS servers
# No cluster and no service is set up: `cleave` starts servers of its own.
RUN mkdir -p /etc/postgresql-common \
    && echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf \
    && printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d \
    && apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libnss-wrapper postgresql rabbitmq-server tini \
    && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log

FROM ${SERVERS} AS base
LABEL org.opencontainers.image.title="Cleave" \
      org.opencontainers.image.description="One shop as a monolith and as microservices, under the same load" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
# Runs and state go into .cleave in the working folder below; mount a folder there to keep them.
RUN useradd --uid 10001 --user-group --create-home --shell /usr/sbin/nologin cleave \
    && install -d -o cleave -g cleave -m 1777 /work
COPY --chmod=755 deploy/image/entrypoint /usr/local/bin/cleave-entrypoint
WORKDIR /work
# The page listens on the container's interface. It accepts only the address that is published on the host.
ENV LANG=C.UTF-8 \
    DASHBOARD_LISTEN=0.0.0.0 \
    DASHBOARD_PORT=8080 \
    DASHBOARD_PUBLIC_ADDRESS=127.0.0.1:8080
EXPOSE 8080
USER 10001:10001
STOPSIGNAL SIGTERM
# For `dashboard` and `up`; a command that ends by itself needs none.
HEALTHCHECK --interval=10s --timeout=5s --start-period=5m --retries=3 CMD ["cleave", "health"]
ENTRYPOINT ["tini", "--", "cleave-entrypoint"]
CMD ["dashboard"]

FROM base AS prebuilt
COPY programs/ /usr/local/bin/

FROM ${RUST} AS build
WORKDIR /src
COPY . .
# The caches keep the registry and the compiled dependencies between builds.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --workspace --bins \
    && mkdir /programs \
    && cd target/release \
    && cp cleave cleave-models monolith gateway registry *-service /programs \
    && strip /programs/*

FROM base AS cleave
COPY --from=build /programs/ /usr/local/bin/
