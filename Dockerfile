# The service in an image of its own: `make image`, or `docker build --tag shopify-warmer .`
#
# Nothing of the simulator is in it, nothing runs as root, and the root file system may be read-only: only /data is written.
# Both images are named by their full version. To pin their very bytes, give the digest that you have checked:
#   docker build --build-arg BUILD_IMAGE=docker.io/library/rust@sha256:… --build-arg RUNTIME_IMAGE=docker.io/library/debian@sha256:… .

ARG BUILD_IMAGE=docker.io/library/rust:1.95.0-slim-bookworm
ARG RUNTIME_IMAGE=docker.io/library/debian:12.12-slim

FROM ${BUILD_IMAGE} AS build
WORKDIR /build
COPY . .
# The toolchain is the image's; `.dockerignore` leaves rust-toolchain.toml out, which would fetch clippy and rustfmt too.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/build/target,sharing=locked \
    cargo build --locked --no-default-features --profile dist --bin shopify-warmer \
    && install -D -m 0755 target/dist/shopify-warmer /out/shopify-warmer \
    && install -d -m 0700 /out/data

FROM ${RUNTIME_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="shopify-warmer" \
      org.opencontainers.image.description="Keeps a cache of Shopify orders and tracking warm" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# What Shopify's certificate is checked against.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/shopify-warmer /usr/local/bin/shopify-warmer
COPY --from=build --chown=10001:10001 /out/data /data
ENV DATA_DIR=/data \
    LISTEN_ADDR=0.0.0.0:8080
# A number, so that an orchestrator can see that it is not root's.
USER 10001:10001
WORKDIR /data
VOLUME ["/data"]
EXPOSE 8080
STOPSIGNAL SIGTERM
# There is no curl in the image: the program asks itself. Buildah and Podman keep this only with `--format docker`.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["/usr/local/bin/shopify-warmer", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/shopify-warmer"]
CMD ["serve"]
