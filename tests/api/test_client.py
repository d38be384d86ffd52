"""A client that we did not write (fhirpy), against a real uvicorn process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from fhirpy import AsyncFHIRClient
from fhirpy.base.exceptions import OperationOutcome, ResourceNotFound


@dataclass(frozen=True)
class Server:
    """Where the process listens, and a token for it."""

    base: str
    token: str

    @property
    def client(self) -> AsyncFHIRClient:
        return AsyncFHIRClient(self.base, authorization=f"Bearer {self.token}")


@pytest_asyncio.fixture
async def server(database_url: str, tmp_path: Path) -> AsyncIterator[Server]:
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("serve.py")), database_url, str(tmp_path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    port, token = process.stdout.readline().decode().split()
    yield Server(f"http://127.0.0.1:{port}/fhir", token)
    process.terminate()
    process.wait(20)
    process.stdout.close()


async def test_fhirpy_creates_searches_updates_patches_and_deletes(server: Server) -> None:
    client = server.client
    patient = client.resource(
        "Patient", name=[{"family": "王", "given": ["康"]}], gender="male", birthDate="1948-05-06"
    )
    await patient.save()
    assert patient.id
    found = await client.resources("Patient").search(name="王", gender="male").fetch_all()
    assert [one.id for one in found] == [patient.id]
    patient["gender"] = "other"
    await patient.save()
    assert patient["meta"]["versionId"] == "2"
    await patient.patch(birthDate="1948-05-07")
    again = await client.reference("Patient", patient.id).to_resource()
    assert (again["gender"], again["birthDate"]) == ("other", "1948-05-07")
    later = client.resources("Patient").search(birthdate__gt="1948-01-01", _total="accurate")
    assert (await later.fetch_raw())["total"] == 1
    await patient.delete()
    with pytest.raises(ResourceNotFound):
        await client.reference("Patient", patient.id).to_resource()


async def test_fhirpy_pages_includes_and_sees_outcomes(server: Server) -> None:
    client = server.client
    organisation = client.resource("Organization", id="chc", name="中心")
    await organisation.save()
    for number in range(7):
        patient = client.resource(
            "Patient", id=f"p{number}", managingOrganization=organisation.to_reference()
        )
        await patient.save()
    pages = client.resources("Patient").limit(3).sort("_id")
    assert [one.id async for one in pages] == [f"p{number}" for number in range(7)]
    bundle = await client.resources("Patient").limit(2).include("Patient", "organization").fetch_raw()
    assert [one["search"]["mode"] for one in bundle["entry"]] == ["match", "match", "include"]
    with pytest.raises(OperationOutcome):
        await client.resources("Patient").search(shoe_size="43").fetch()


async def test_an_upload_of_200_mb_gets_its_answer_and_the_server_stays_small(server: Server) -> None:
    def body() -> object:
        for _ in range(200):
            yield b" " * 1_000_000

    with httpx.Client(timeout=60) as client:
        answer = client.post(
            f"{server.base}/Patient",
            content=body(),  # type: ignore[arg-type]
            headers={"Authorization": f"Bearer {server.token}", "Content-Type": "application/fhir+json",
                     "Content-Length": "200000000"},
        )  # fmt: skip
        assert answer.status_code == 413
        assert answer.json()["issue"][0]["code"] == "too-long"
        after = client.get(f"{server.base}/metadata")
        assert after.status_code == 200
