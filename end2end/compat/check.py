"""Microsoft's own clients against the sandbox: only base URLs and the trusted certificate differ from real use.

Usage: python check.py path/to/m365-sandbox
"""

import asyncio
import datetime
import html.parser
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import traceback
import urllib.parse
from pathlib import Path

import httpx
import jwt
import msal
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from kiota_abstractions.authentication import AccessTokenProvider, AllowedHostsValidator, BaseBearerTokenAuthenticationProvider
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.security.secure_scores.secure_scores_request_builder import SecureScoresRequestBuilder
from msgraph.generated.users.users_request_builder import UsersRequestBuilder
from msgraph_core import GraphClientFactory
from msgraph_core.tasks import PageIterator

REDIRECT = "http://localhost:9/connect/callback"
SECRET = "compat-secret"
CLIENT = "0f6b5d3a-52c1-4b0e-9c60-0d8f9a3b7c11"
DOMAIN = "meridianhealth.test"
DEFAULT_SCOPE = "https://graph.microsoft.com/.default"


class Forms(html.parser.HTMLParser):
    """The forms of a page: where each goes, and its hidden fields."""

    def __init__(self, page):
        super().__init__()
        self.forms = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "form":
            self.forms.append((attrs["action"], {}))
        elif tag == "input" and attrs.get("type") == "hidden":
            self.forms[-1][1][attrs["name"]] = attrs["value"]


class Browser:
    """Somebody who signs in: cookies, forms, and no redirect followed out of the sandbox."""

    def __init__(self, base, certificate):
        self.base = base
        self.session = requests.Session()
        self.session.verify = certificate

    def open(self, url):
        return self.session.get(url, allow_redirects=False)

    def submit(self, page, **fields):
        action, hidden = Forms(page.text).forms[0]
        return self.session.post(self.base + action, data={**hidden, **fields}, allow_redirects=False)

    def sign_in(self, page, email, password):
        return self.submit(page, email=email, password=password)

    @staticmethod
    def answer(response):
        """What the app would get at its redirect URI."""
        location = response.headers["location"]
        assert location.startswith(REDIRECT), location
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(location).query))


