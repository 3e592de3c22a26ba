"""What the parts are known by: secret, kept, and understood by Prefect as it is meant."""

import shlex
import stat
import subprocess
import sys

import httpx
import pytest
from prefect.settings import Settings

from deployments.laptop import credentials
from deployments.laptop.environment import Laptop
from deployments.laptop.parts import (
    AWS,
    PARTS,
    SERVER,
    aws_command,
    failsafe_command,
    own_variables,
    server_command,
)
from deployments.laptop.processes import StackError, Started, birth, recall, remember
from deployments.laptop.sign_in import SignedIn
from deployments.laptop.starting import facts_of


@pytest.fixture
def laptop(tmp_path):
    return Laptop(state=tmp_path, aws_port=4567, prefect_port=4201, time_scale=60.0, time_epoch=1e9)


@pytest.fixture
def made(laptop):
    credentials.make(laptop.credentials, running=False, say=print)
    return laptop


def kept(laptop):
    return [credentials.kept(laptop.credentials, name) for name in ("prefect", "aws")]


def test_they_are_random_and_for_their_owners_eyes(made, tmp_path):
    prefect, aws = kept(made)
    assert prefect.startswith("sluice:")
    assert len(prefect) > 40
    assert len(aws) >= 40
    for path in made.credentials.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.credentials.stat().st_mode) == 0o700
    credentials.make(tmp_path / "other", running=False, say=print)
    assert credentials.kept(tmp_path / "other", "prefect") != prefect
    assert credentials.kept(tmp_path / "other", "aws") != aws


def test_they_stay_and_are_closed_again(made):
    before = kept(made)
    made.sign_in.chmod(0o644)
    credentials.make(made.credentials, running=True, say=print)
    assert kept(made) == before
    assert stat.S_IMODE(made.sign_in.stat().st_mode) == 0o600


def test_a_person_may_choose_her_own(made, monkeypatch):
    aws = kept(made)[1]
    monkeypatch.setenv("SLUICE_PREFECT_AUTH", "ann:her")
    credentials.make(made.credentials, running=False, say=print)
    assert kept(made) == ["ann:her", aws]
    assert "SLUICE_PREFECT_AUTH" not in made.environment()
    monkeypatch.setenv("SLUICE_PREFECT_AUTH", "ann:another")
    said: list[str] = []
    credentials.make(made.credentials, running=True, say=said.append)
    assert kept(made)[0] == "ann:her"
    assert "SLUICE_PREFECT_AUTH" in said[0]
    assert "ann:" not in said[0]


@pytest.mark.parametrize("wish", ["ann", "ann:", ":x", "ann:a b", "ann:ä", "ann:a\nb"])
def test_one_that_cannot_be_is_refused_and_not_repeated(laptop, monkeypatch, wish):
    monkeypatch.setenv("SLUICE_PREFECT_AUTH", wish)
    with pytest.raises(StackError, match=r"SLUICE_PREFECT_AUTH.*Next: ") as refused:
        credentials.make(laptop.credentials, running=False, say=print)
    assert wish not in str(refused.value).replace("user:password", "")


def test_every_process_may_call_and_the_server_alone_judges(made):
    prefect, aws = kept(made)
    environment = made.environment()
    assert environment["PREFECT_API_AUTH_STRING"] == prefect
    assert environment["AWS_SECRET_ACCESS_KEY"] == aws
    assert "PREFECT_SERVER_API_AUTH_STRING" not in environment
    assert own_variables(made, AWS)["EMBEDDED_AWS_SECRET"] == aws
    assert all(own_variables(made, name) == {} for name in set(PARTS) - {AWS, SERVER})


