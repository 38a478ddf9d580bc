"""What compose.yaml promises to someone who only wants the app."""

import json
import re

import pytest
import yaml
from service import APP

TEXT = (APP / "compose.yaml").read_text()
SERVICES = yaml.safe_load(TEXT)["services"]


def test_has_the_six_parts():
    assert list(SERVICES) == ["migrate", "web", "worker", "beat", "redis", "mongo"]


def test_migrates_once_before_anything_starts():
    assert SERVICES["migrate"]["restart"] == "no"
    waiting = [name for name, service in SERVICES.items() if "migrate" in service.get("depends_on", {})]
    assert waiting == ["web", "worker", "beat"]
    assert SERVICES["web"]["depends_on"] == {
        "redis": {"condition": "service_healthy"},
        "mongo": {"condition": "service_healthy"},
        "migrate": {"condition": "service_completed_successfully"},
    }


def test_is_reachable_from_this_machine_only():
    assert {name: service["ports"] for name, service in SERVICES.items() if "ports" in service} == {
        "web": ["127.0.0.1:8004:8004"]
    }


def test_has_no_password_and_no_token_of_its_own():
    uses = re.findall(r"\$\{(\w*PASSWORD|\w*TOKEN\w*)(.*?)\}", TEXT)
    assert {name for name, _ in uses} == {"REDIS_PASSWORD", "MONGO_PASSWORD", "SMS_TOKEN_SHA256"}
    assert all(rest.startswith(":?say ") for _, rest in uses)


def test_lets_one_client_in():
    environment = SERVICES["web"]["environment"]
    assert json.loads(environment["CLIENTS"].removeprefix("${CLIENTS:-").removesuffix("}")) == {"local": {}}
    tokens = re.sub(r"\$\{.*?\}", "hash", environment["CLIENT_TOKENS"])
    assert json.loads(tokens) == {"local": ["hash"]}


@pytest.mark.parametrize("name", ["web", "worker", "beat"])
def test_runs_the_app_with_as_little_as_it_needs(name):
    service = SERVICES[name]
    assert service["user"] == "10001:10001"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["stop_grace_period"] == "180s"
    assert service["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - {"migrate"}))
def test_watches_the_health_of_each(name):
    assert SERVICES[name]["healthcheck"]["test"]
