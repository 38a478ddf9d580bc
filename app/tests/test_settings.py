"""Wrong settings end each process at its start, with every fault and no secret."""

import pytest

COMMANDS = {
    "web": ["python", "-m", "sms.serve"],
    "worker": ["celery", "--app", "sms.celery", "worker"],
    "beat": ["celery", "--app", "sms.celery", "beat"],
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_every_fault_is_reported_at_once_and_no_secret(stack, command):
    process = stack.start(
        *command,
        ENV="Production",
        REDIS_URL="http://:s3cret@host",
        MONGO_URL="mongodb://sms:s3cret/with/slash@host/sms",
        LOG_DIR="/nonexistent",
        ALIYUN_ACCESS_KEY_SECRET="",
        SEND_LEASE_SECONDS="2",
        WEB_THREADS="many",
        PURGE_SCHEDULE="daily",
        WORKER_QUEUES="sms, emails",
    )
    assert process.wait(15) == 78
    faults = process.output().splitlines()
    assert [fault.split(":")[0].strip() for fault in faults[1:]] == [
        "ENV",
        "REDIS_URL",
        "MONGO_URL",
        "LOG_DIR",
        "ALIYUN_ACCESS_KEY_SECRET",
        "PURGE_SCHEDULE",
        "SEND_LEASE_SECONDS",
        "WEB_THREADS",
        "WORKER_QUEUES",
    ]
    assert faults[1] == "  ENV: is not a name of lower-case letters, digits and -, 63 characters at most"
    assert faults[9] == "  WORKER_QUEUES: Input should be 'sms' or 'sms-maintenance'"
    assert "s3cret" not in process.output()
    assert "Traceback" not in process.output()


def refused(stack, **environment) -> str:
    process = stack.start("python", "-c", "from sms.settings import settings; print(settings())", **environment)
    code = process.wait(10)
    assert code in (0, 78)
    return process.output() if code else ""


@pytest.mark.parametrize("name", ["online", "live-eu", "7", "a" * 63])
def test_an_environment_may_have_any_name_that_a_host_may_have(stack, name):
    assert refused(stack, ENV=name) == ""


def test_the_required_ones_are_env_and_the_two_urls(stack):
    output = refused(stack, ENV="", REDIS_URL="", MONGO_URL="")
    assert output.splitlines()[1:] == [
        "  ENV: Field required",
        "  REDIS_URL: Field required",
        "  MONGO_URL: Field required",
    ]


def test_zero_is_a_value_and_empty_is_not(stack):
    process = stack.start(
        "python",
        "-c",
        "from sms.settings import settings as s; print(s().message_retention_days, s().send_retry_max_seconds)",
        MESSAGE_RETENTION_DAYS="0",
        SEND_RETRY_MAX_SECONDS="",
    )
    process.wait(10)
    assert process.output() == "0 600\n"


def test_the_visibility_timeout_outlasts_the_longest_task(stack):
    longest = {"SEND_RETRY_MAX_SECONDS": "100", "SEND_LEASE_SECONDS": "20"}
    assert "VISIBILITY_TIMEOUT_SECONDS: must be more than" in refused(
        stack, VISIBILITY_TIMEOUT_SECONDS="120", **longest
    )
    assert refused(stack, VISIBILITY_TIMEOUT_SECONDS="121", **longest) == ""


@pytest.mark.parametrize("url", ["rediss://default:p%40ss@host:6380/1", "redis://host"])
def test_redis_urls_may_have_tls_and_no_password(stack, url):
    assert refused(stack, REDIS_URL=url) == ""


def test_the_brokers_certificate_is_checked(stack):
    process = stack.start(
        "python", "-c", "from sms.celery import app; print(app.connection().ssl)", REDIS_URL="rediss://:password@host"
    )
    process.wait(10)
    assert process.output() == "{'ssl_cert_reqs': <VerifyMode.CERT_REQUIRED: 2>}\n"


@pytest.mark.parametrize("url", ["redis://host/zero", "redis://host:port", "unix:///socket", "host:6379"])
def test_other_redis_urls_are_refused(stack, url):
    assert "REDIS_URL: is not redis://" in refused(stack, REDIS_URL=url)


def test_settings_show_no_password_when_printed(stack):
    process = stack.start(
        "python", "-c", "from sms.settings import settings; print(settings())", REDIS_URL="redis://:s3cret@host"
    )
    assert process.wait(10) == 0
    assert "s3cret" not in process.output()
    assert "key-secret" not in process.output()


def test_a_store_that_the_dns_names_is_taken_without_asking_the_dns(stack):
    assert refused(stack, MONGO_URL="mongodb+srv://sms:p%40ss@mongo.nowhere.example/sms?srvMaxHosts=3") == ""


@pytest.mark.parametrize(
    "url",
    [
        "mongodb+srv://sms:s3cret@mongo.nowhere.example:27017/sms",
        "mongodb+srv://sms:s3cret@m-1.nowhere.example,m-2.nowhere.example/sms",
        "mongodb+srv://sms:s3cret/with/slash@mongo.nowhere.example/sms",
        "mongodb+srv:s3cret",
        "https://sms:s3cret@mongo.nowhere.example/sms",
    ],
)
def test_a_store_that_the_dns_names_has_one_host_and_no_port(stack, url):
    output = refused(stack, MONGO_URL=url)
    assert "MONGO_URL: is not mongodb://" in output
    assert "s3cret" not in output
