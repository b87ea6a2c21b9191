"""A mail server for the tests (aiosmtpd).

Usage: smtp.py plain|starttls|tls [certificate key [user password]]

Prints a line with its port, then each mail that it took as a line of JSON. A line with a number on its standard input
makes it refuse the next mails with that code, "hold" take them and say so only after the next line, an empty one take
them again. It ends with its standard input.
"""

import asyncio
import json
import logging
import ssl
import sys
from email import policy
from email.parser import BytesParser

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

# It warns of what it does itself.
logging.getLogger("mail.log").setLevel(logging.ERROR)

MODE, *REST = sys.argv[1:]
CERTIFICATE, LOGIN = REST[:2], REST[2:]


class Handler:
    refusal = ""

    async def handle_DATA(self, server, session, envelope):
        if self.refusal and self.refusal != "hold":
            return f"{self.refusal} not now, {LOGIN[1] if LOGIN else ''}"
        mail = BytesParser(policy=policy.default).parsebytes(envelope.content)
        parts = {part.get_content_type(): part.get_content() for part in mail.walk() if not part.is_multipart()}
        login = session.auth_data
        taken = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "header_to": mail["To"],
            "reply_to": mail["Reply-To"],
            "subject": mail["Subject"],
            "plain": parts.get("text/plain"),
            "html": parts.get("text/html"),
            "tls": MODE == "tls" or session.ssl is not None,
            "user": login.login.decode() if login else None,
        }
        print(json.dumps(taken), flush=True)
        while self.refusal == "hold":
            await asyncio.sleep(0.02)
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    right = isinstance(data, LoginPassword) and [data.login.decode(), data.password.decode()] == LOGIN
    return AuthResult(success=right, handled=False, auth_data=data)


async def main():
    loop = asyncio.get_running_loop()
    handler = Handler()
    context = None
    if CERTIFICATE:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*CERTIFICATE)

    def connection():
        return SMTP(
            handler,
            enable_SMTPUTF8=True,
            tls_context=context if MODE == "starttls" else None,
            require_starttls=MODE == "starttls",
            authenticator=authenticate if LOGIN else None,
            auth_required=bool(LOGIN),
            auth_require_tls=MODE == "starttls",
        )

    server = await loop.create_server(connection, "127.0.0.1", 0, ssl=context if MODE == "tls" else None)
    print(server.sockets[0].getsockname()[1], flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        handler.refusal = line.strip()


asyncio.run(main())
