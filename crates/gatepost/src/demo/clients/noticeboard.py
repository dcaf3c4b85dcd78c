"""A sample web app of somebody else, which people sign in to with their mail account.

It knows OpenID Connect only: discovery, authorization code flow with PKCE, userinfo. It binds a
port on loopback and prints its address; then it reads one line of JSON from standard input: issuer,
client_id, client_secret. Nothing is kept when it ends.
"""

import base64
import hashlib
import hmac
import html
import http.cookies
import http.server
import json
import secrets
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

NAME = "Noticeboard"
COOKIE = "noticeboard"
SCOPES = "openid profile email"


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def fetch(url, form=None, headers=None):
    """The status and the JSON of an answer."""
    data = urllib.parse.urlencode(form).encode() if form is not None else None
    request = urllib.request.Request(url, data, headers or {})
    try:
        answer = urllib.request.urlopen(request, timeout=20)
    except urllib.error.HTTPError as error:
        answer = error
    body = answer.read()
    return answer.status, json.loads(body) if body else {}


class Refused(Exception):
    """The sign-in is not good."""


class Provider:
    """Gatepost, as this app knows it."""

    def __init__(self, known, redirect):
        self.issuer, self.client = known["issuer"], known["client_id"]
        self.secret, self.redirect = known["client_secret"], redirect
        status, self.says = fetch(f"{self.issuer}/.well-known/openid-configuration")
        if status != 200 or self.says["issuer"] != self.issuer:
            raise Refused("discovery names another issuer")

    def question(self, started):
        challenge = encoded(hashlib.sha256(started["verifier"].encode()).digest())
        asked = {"client_id": self.client, "redirect_uri": self.redirect, "response_type": "code",
                 "scope": SCOPES, "state": started["state"], "nonce": started["nonce"],
                 "code_challenge": challenge, "code_challenge_method": "S256"}
        return f"{self.says['authorization_endpoint']}?{urllib.parse.urlencode(asked)}"

    def redeem(self, started, answer):
        """From the answer to the question: tokens, claims of the ID token, userinfo."""
        if not hmac.compare_digest(answer.get("state", ""), started["state"]):
            raise Refused("that was the answer to another question")
        if answer.get("iss") != self.issuer:
            raise Refused("that was the answer of another provider")
        if "code" not in answer:
            raise Refused(answer.get("error", "no code"))
        pair = f"{urllib.parse.quote(self.client)}:{urllib.parse.quote(self.secret)}"
        basic = base64.b64encode(pair.encode()).decode()
        form = {"grant_type": "authorization_code", "code": answer["code"],
                "redirect_uri": self.redirect, "code_verifier": started["verifier"]}
        status, tokens = fetch(self.says["token_endpoint"], form,
                               {"Authorization": f"Basic {basic}"})
        if status != 200:
            raise Refused(f"no tokens: {tokens.get('error')}")
        claims = self.claims(tokens["id_token"], started)
        status, about = self.userinfo(tokens["access_token"])
        if status != 200 or about["sub"] != claims["sub"]:
            raise Refused("userinfo is not about the same person")
        return tokens, claims, about

    def claims(self, token, started):
        """What an ID token says. It came straight from the token endpoint, which vouches for it
        (OpenID Connect Core section 3.1.3.7, point 6); everything else is checked here."""
        part = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        right = (claims["iss"] == self.issuer and claims["aud"] == self.client
                 and claims["nonce"] == started["nonce"] and claims["exp"] > time.time())
        if not right:
            raise Refused("the ID token is not for this sign-in")
        return claims

    def userinfo(self, token):
        return fetch(self.says["userinfo_endpoint"], headers={"Authorization": f"Bearer {token}"})


class Visit(http.server.BaseHTTPRequestHandler):
    """One request of a browser."""

    provider = None
    sessions = {}

    def do_GET(self):
        path, _, query = self.path.partition("?")
        pages = {"/": self.start, "/sign-in": self.leave, "/callback": self.returned,
                 "/again": self.again, "/seen": self.seen}
        page = pages.get(path)
        if page is None:
            return self.show(404, "<p>There is no such page.</p>")
        return page(dict(urllib.parse.parse_qsl(query)))

    def session(self):
        cookies = http.cookies.SimpleCookie(self.headers.get("Cookie", ""))
        known = cookies[COOKIE].value if COOKIE in cookies else ""
        return self.sessions.get(known)

    def start(self, _):
        session = self.session()
        if session is None or "about" not in session:
            return self.show(200, "<p>Notices are for members.</p>"
                             "<p><a href='/sign-in'>Sign in with Gatepost</a></p>")
        rows = "".join(f"<tr><th>{html.escape(name)}<td>{html.escape(str(value))}"
                       for name, value in sorted(session["about"].items()))
        name = html.escape(session["about"].get("name", "you"))
        return self.show(200, f"<p>Hello {name}</p><table>{rows}</table>"
                         "<p><a href='/again'>Ask Gatepost again who I am</a></p>")

    def leave(self, _):
        started = {name: encoded(secrets.token_bytes(32)) for name in ("state", "nonce", "verifier")}
        key = encoded(secrets.token_bytes(32))
        self.sessions[key] = {"started": started}
        cookie = f"{COOKIE}={key}; HttpOnly; SameSite=Lax; Path=/"
        self.go(self.provider.question(started), ("Set-Cookie", cookie))

    def returned(self, answer):
        session = self.session()
        started = session.pop("started", None) if session else None
        if started is None:
            return self.show(400, "<p>This browser did not ask.</p>")
        try:
            tokens, claims, about = self.provider.redeem(started, answer)
        except (Refused, OSError, KeyError, ValueError) as error:
            return self.show(403, f"<p>Not signed in: {html.escape(str(error))}</p>")
        session.update(tokens=tokens, claims=claims, about=about)
        return self.go("/")

    def seen(self, _):
        """What the app holds, but for the tokens themselves."""
        session = self.session()
        if session is None or "tokens" not in session:
            return self.say({"signed_in": False})
        tokens = session["tokens"]
        return self.say({"signed_in": True, "claims": session["claims"], "about": session["about"],
                         "tokens": sorted(name for name in tokens if name.endswith("token")),
                         "scope": tokens["scope"], "expires_in": tokens["expires_in"]})

    def again(self, _):
        session = self.session()
        if session is None or "tokens" not in session:
            return self.say({"signed_in": False})
        status, about = self.provider.userinfo(session["tokens"]["access_token"])
        return self.say({"signed_in": True, "status": status, "answer": about})

    def say(self, content):
        self.answer(200, "application/json", json.dumps(content, indent=2))

    def show(self, status, body):
        self.answer(status, "text/html; charset=utf-8",
                    f"<!doctype html><html lang='en'><title>{NAME}</title><h1>{NAME}</h1>{body}")

    def go(self, where, *headers):
        self.answer(303, "text/plain", "", ("Location", where), *headers)

    def answer(self, status, kind, text, *headers):
        body = text.encode()
        self.send_response(status)
        for name, value in (("Content-Type", kind), ("Content-Length", len(body)),
                            ("Cache-Control", "no-store"), *headers):
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Codes stand in the addresses of requests: nothing is logged."""


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Visit)
    address = f"http://127.0.0.1:{server.server_address[1]}"
    print(address, flush=True)
    Visit.provider = Provider(json.loads(sys.stdin.readline()), f"{address}/callback")
    print("ready", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
