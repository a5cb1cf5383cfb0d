# syntax=docker/dockerfile:1
# Two images: `lite`, which is built unless another is named, and `gpu` (open_clip, the lychee judge, faiss-gpu).
# Neither needs to write anywhere but to /data and /tmp, and neither holds a secret or a model from a hub.
ARG PYTHON_IMAGE=python:3.11.14-slim-bookworm

FROM ${PYTHON_IMAGE} AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv /opt/lychee
ENV PATH=/opt/lychee/bin:$PATH
WORKDIR /src
COPY requirements.lock ./
RUN pip install -r requirements.lock "psycopg[binary]==3.3.9"

FROM packages AS packages-gpu
COPY deploy/gpu.lock ./
# faiss-gpu brings the same Python package as faiss-cpu: one of the two must go first.
RUN pip uninstall --yes faiss-cpu \
  && pip install -c requirements.lock -r gpu.lock

FROM packages AS wheel
RUN pip install setuptools==84.2.1
COPY pyproject.toml README.md LICENSE NOTICE lychee.py ./
COPY api api
COPY core core
COPY indexer indexer
COPY rerank rerank
COPY search search
COPY web web
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels .

FROM packages AS installed
RUN --mount=type=bind,from=wheel,source=/wheels,target=/wheels pip install --no-deps /wheels/*.whl

FROM packages-gpu AS installed-gpu
RUN --mount=type=bind,from=wheel,source=/wheels,target=/wheels pip install --no-deps /wheels/*.whl

FROM ${PYTHON_IMAGE} AS runtime
# A number, not a name: orchestrators that refuse root can't look into the image for who a name is.
RUN useradd --uid 10001 --user-group --no-log-init --home-dir /data --no-create-home lychee \
  && install --directory --owner=lychee --group=lychee /data
ENV PATH=/opt/lychee/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    LYCHEE_DATA=/data LYCHEE_HOST=0.0.0.0 LYCHEE_PORT=7860 HF_HOME=/data/hub
WORKDIR /opt
USER 10001:10001
VOLUME /data
EXPOSE 7860
STOPSIGNAL SIGTERM
# The first start with an open_clip encoder fetches its weights, which takes minutes.
HEALTHCHECK --interval=15s --timeout=10s --start-period=10m --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/readyz', timeout=9)"]
ENTRYPOINT ["lychee"]
CMD ["load"]

FROM runtime AS gpu
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=installed-gpu /opt/lychee /opt/lychee

FROM runtime AS lite
COPY --from=installed /opt/lychee /opt/lychee