def test_serving_programs_begin_behind_the_entry_point_that_compares(made):
    words = shlex.split(own_variables(made, AWS)["EMBEDDED_AWS_HOSTING_ENTRYPOINT"])
    ran = subprocess.run([*words, sys.executable, "-c", "print(1)"], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (0, "1\n"), ran.stderr
    refused = {"SLUICE_MODEL_FILES_SHA256": "0" * 64, "SM_MODEL_DIR": str(made.state)}
    ran = subprocess.run(
        [*words, sys.executable, "-c", "print(1)"], env=refused, capture_output=True, text=True
    )
    assert ran.returncode
    assert "not what was released" in ran.stdout


def test_prefect_understands_what_it_is_told(made, monkeypatch):
    for name, value in {**made.variables(), **own_variables(made, SERVER)}.items():
        if name.startswith("PREFECT_"):
            monkeypatch.setenv(name, value)
    settings = Settings()
    secret = kept(made)[0]
    assert settings.server.api.auth_string.get_secret_value() == secret
    assert settings.api.auth_string.get_secret_value() == secret
    assert settings.server.api.csrf_protection_enabled is True
    assert settings.client.csrf_support_enabled is True
    assert settings.server.api.cors_allowed_origins.split(",") == [
        "http://127.0.0.1:4201",
        "http://localhost:4201",
    ]
    assert secret not in repr(settings)


def test_no_command_line_and_no_record_bears_one(made):
    commands = (*aws_command(made, 1.0), *server_command(made), *failsafe_command("queue"))
    record = repr(facts_of(made, complete=True))
    for secret in kept(made):
        assert secret not in " ".join(commands)
        assert secret not in record


def test_the_sign_in_is_told_by_its_place(made):
    line = (sys.executable, "-m", "deployments.laptop", "status")
    environment = {**made.environment(), "SLUICE_STATE": str(made.state)}
    process = Started("worker", made.state.stat().st_ino, "1")
    remember(made.record, [process], facts_of(made, complete=True))
    done = subprocess.run(line, env=environment, capture_output=True, text=True)
    for secret in kept(made):
        assert secret not in done.stdout + done.stderr
    assert recall(made.record)[0] == [process]
    assert birth(process.pid) != process.born


class Server:
    """Prefect's API, as far as signing in goes; a token is good for ``uses`` requests."""

    def __init__(self, uses: int) -> None:
        self.uses, self.left, self.token, self.done = uses, 0, 0, []

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.headers.get("Authorization") != "Basic YW5uOmhlcg==":
            return httpx.Response(401)
        if request.url.path == "/api/csrf-token":
            self.token, self.left, self.client = self.token + 1, self.uses, request.url.query
            return httpx.Response(200, json={"token": str(self.token)})
        if request.method != "GET":
            client = f"client={request.headers['Prefect-Csrf-Client']}".encode()
            known = (request.headers["Prefect-Csrf-Token"], client) == (
                str(self.token),
                self.client,
            )
            if not known or not self.left:
                return httpx.Response(403)
            self.left -= 1
        self.done.append((request.method, request.read()))
        return httpx.Response(200)


@pytest.mark.parametrize("uses", [1, 2, 10])
def test_who_signs_in_is_answered_and_asks_for_a_new_token_when_the_old_one_ends(uses):
    server = Server(uses)
    api = "http://127.0.0.1:4201/api"
    transport = httpx.MockTransport(server.answer)
    with httpx.Client(base_url=api, transport=transport, auth=SignedIn(api, "ann:her")) as http:
        for number in range(4):
            assert http.post("/flows/", content=b"%d" % number).status_code == 200
        assert http.get("/flows/").status_code == 200
    assert server.done == [*(("POST", b"%d" % n) for n in range(4)), ("GET", b"")]
    assert server.token == -(-4 // uses)


def test_who_does_not_know_it_is_refused():
    server = Server(uses=1)
    api = "http://127.0.0.1:4201/api"
    transport = httpx.MockTransport(server.answer)
    with httpx.Client(base_url=api, transport=transport, auth=SignedIn(api, "ann:x")) as http:
        assert http.post("/flows/").status_code == 401
    assert server.done == []
