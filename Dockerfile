# The three images: docker build --target model-server|api|operator .
#
# The final stages hold Node's binary, production dependencies and sources, which Node runs as they are; they
# start from an image without Node, so that neither npm nor a shell script of its comes along. No instruction
# needs BuildKit. What is in the images does not depend on when they are built: only their creation date differs.
#
# Build arguments:
#   NODE_IMAGE     with node and npm; used while building, and the source of the node binary
#   RUNTIME_IMAGE  what the images start from: glibc and libstdc++. VARIANT=cuda needs one with the CUDA runtime and
#                  cuBLAS of CUDA 13 or 12, VARIANT=rocm a Debian with ROCm 6.4 in it
#   VARIANT        cpu, cuda, rocm or vulkan: the engine binaries in model-server
#   CUDA_CAPABILITIES  such as "75 80 86 89 90 100 120": the CUDA library is built with machine code for these, instead of
#                  taking the prebuilt one, which there is for amd64 alone; CUDA_BUILD_IMAGE is then CUDA's compiler, of the same CUDA as RUNTIME_IMAGE
#   ROCM_DEVICES   such as "gfx1100 gfx90a": what VARIANT=rocm, which is for amd64 and always built, has machine code for;
#                  ROCM_BUILD_IMAGE is then the same as RUNTIME_IMAGE
#   VERSION REVISION SOURCE   for the OCI labels
ARG NODE_IMAGE=node:24.21.0-bookworm-slim
ARG RUNTIME_IMAGE=debian:bookworm-slim
ARG CUDA_BUILD_IMAGE=${NODE_IMAGE}
ARG ROCM_BUILD_IMAGE=${NODE_IMAGE}

# The manifests alone: their layers, and with them npm's, outlive changes of the sources.
FROM ${NODE_IMAGE} AS manifests
WORKDIR /app
COPY . .
RUN find packages services -type f ! -name package.json -delete && find . -type d -empty -delete

FROM ${NODE_IMAGE} AS sources
WORKDIR /app
COPY . .
RUN find . -exec touch --no-dereference --date=@0 {} + && chmod -R a+rX,go-w .

FROM ${RUNTIME_IMAGE} AS runtime
COPY --from=manifests /usr/local/bin/node /usr/local/bin/node
WORKDIR /app
# Any numeric user may run it, on a read-only file system. A HOME that exists for all of them, and is where pods have
# their writable folder, is where compiled code is kept between starts of a container.
ENV NODE_ENV=production HOME=/tmp
USER 10001:10001
# The heaps of packages/service/process/heap.ts.
ENTRYPOINT ["node", "--max-semi-space-size=2", "--max-old-space-size=2048"]

FROM ${NODE_IMAGE} AS api-modules
WORKDIR /app
COPY --from=manifests /app ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund --workspace services/api \
 && sh scripts/shrink-modules.sh api

FROM runtime AS api
COPY --from=api-modules /app ./
COPY --from=sources /app/LICENSE ./
COPY --from=sources /app/packages packages
COPY --from=sources /app/services/api services/api
ENTRYPOINT ["node", "--max-semi-space-size=8", "--max-old-space-size=2048"]
CMD ["services/api/main.ts"]
ARG VERSION=0.0.0
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="LocalModel API" \
  org.opencontainers.image.description="One OpenAI endpoint for all models of a cluster" \
  org.opencontainers.image.licenses=Apache-2.0 org.opencontainers.image.version=$VERSION \
  org.opencontainers.image.revision=$REVISION org.opencontainers.image.source=$SOURCE

FROM ${NODE_IMAGE} AS operator-modules
WORKDIR /app
COPY --from=manifests /app ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund --workspace services/operator \
 && sh scripts/shrink-modules.sh operator

FROM runtime AS operator
COPY --from=operator-modules /app ./
COPY --from=sources /app/LICENSE ./
COPY --from=sources /app/packages packages
COPY --from=sources /app/services/operator services/operator
ENV MALLOC_ARENA_MAX=1
ENTRYPOINT ["node", "--max-semi-space-size=8", "--max-old-space-size=512", "--v8-pool-size=1"]
CMD ["services/operator/main.ts"]
ARG VERSION=0.0.0
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="LocalModel operator" \
  org.opencontainers.image.description="Turns LocalModels into pods, and reports on them" \
  org.opencontainers.image.licenses=Apache-2.0 org.opencontainers.image.version=$VERSION \
  org.opencontainers.image.revision=$REVISION org.opencontainers.image.source=$SOURCE

# libmtmd, which looks at pictures, from the source that node-llama-cpp brings: one for all variants.
FROM ${NODE_IMAGE} AS vision
RUN apt-get update && apt-get install --yes --no-install-recommends g++ git \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY --from=manifests /app ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund --workspace packages/llama \
 && sh scripts/build-vision.sh \
 && find node_modules/.cache/libmtmd -exec touch --no-dereference --date=@0 {} + && chmod -R a+rX,go-w node_modules/.cache

