"""What is deployed fits the product: every setting is explained, containers are locked down, versions are pinned."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
ENV_LINES = (ROOT / ".env.example").read_text("utf-8").splitlines()
OFFERED = {
    match[1]: (at, match[2])
    for at, line in enumerate(ENV_LINES)
    if (match := re.match(r"#?([A-Z_]+)=(.*)", line))
}


def pins(file: str) -> dict[str, str]:
    """The pinned packages of a lock file."""
    lines = (ROOT / file).read_text("utf-8").splitlines()
    return dict(line.split("==") for line in lines if "==" in line)


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_in_the_example_with_its_default_and_why(name: str) -> None:
    at, value = OFFERED[f"LYCHEE_{name.upper()}"]

    default = Settings.model_fields[name].default
    assert value == (
        "" if default is None else str(default).lower() if isinstance(default, bool) else str(default)
    )
    assert ENV_LINES[at].startswith("#LYCHEE_")
    assert re.match(r"# \w", ENV_LINES[at - 1])


def test_the_example_offers_nothing_that_is_not_read() -> None:
    read_by_compose = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text("utf-8")))
    settings = {f"LYCHEE_{name.upper()}" for name in Settings.model_fields}

    assert set(OFFERED) - settings == (read_by_compose | {"COMPOSE_PROFILES"}) - settings
    assert OFFERED["COMPOSE_PROFILES"][1] in {
        each for service in SERVICES.values() for each in service["profiles"]
    }


def test_each_profile_has_one_server_and_what_it_needs() -> None:
    profiles = {
        profile: {name for name, service in SERVICES.items() if profile in service["profiles"]}
        for profile in ("default", "postgres", "gpu")
    }

    assert profiles == {
        "default": {"lychee"},
        "postgres": {"lychee-postgres", "database"},
        "gpu": {"lychee-gpu"},
    }


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_can_neither_become_root_nor_write_into_its_image(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert int(service["user"].partition(":")[0]) > 0
    assert "privileged" not in service


def test_only_the_server_is_reached_from_outside_and_from_this_machine_alone_unless_told_otherwise() -> None:
    published = {name: service.get("ports", []) for name, service in SERVICES.items()}

    assert published.pop("database") == []
    assert set(map(tuple, published.values())) == {("${LYCHEE_HOST:-127.0.0.1}:${LYCHEE_PORT:-7860}:7860",)}


def test_the_servers_keep_to_the_address_and_folder_that_the_image_is_made_for() -> None:
    for name in ("lychee", "lychee-postgres", "lychee-gpu"):
        inside = SERVICES[name]["environment"]
        for setting in ("LYCHEE_DATA", "LYCHEE_HOST", "LYCHEE_PORT"):
            assert f"{setting}={inside[setting]}" in DOCKERFILE
        assert f"{inside['LYCHEE_DATA']}" in [volume.split(":")[1] for volume in SERVICES[name]["volumes"]]


def test_a_card_is_reserved_for_the_large_models() -> None:
    (device,) = SERVICES["lychee-gpu"]["deploy"]["resources"]["reservations"]["devices"]

    assert (device["driver"], device["capabilities"]) == ("nvidia", ["gpu"])
    assert SERVICES["lychee-gpu"]["environment"]["LYCHEE_DEVICE"] == "cuda"


def test_no_secret_is_written_anywhere() -> None:
    assert SERVICES["database"]["environment"]["POSTGRES_PASSWORD"] == "${POSTGRES_PASSWORD:-}"
    assert all(not value for name, (_, value) in OFFERED.items() if name.endswith(("_KEY", "_PASSWORD")))


def test_the_image_runs_as_nobody_special_and_says_whether_it_is_well() -> None:
    assert re.search(r"^USER 10001:10001$", DOCKERFILE, re.MULTILINE)
    assert "/readyz" in DOCKERFILE[DOCKERFILE.index("HEALTHCHECK") :]
    assert re.findall(r"^FROM .* AS (\w[\w-]*)", DOCKERFILE, re.MULTILINE)[-1] == "lite"


def test_every_base_and_package_is_pinned() -> None:
    images = [service["image"] for service in SERVICES.values() if "build" not in service]
    bases = re.findall(r"^ARG PYTHON_IMAGE=(\S+)", DOCKERFILE, re.MULTILINE) + images

    assert all(re.search(r":\d+\.\d+(\.\d+)?-\w", base) for base in bases)
    assert pins("deploy/gpu.lock").keys() == {
        "accelerate", "bitsandbytes", "faiss-gpu", "open-clip-torch", "torch", "torchvision", "transformers",
    }  # fmt: skip
    assert pins("deploy/gpu.lock")["faiss-gpu"] == pins("requirements.lock")["faiss-cpu"]
    assert f"psycopg[binary]=={pins('requirements-dev.lock')['psycopg']}" in DOCKERFILE


def test_the_models_of_the_image_are_those_that_are_tested() -> None:
    tested = pins("requirements-models.txt")

    assert {name: tested[name] for name in pins("deploy/gpu.lock") if name in tested} == {
        name: pin for name, pin in pins("deploy/gpu.lock").items() if name != "faiss-gpu"
    }


def test_all_that_is_installed_is_copied_into_the_image() -> None:
    copied = set(re.findall(r"^COPY (\w+) \1$", DOCKERFILE, re.MULTILINE))
    let_in = set(re.findall(r"^!(\w+)/$", (ROOT / ".dockerignore").read_text("utf-8"), re.MULTILINE))
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]

    assert (
        {package.removesuffix("*") for package in setuptools["packages"]["find"]["include"]}
        == copied
        == let_in
    )
