# The daemon and the verifier in one image, with production dependencies alone. No build step: Node runs the sources.
#   docker build -t rowseal --build-arg COMMIT=$(git rev-parse HEAD) .
#   docker run --rm rowseal --help
FROM node:24-slim

WORKDIR /opt/rowseal
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund && npm cache clean --force
COPY src ./src
COPY sql ./sql
COPY config.example.yaml LICENSE ./
# What rowseal --version, and each verdict, says of itself.
ARG COMMIT=
RUN test -z "$COMMIT" || printf '{"commit":"%s"}\n' "$COMMIT" > src/build.json

# Configuration and keys are mounted read-only at /etc/rowseal; trails of a file store and the spool lie in /var/lib/rowseal.
RUN install -d -o node -g node -m 0700 /var/lib/rowseal
USER node
WORKDIR /var/lib/rowseal

ENV NODE_ENV=production
# /metrics and /healthz, where metrics.listen says 0.0.0.0:9464
EXPOSE 9464
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "/opt/rowseal/src/main.ts"]
CMD ["--help"]
