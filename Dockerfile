# Anju in a container: locked dependencies, no build tools, no root, Python as process 1.
# Another mirror or version: docker build --build-arg PYTHON=… .
ARG PYTHON=python:3.13-slim-bookworm

FROM ${PYTHON} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
WORKDIR /src
COPY requirements.lock requirements-build.lock ./
RUN python -m venv /opt/anju \
 && /opt/anju/bin/pip install --require-hashes -r requirements.lock
RUN python -m venv /opt/tools \
 && /opt/tools/bin/pip install --require-hashes -r requirements-build.lock
COPY . .
RUN /opt/tools/bin/python -m hatchling build -t wheel -d /dist \
 && /opt/anju/bin/pip install --no-deps --no-index /dist/*.whl \
 && /opt/anju/bin/anju --help >/dev/null

FROM ${PYTHON}
RUN groupadd --gid 10001 anju \
 && useradd --uid 10001 --gid anju --no-create-home --home-dir /var/lib/anju \
    --shell /usr/sbin/nologin anju \
 && install -d -o anju -g anju -m 750 /var/lib/anju \
 # Mosquitto's image runs as 1883; a new volume takes owner and mode from here.
 && install -d -o 1883 -g 1883 -m 750 /mosquitto/accounts
COPY --from=build /opt/anju /opt/anju
COPY scripts/mqtt_accounts.py /opt/anju/share/mqtt_accounts.py
ENV PATH=/opt/anju/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ANJU_HTTP_HOST=0.0.0.0 \
    ANJU_HTTP_PORT=8000
WORKDIR /var/lib/anju
USER 10001:10001
EXPOSE 8000
# Ready means that database, broker and loops really work, so this says more than an open port.
HEALTHCHECK --interval=15s --timeout=6s --start-period=40s --retries=3 CMD ["python", "-c", \
    "import os, urllib.request as u; u.build_opener(u.ProxyHandler({})).open('http://127.0.0.1:' + os.environ['ANJU_HTTP_PORT'] + '/health/ready', timeout=5)"]
# Exec form: SIGTERM reaches Anju itself, which lets attempts under way end and leaves with the
# broker what is not stored.
ENTRYPOINT ["anju"]
CMD ["serve"]
