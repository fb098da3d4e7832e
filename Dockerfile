# docker build -t smtpdoctor . && docker run --rm --env-file .env smtpdoctor check
FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY presets presets
COPY smtpdoctor smtpdoctor
RUN python -m venv /opt/smtpdoctor \
    && /opt/smtpdoctor/bin/pip install --no-cache-dir --disable-pip-version-check . \
    && /opt/smtpdoctor/bin/python -m pip uninstall -q -y pip

FROM python:3.13-slim
LABEL org.opencontainers.image.title="smtpdoctor" \
      org.opencontainers.image.description="Finds out why an application cannot send mail through an SMTP provider" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.source="https://github.com/smtpdoctor/smtpdoctor"
COPY --from=build /opt/smtpdoctor /opt/smtpdoctor
ENV PATH=/opt/smtpdoctor/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    XDG_CONFIG_HOME=/config
# A number, so that Kubernetes can see that it is not root; nothing is ever written.
USER 10001:10001
WORKDIR /work
ENTRYPOINT ["smtpdoctor"]
CMD ["check"]