def make_certificate(folder):
    """A certificate for private_key_jwt: its PEM file, the key, the SHA-1 and the SHA-256 thumbprint."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "compat")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    file = folder / "client.pem"
    file.write_bytes(pem)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return file, private, pem.decode(), certificate.fingerprint(hashes.SHA1()).hex()


class Checks:
    """Runs the checks one after the other; a later one may use what an earlier one found."""

    def __init__(self, base, certificate, client):
        self.base = base
        self.certificate = certificate
        self.private_key, self.client_pem, self.thumbprint = client
        self.browser = Browser(base, certificate)
        tenants = requests.get(f"{base}/_sandbox/tenants", verify=certificate).json()
        self.tenant = next(tenant for tenant in tenants if tenant["domain"] == DOMAIN)
        self.admin = self.tenant["accounts"][0]

    def app(self, tenant, credential=SECRET):
        """MSAL asks Microsoft about hosts that it does not know; `instance_discovery=False` is its own way out."""
        return msal.ConfidentialClientApplication(
            CLIENT,
            client_credential=credential,
            authority=f"{self.base}/{tenant}",
            instance_discovery=False,
            verify=self.certificate,
        )

    def admin_consent(self):
        query = urllib.parse.urlencode(
            {"client_id": CLIENT, "redirect_uri": REDIRECT, "scope": DEFAULT_SCOPE, "state": "s"}
        )
        page = self.browser.open(f"{self.base}/organizations/v2.0/adminconsent?{query}")
        page = self.browser.sign_in(page, self.admin["email"], self.admin["password"])
        answer = self.browser.answer(self.browser.submit(page, decision="accept"))
        assert answer["admin_consent"] == "True" and answer["tenant"] == self.tenant["id"], answer

    def msal_authorization_code(self):
        app = self.app("organizations")
        flow = app.initiate_auth_code_flow([DEFAULT_SCOPE], redirect_uri=REDIRECT, prompt="login")
        page = self.browser.open(flow["auth_uri"])
        answer = self.browser.answer(self.browser.sign_in(page, self.admin["email"], self.admin["password"]))
        result = app.acquire_token_by_auth_code_flow(flow, answer)
        assert "access_token" in result, result
        assert result["id_token_claims"]["tid"] == self.tenant["id"]
        self.code_app, self.id_token = app, result["id_token"]
        self.delegated_token = result["access_token"]

    def msal_refresh(self):
        account = self.code_app.get_accounts()[0]
        assert account["username"] == self.admin["email"], account
        cached = self.code_app.acquire_token_silent([DEFAULT_SCOPE], account=account)
        assert cached["access_token"] == self.delegated_token
        fresh = self.code_app.acquire_token_silent([DEFAULT_SCOPE], account=account, force_refresh=True)
        assert fresh and fresh["access_token"] != self.delegated_token, fresh

    def msal_client_credentials_with_a_secret(self):
        result = self.app(self.tenant["id"]).acquire_token_for_client([DEFAULT_SCOPE])
        assert "access_token" in result, result
        self.token = result["access_token"]

    def msal_client_credentials_with_a_certificate(self):
        credential = {"private_key": self.private_key, "public_certificate": self.client_pem}
        result = self.app(self.tenant["id"], credential).acquire_token_for_client([DEFAULT_SCOPE])
        assert "access_token" in result, result

    def msal_client_credentials_with_a_sha1_thumbprint(self):
        credential = {"private_key": self.private_key, "thumbprint": self.thumbprint}
        result = self.app(self.tenant["id"], credential).acquire_token_for_client([DEFAULT_SCOPE])
        assert "access_token" in result, result

    def msal_reads_a_refusal(self):
        result = self.app(self.tenant["id"], "wrong").acquire_token_for_client([DEFAULT_SCOPE])
        assert result["error"] == "invalid_client" and result["error_codes"] == [7000215], result

    def pyjwt_verifies_the_id_token(self):
        context = ssl.create_default_context(cafile=self.certificate)
        metadata = requests.get(
            f"{self.base}/{self.tenant['id']}/v2.0/.well-known/openid-configuration", verify=self.certificate
        ).json()
        keys = jwt.PyJWKClient(metadata["jwks_uri"], ssl_context=context)
        claims = jwt.decode(
            self.id_token,
            keys.get_signing_key_from_jwt(self.id_token),
            algorithms=["RS256"],
            audience=CLIENT,
            issuer=metadata["issuer"],
            options={"require": ["exp", "iat", "nbf", "iss", "aud", "sub"]},
        )
        assert claims["ver"] == "2.0" and claims["preferred_username"] == self.admin["email"], claims

    def graph(self):
        """The Graph SDK with the token that MSAL got; its base URL and its trusted certificate are ours."""
        token = self.token
        host = urllib.parse.urlsplit(self.base).hostname

        class Token(AccessTokenProvider):
            async def get_authorization_token(self, uri, additional_authentication_context=None):
                return token

            def get_allowed_hosts_validator(self):
                return AllowedHostsValidator([host])

        context = ssl.create_default_context(cafile=self.certificate)
        http = GraphClientFactory.create_with_default_middleware(client=httpx.AsyncClient(verify=context))
        adapter = GraphRequestAdapter(BaseBearerTokenAuthenticationProvider(Token()), client=http)
        adapter.base_url = f"{self.base}/v1.0"
        return GraphServiceClient(request_adapter=adapter), adapter

    async def graph_sdk_users_with_paging(self):
        client, adapter = self.graph()
        parameters = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
            top=999, select=["id", "displayName", "userPrincipalName", "assignedLicenses", "createdDateTime"]
        )
        configuration = UsersRequestBuilder.UsersRequestBuilderGetRequestConfiguration(query_parameters=parameters)
        first = await client.users.get(request_configuration=configuration)
        assert len(first.value) == 999 and first.odata_next_link
        found = []
        pages = PageIterator(first, adapter)
        await pages.iterate(lambda user: found.append(user.id) or True)
        assert len(set(found)) == self.tenant["users"], len(set(found))
        assert first.value[0].user_principal_name == self.admin["email"]
        assert isinstance(first.value[0].created_date_time, datetime.datetime)

    async def graph_sdk_subscribed_skus(self):
        client, _ = self.graph()
        skus = (await client.subscribed_skus.get()).value
        assert skus and all(sku.prepaid_units is not None and sku.sku_part_number for sku in skus)

    async def graph_sdk_domains(self):
        client, _ = self.graph()
        domains = (await client.domains.get()).value
        assert {domain.id for domain in domains if domain.is_default} == {DOMAIN}

    async def graph_sdk_secure_scores(self):
        client, _ = self.graph()
        parameters = SecureScoresRequestBuilder.SecureScoresRequestBuilderGetQueryParameters(top=5)
        configuration = SecureScoresRequestBuilder.SecureScoresRequestBuilderGetRequestConfiguration(
            query_parameters=parameters
        )
        scores = await client.security.secure_scores.get(request_configuration=configuration)
        assert len(scores.value) == 5 and scores.odata_next_link
        assert 0 < scores.value[0].current_score <= scores.value[0].max_score
        profiles = await client.security.secure_score_control_profiles.get()
        known = {profile.id for profile in profiles.value}
        assert {control.control_name for control in scores.value[0].control_scores} <= known

    def run(self):
        passed = failed = 0
        for check in (
            self.admin_consent,
            self.msal_authorization_code,
            self.msal_refresh,
            self.msal_client_credentials_with_a_secret,
            self.msal_client_credentials_with_a_certificate,
            self.msal_client_credentials_with_a_sha1_thumbprint,
            self.msal_reads_a_refusal,
            self.pyjwt_verifies_the_id_token,
            self.graph_sdk_users_with_paging,
            self.graph_sdk_subscribed_skus,
            self.graph_sdk_domains,
            self.graph_sdk_secure_scores,
        ):
            name = check.__name__.replace("_", " ")
            try:
                result = check()
                if asyncio.iscoroutine(result):
                    asyncio.run(result)
                passed += 1
                print(f"ok      {name}", flush=True)
            except Exception:  # a check that fails, for whatever reason, must not hide the others
                failed += 1
                print(f"FAILED  {name}\n{traceback.format_exc(chain=False)}", flush=True)
        print(f"{passed} passed, {failed} failed")
        return failed


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        client_file, *client = make_certificate(folder)
        server_file = folder / "server.pem"
        # For requests the environment goes before a session's `verify`, so it has to name our certificate too.
        os.environ["REQUESTS_CA_BUNDLE"] = str(server_file)
        os.environ["NO_PROXY"] = os.environ["no_proxy"] = "localhost,127.0.0.1"
        port = free_port()
        sandbox = subprocess.Popen(
            [
                *(sys.argv[1], "--listen", f"127.0.0.1:{port}", "--seed", "1", "--tls", "--tls-cert-out", server_file),
                *("--client-id", CLIENT, "--client-secret", SECRET, "--client-certificate", client_file),
                *("--redirect-uri", REDIRECT),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            ready = sandbox.stdout.readline()
            if "listening on https://" not in ready:
                print(f"the sandbox did not start: {ready}", file=sys.stderr)
                return 1
            return 1 if Checks(f"https://localhost:{port}", str(server_file), client).run() else 0
        finally:
            if sandbox.poll() is not None:
                print(f"the sandbox ended by itself with status {sandbox.returncode}", file=sys.stderr)
            sandbox.terminate()
            sandbox.wait(timeout=10)


if __name__ == "__main__":
    sys.exit(main())
