# One stage: setup.sh installs Debian's PostGIS, then the locked packages that run (no test's), each by its hash.
FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-venv && rm -rf /var/lib/apt/lists/*
WORKDIR /srv/gridpatrol
COPY requirements.lock requirements-setup.lock pyproject.toml README.md alembic.ini setup.sh ./
COPY app app
COPY bench bench
COPY migrations migrations
RUN ./setup.sh && rm -rf /var/lib/apt/lists/* /root/.cache && .venv/bin/python -m compileall -q app bench migrations
# Nobody but root may change the program; what it keeps is its own user's. PostgreSQL runs as the same user.
RUN useradd --system --uid 10001 --home-dir /var/lib/gridpatrol --shell /usr/sbin/nologin gridpatrol \
  && install -d -o gridpatrol -g gridpatrol -m 0700 /var/lib/gridpatrol
ENV PATH=/srv/gridpatrol/.venv/bin:$PATH GRIDPATROL_DATA=/var/lib/gridpatrol PYTHONDONTWRITEBYTECODE=1
USER gridpatrol
VOLUME /var/lib/gridpatrol
EXPOSE 8000
CMD ["gridpatrol", "run", "--host", "0.0.0.0"]
