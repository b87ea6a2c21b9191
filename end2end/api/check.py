"""Tries the programming interface out against its own document, with schemathesis.

    check.py PROGRAMS [EXAMPLES]

PROGRAMS is the folder with `tenantry` and `m365-sandbox`. They are started as the demo is, with its companies, two of
which are connected: once on SQLite, and once on PostgreSQL. EXAMPLES (default 40) is how many inputs each operation is
tried with. The inputs are the same each time. Ends with a line that counts the operations, and the sequences of them:
"38 passed, 0 failed".
"""

import html
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from urllib.parse import urljoin

import requests

HERE = Path(__file__).resolve().parent
OWNER = {"email": "owner@demo.test", "password": "tenantry-demo"}
SCOPES = [
    "companies:read", "companies:write", "connections:read", "connections:sync", "links:read", "links:write",
    "activity:read", "data:read",
]
SEED = "1"
PATIENCE = 60


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until(what, ask):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if (answer := ask()) is not None:
                return answer
        except requests.RequestException:
            pass
        time.sleep(0.1)
    sys.exit(f"{what} within {PATIENCE} seconds")


def answered(url):
    answer = requests.get(url, timeout=5)
    return answer if answer.ok else None


def connect(browser, url, company, account):
    """Signs in at the sandbox as an administrator, and accepts what is asked."""
    page = browser.get(f"{url}/connect/start?company={company}", headers={"sec-fetch-site": "same-origin"}, timeout=30)
    for marker, fields in [
        ('name="password"', {"email": account["email"], "password": account["password"]}),
        ('value="accept"', {"decision": "accept"}),
    ]:
        form = next((form for form in page.text.split("<form ")[1:] if marker in form), None)
        if form is None:
            continue
        form = form.split("</form>")[0]
        hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form)
        values = {name: html.unescape(value) for name, value in hidden} | fields
        action = html.unescape(re.search(r'action="([^"]*)"', form).group(1))
        page = browser.post(urljoin(page.url, action), data=values, timeout=30)
    if "is connected" not in page.text:
        sys.exit(f"{company} could not be connected: {page.text[:500]}")


def counted(report):
    """How many operations passed and failed, by schemathesis's report."""
    passed = failed = 0
    for case in ElementTree.parse(report).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        else:
            passed += 1
    return passed, failed


def main(programs, examples):
    on_sqlite = try_out(Path(programs), examples, {})
    script = HERE.parent.parent / "server" / "tests" / "postgres.sh"
    # The cluster ends when its standard input does.
    with subprocess.Popen([script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as cluster:
        database = cluster.stdout.readline().strip()
        if not database:
            sys.exit("PostgreSQL does not start")
        on_postgresql = try_out(Path(programs), examples, {"TENANTRY_DATABASE_URL": database})
        cluster.stdin.close()
    passed, failed = (sum(counts) for counts in zip(on_sqlite, on_postgresql))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def try_out(programs, examples, settings):
    """Starts everything, tries all operations out, and answers how many passed and failed."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        port, sandbox_port = free_port(), free_port()
        url, sandbox = f"http://localhost:{port}", f"http://127.0.0.1:{sandbox_port}"
        running = []

        def start(name, arguments, environment=None):
            log = open(folder / f"{name}.log", "w")
            program = subprocess.Popen([programs / name, *arguments], env=environment, stdout=log, stderr=log)
            running.append(program)
            return program

        try:
            start("m365-sandbox", [
                "--listen", f"127.0.0.1:{sandbox_port}", "--seed", "1", "--redirect-uri", f"{url}/connect/callback",
            ])
            app = wait_until("The sandbox does not start", lambda: answered(f"{sandbox}/_sandbox/app")).json()
            environment = os.environ | {
                "TENANTRY_LISTEN": f"127.0.0.1:{port}",
                "TENANTRY_PUBLIC_URL": url,
                "TENANTRY_DATA_DIR": str(folder / "data"),
                "TENANTRY_M365_LOGIN_URL": sandbox,
                "TENANTRY_M365_GRAPH_URL": sandbox,
                "TENANTRY_M365_CLIENT_ID": app["client_id"],
                "TENANTRY_M365_CLIENT_SECRET": app["client_secret"],
                # How much a token may ask is tried out elsewhere.
                "TENANTRY_API_REQUESTS": "1000000",
                "TENANTRY_ADDRESS_REQUESTS": "1000000",
            } | settings
            tenantry = programs / "tenantry"
            companies = HERE.parent / "demo" / "companies.csv"
            subprocess.run([tenantry, "companies", "import", companies], env=environment, check=True)
            add = [tenantry, "accounts", "add", "--email", OWNER["email"], "--role", "owner", "--name", "Demo Owner"]
            subprocess.run([*add, "--password-stdin"], env=environment, check=True, input=OWNER["password"], text=True)
            server = start("tenantry", ["serve"], environment)
            wait_until("The server does not start", lambda: answered(f"http://127.0.0.1:{port}/readyz"))

            browser = requests.Session()
            browser.post(f"{url}/api/sessions/sign-in", json={"credentials": OWNER}, timeout=30).raise_for_status()
            made = browser.post(
                f"{url}/api/api-tokens/create", json={"name": "schemathesis", "scopes": SCOPES, "days": 30}, timeout=30
            )
            made.raise_for_status()
            token = made.json()["token"]
            listed = browser.get(f"{url}/api/companies/list", timeout=30).json()["rows"]
            by_domain = {company.get("domain"): company["id"] for company in listed}
            tenants = requests.get(f"{sandbox}/_sandbox/tenants", timeout=30).json()
            for tenant in [tenant for tenant in tenants if tenant["domain"] in by_domain][:2]:
                connect(browser, url, by_domain[tenant["domain"]], tenant["accounts"][0])
            browser.cookies.clear()

            def whole():
                answer = requests.get(
                    f"{url}/api/v1/secure-scores", headers={"authorization": f"Bearer {token}"}, timeout=30
                )
                scores = answer.json()["data"]
                return scores if len(scores) == 2 and all(score["as_of"] for score in scores) else None

            wait_until("The companies are not read", whole)

            report = folder / "report.xml"
            command = [
                sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml"), "run",
                f"{url}/api/v1/openapi.json", "--checks", "all", "--seed", SEED, "--max-examples", examples,
                "--report", "junit", "--report-junit-path", str(report), "--no-color",
            ]
            tried = subprocess.run(command, env=os.environ | {"TENANTRY_TOKEN": token}, cwd=folder)
            passed, failed = counted(report) if report.exists() else (0, 1)
            if server.poll() is not None or "panicked" in (folder / "tenantry.log").read_text():
                print((folder / "tenantry.log").read_text()[-4_000:])
                failed += 1
            # Something is wrong that no operation is blamed for.
            if tried.returncode != 0 and failed == 0:
                failed = 1
            return passed, failed
        finally:
            for program in reversed(running):
                program.terminate()
            for program in running:
                try:
                    program.wait(10)
                except subprocess.TimeoutExpired:
                    program.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "40"))
