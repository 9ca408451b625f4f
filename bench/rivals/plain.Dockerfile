# A rival for the benchmark: the plain multi-stage Dockerfile, one compilation per platform, in its fast form (cross
# compilers; under emulation it would take many times as long).
ARG RUST_IMAGE=rust:1.96-slim-trixie
ARG RUNTIME_IMAGE=debian:trixie-slim

FROM --platform=${BUILDPLATFORM} ${RUST_IMAGE} AS builder
WORKDIR /app
ARG TARGETPLATFORM
COPY <<TARGET /target.sh
case "\${TARGETPLATFORM}" in
  linux/amd64) packages='' target=x86_64-unknown-linux-gnu compiler=x86_64-linux-gnu ;;
  linux/arm64) packages='gcc-aarch64-linux-gnu libc6-dev-arm64-cross' target=aarch64-unknown-linux-gnu compiler=aarch64-linux-gnu ;;
  linux/arm/v7) packages='gcc-arm-linux-gnueabihf libc6-dev-armhf-cross' target=armv7-unknown-linux-gnueabihf compiler=arm-linux-gnueabihf ;;
esac
TARGET
RUN . /target.sh && apt-get update -qq && apt-get install -y -qq --no-install-recommends ${packages} gcc && rustup target add "${target}" \
 && printf '[target.%s]\nlinker = "%s-gcc"\n' "${target}" "${compiler}" > "${CARGO_HOME}/config.toml"
COPY . .
RUN . /target.sh && cargo build --release --locked --target "${target}" && cp -r "target/${target}/release" /out

FROM ${RUNTIME_IMAGE} AS backend
COPY --from=builder /out/backend /usr/local/bin/
ENTRYPOINT ["/usr/local/bin/backend"]
