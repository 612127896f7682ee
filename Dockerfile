FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-venv && rm -rf /var/lib/apt/lists/*
WORKDIR /srv/gridpatrol
COPY requirements.lock pyproject.toml README.md alembic.ini setup.sh ./
COPY app app
COPY bench bench
COPY migrations migrations
RUN ./setup.sh
ENV PATH=/srv/gridpatrol/.venv/bin:$PATH GRIDPATROL_DATA=/var/lib/gridpatrol
VOLUME /var/lib/gridpatrol
EXPOSE 8000
CMD ["gridpatrol", "run", "--host", "0.0.0.0"]
