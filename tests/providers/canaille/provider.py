"""Starts Canaille, an OpenID provider that is independent of Gatepost, on a free loopback port.

Runs in a directory of its own, where the database goes. Every line on standard input is one JSON
object. The first is the configuration:
  clients    client_id, client_secret, redirect_uris, token_endpoint_auth_method; `audience` false
             registers the client without one, which is what its own forms do by default
  people     login -> claims: `email`, `name` and `groups`, which is all that it knows of a person
  password   everybody's
Any later line replaces `people`, and is acknowledged by its own `turn`. When the input ends, so
does the provider: it cannot outlive the test that started it.

Prints `ready ISSUER` once it listens, and `people TURN` for each later line.
"""

import asyncio
import json
import os
import secrets
import socket
import sys
import threading

from asgiref.wsgi import WsgiToAsgi
from canaille import create_app
from canaille.app import models
from canaille.backends import Backend
from hypercorn.asyncio import serve
from hypercorn.config import Config

KNOWN = {"email", "name", "groups"}


def application(host):
    return create_app(
        config={
            "SECRET_KEY": secrets.token_hex(16),
            "SERVER_NAME": host,
            "PREFERRED_URL_SCHEME": "http",
            "CANAILLE": {"DATABASE": "sql", "ENABLE_REGISTRATION": False},
            "CANAILLE_SQL": {"DATABASE_URI": f"sqlite:///{os.getcwd()}/canaille.db"},
            "CANAILLE_OIDC": {},
        }
    )


def add_clients(clients):
    for metadata in clients:
        audience = metadata.pop("audience", True)
        client = models.Client(
            **metadata,
            client_name=metadata["client_id"],
            client_uri="https://mail.example.com",
            grant_types=["authorization_code", "refresh_token"],
            response_types=["code"],
            scope=["openid", "profile", "email", "groups"],
        )
        Backend.instance.save(client)
        if audience:
            client.audience = [client]
            Backend.instance.save(client)


def set_people(people, password):
    """Makes everybody what `people` says; who is not in it is gone."""
    for user in Backend.instance.query(models.User):
        if user.user_name not in people:
            Backend.instance.delete(user)
    members = {}
    for login, claims in people.items():
        unknown = set(claims) - KNOWN
        if unknown:
            raise SystemExit(f"Canaille has no place for {sorted(unknown)}")
        user = Backend.instance.get(models.User, user_name=login)
        user = user or models.User(user_name=login, family_name=login, password=password)
        user.formatted_name = claims.get("name", login)
        user.emails = [claims["email"]]
        Backend.instance.save(user)
        for group in claims.get("groups", []):
            members.setdefault(group, []).append(user)
    for group in Backend.instance.query(models.Group):
        if group.display_name not in members:
            Backend.instance.delete(group)
    for name, users in members.items():
        group = Backend.instance.get(models.Group, display_name=name)
        group = group or models.Group(display_name=name)
        group.members = users
        Backend.instance.save(group)


def obey(app, password):
    """Reads what changes, until the test that started us is gone."""
    for line in sys.stdin:
        message = json.loads(line)
        with app.app_context(), Backend.instance.session():
            set_people(message["people"], password)
        print("people", message["turn"], flush=True)
    os._exit(0)


def main():
    setup = json.loads(sys.stdin.readline())
    listener = socket.create_server(("127.0.0.1", 0))
    host = f"127.0.0.1:{listener.getsockname()[1]}"
    app = application(host)
    with app.app_context(), Backend.instance.session():
        add_clients(setup["clients"])
        set_people(setup["people"], setup["password"])
    threading.Thread(target=obey, args=(app, setup["password"]), daemon=True).start()
    config = Config.from_mapping(bind=[f"fd://{listener.fileno()}"], workers=1)
    print(f"ready http://{host}", flush=True)
    asyncio.run(serve(WsgiToAsgi(app), config))


main()