# What computes on NVIDIA's devices, where it is to be built: an empty folder otherwise.
FROM ${CUDA_BUILD_IMAGE} AS cuda-library
ARG CUDA_CAPABILITIES=
WORKDIR /app
COPY scripts/build-cuda.sh scripts/device-library.sh scripts/
COPY --from=vision /app/node_modules/node-llama-cpp/llama/gitRelease.bundle node_modules/node-llama-cpp/llama/
RUN mkdir /cuda && if [ -n "$CUDA_CAPABILITIES" ]; then apt-get update \
 && apt-get install --yes --no-install-recommends cmake g++ git ninja-build \
 && rm -rf /var/lib/apt/lists/* \
 && sh scripts/build-cuda.sh /cuda $CUDA_CAPABILITIES \
 && touch --date=@0 /cuda/libggml-cuda.so; fi

# The same for AMD's devices.
FROM ${ROCM_BUILD_IMAGE} AS rocm-library
ARG ROCM_DEVICES=
WORKDIR /app
COPY scripts/build-rocm.sh scripts/device-library.sh scripts/
COPY --from=vision /app/node_modules/node-llama-cpp/llama/gitRelease.bundle node_modules/node-llama-cpp/llama/
RUN mkdir /rocm && if [ -n "$ROCM_DEVICES" ]; then apt-get update \
 && apt-get install --yes --no-install-recommends cmake g++ git hipcc libhipblas-dev librocblas-dev ninja-build \
 && rm -rf /var/lib/apt/lists/* \
 && sh scripts/build-rocm.sh /rocm $ROCM_DEVICES \
 && touch --date=@0 /rocm/libggml-hip.so; fi

FROM ${NODE_IMAGE} AS model-server-modules
ARG VARIANT=cpu
WORKDIR /app
COPY --from=manifests /app ./
COPY --from=cuda-library /cuda /cuda
COPY --from=rocm-library /rocm /rocm
# Scripts would look for a compiler; the packages of the platforms carry what they would make. Without the bundle
# of llama.cpp's sources there is nothing to compile from at run time either.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund --workspace services/model-server \
 && arch=$(node --print process.arch) && cd node_modules/@node-llama-cpp \
 && case $VARIANT in cpu) keep="linux-$arch" ;; \
      cuda) keep="linux-$arch linux-$arch-cuda linux-$arch-cuda-ext"; \
        [ -d linux-$arch-cuda ] || sh /app/scripts/gpu-package.sh . $arch cuda /cuda/libggml-cuda.so || exit 1; \
        if [ -f /cuda/libggml-cuda.so ]; then keep="linux-$arch linux-$arch-cuda" \
          && cp -p /cuda/libggml-cuda.so linux-$arch-cuda/bins/linux-$arch-cuda/; fi ;; \
      rocm) keep="linux-$arch linux-$arch-rocm"; \
        sh /app/scripts/gpu-package.sh . $arch rocm /rocm/libggml-hip.so || exit 1 ;; \
      vulkan) keep="linux-$arch linux-$arch-vulkan" ;; \
      *) echo "VARIANT is cpu, cuda, rocm or vulkan, not $VARIANT" >&2; exit 1 ;; esac \
 && mkdir ../kept && mv $keep ../kept/ && cd /app/node_modules && rm -r @node-llama-cpp && mv kept @node-llama-cpp \
 && rm node-llama-cpp/llama/gitRelease.bundle \
 && cd /app && sh scripts/shrink-modules.sh model-server

FROM runtime AS model-server
ARG VARIANT=cpu
# The loader and the drivers of Mesa, for AMD and Intel, or what ROCm has outside the kernel; NVIDIA's container toolkit brings
# NVIDIA's.
USER 0
RUN case $VARIANT in vulkan) needed="libvulkan1 mesa-vulkan-drivers" ;; \
      rocm) needed="libamdhip64-6 libhipblas2 librocblas4" ;; *) needed= ;; esac \
 && if [ -n "$needed" ]; then apt-get update \
 && apt-get install --yes --no-install-recommends $needed \
 && rm -rf /var/lib/apt/lists/*; fi
USER 10001:10001
COPY --from=model-server-modules /app ./
COPY --from=vision /app/node_modules/.cache/libmtmd node_modules/.cache/libmtmd
COPY --from=sources /app/LICENSE ./
COPY --from=sources /app/packages packages
COPY --from=sources /app/services/model-server services/model-server
CMD ["services/model-server/main.ts"]
ARG VERSION=0.0.0
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="LocalModel model server" \
  org.opencontainers.image.description="One model behind OpenAI's HTTP interface" \
  org.opencontainers.image.licenses=Apache-2.0 org.opencontainers.image.version=$VERSION \
  org.opencontainers.image.revision=$REVISION org.opencontainers.image.source=$SOURCE
