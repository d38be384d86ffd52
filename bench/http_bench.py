"""Requests per second of the running product over HTTP: sign-in, grant, validation, audit and feed on.

    python bench/http_bench.py [--patients 100] [--connections 16] [--seconds 10] [--db URL] [--out bench/results/http.jsonl]

Starts `kangshu serve` on an empty installation, fills it with transaction Bundles of 100 resources, then runs the
workloads of ../shared/bench/fhir_load.py (a client of its own process). One JSON row per workload; `cpu_ms_per_req`
counts the whole product, its database included, and is the figure to compare on a machine that others use too.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CLIENT = ROOT.parent / "shared" / "bench" / "fhir_load.py"
KANGSHU = Path(sys.executable).with_name("kangshu")
WORKLOADS = "read_patient,search_obs,search_ident,update_patient,create_patient,create_obs,transaction"


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def await_answer(base: str, server: subprocess.Popen[bytes]) -> None:
    """Return when the server answers; end the program when it has ended."""
    for _ in range(600):
        if server.poll() is not None:
            raise SystemExit(f"the server ended with {server.returncode}")
        try:
            urllib.request.urlopen(f"{base}/metadata", timeout=2).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
        else:
            return
    raise SystemExit("the server does not answer")


def main() -> None:
    """Run the measurement."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--patients", type=int, default=100)
    options.add_argument("--connections", default="16")
    options.add_argument("--seconds", type=float, default=10)
    options.add_argument("--run", default=WORKLOADS)
    options.add_argument("--db", default="")
    options.add_argument("--out", type=Path)
    given = options.parse_args()
    if not CLIENT.exists():
        raise SystemExit(f"the load client is not there: {CLIENT.name}")
    with tempfile.TemporaryDirectory(prefix="kangshu-bench-") as folder:
        Path(folder).chmod(0o755)  # the database's own account must reach its cluster below
        port = free_port()
        command = [KANGSHU, "serve", "--data-dir", f"{folder}/city", "--port", str(port)]
        server = subprocess.Popen([*command, *(["--db", given.db] if given.db else [])])
        try:
            base = f"http://127.0.0.1:{port}/fhir"
            await_answer(base, server)
            made = subprocess.run(
                [KANGSHU, "token", "create", "--account", "system", "--ttl", "5h", "--data-dir", f"{folder}/city"],
                check=True, capture_output=True, text=True,
            )  # fmt: skip
            token = made.stdout.split()[-1]
            client = [
                sys.executable, CLIENT, "--base", base, "--header", f"Authorization: Bearer {token}",
                "--state", f"{folder}/state.json", "--cpu", f"product={server.pid}", "--fill", str(given.patients),
                "--run", given.run, "--conns", given.connections, "--duration", str(given.seconds), "--warmup", "2",
            ]  # fmt: skip
            report(subprocess.run(client, check=True, capture_output=True, text=True).stdout, given.out)
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(60)


def report(printed: str, out: Path | None) -> None:
    """Print a table, and append the raw rows to `out` with what they were measured on."""
    rows = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    machine = {"commit": commit.stdout.strip(), "cores": os.cpu_count(), "python": platform.python_version()}
    print(
        f"{'workload':16} {'conns':>5} {'req/s':>8} {'res/s':>8} {'p50 ms':>8} {'p99 ms':>8} {'cpu ms':>8} {'errors':>6}"
    )
    for row in rows:
        spent = (row.get("cpu_ms_per_req") or {}).get("product", "")
        print(
            f"{row['workload']:16} {row['conns']:>5} {row.get('rps', ''):>8} {row.get('res_per_s', ''):>8} "
            f"{row['p50_ms']:>8} {row['p99_ms']:>8} {spent:>8} {row['errors']:>6}"
        )
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        with out.open("a", encoding="utf-8") as file:
            for row in rows:
                file.write(json.dumps({**machine, **row}) + "\n")


if __name__ == "__main__":
    main()
