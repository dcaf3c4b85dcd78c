"""Signs somebody in by Authlib, an implementation that is independent of Gatepost's, and then uses
the tokens up: refresh, introspection, revocation. It is strict: whatever a specification demands of
a provider is demanded here.

The first line on standard input is one JSON object: `issuer`, `client_id`, `client_secret`,
`redirect_uri` and `scope`. Prints `go URL` for the browser, reads the URL that the browser was sent
back to, and prints `saw` with one JSON object, or `refused` with the reason.
"""

import json
import os
import secrets
import sys
from urllib.parse import parse_qs, urlsplit

# The providers of tests listen on loopback without TLS.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

from authlib.integrations.requests_client import OAuth2Session  # noqa: E402
from authlib.oauth2 import rfc9207  # noqa: E402
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata  # noqa: E402
from authlib.oidc.core import CodeIDToken  # noqa: E402
from authlib.oidc.discovery import OpenIDProviderMetadata, get_well_known_url  # noqa: E402
from joserfc import jwt  # noqa: E402
from joserfc.jwk import KeySet  # noqa: E402
from joserfc.jws import JWSRegistry  # noqa: E402

TIMEOUT = 30


class Refused(Exception):
    """The provider did something that it must not do."""


def demand(what, holds):
    if not holds:
        raise Refused(what)


def one(parameters, name):
    """A parameter of the answer, which may be there once."""
    values = parameters.get(name, [])
    demand(f"the answer names {name} {len(values)} times", len(values) < 2)
    return values[0] if values else None


def discover(client, issuer):
    url = get_well_known_url(issuer, external=True)
    response = client.get(url, withhold_token=True, timeout=TIMEOUT)
    demand(f"discovery answers {response.status_code}", response.status_code == 200)
    metadata = OpenIDProviderMetadata(response.json())
    metadata.validate(metadata_classes=[rfc9207.AuthorizationServerMetadata])
    # What only RFC 8414 knows: revocation, introspection, PKCE.
    AuthorizationServerMetadata(metadata).validate()
    demand("discovery names another issuer", metadata["issuer"] == issuer)
    demand("no S256", "S256" in metadata.get("code_challenge_methods_supported", []))
    return metadata


def id_token(client, metadata, tokens, nonce=None, subject=None):
    """The claims of a verified ID token (OpenID Connect Core 3.1.3.7, and 12.2 for a refreshed one)."""
    keys = client.get(metadata["jwks_uri"], withhold_token=True, timeout=TIMEOUT)
    keys.raise_for_status()
    demand("the JWKS holds a private key", not any("d" in key for key in keys.json()["keys"]))
    registry = JWSRegistry(algorithms=metadata["id_token_signing_alg_values_supported"])
    token = jwt.decode(
        tokens["id_token"], KeySet.import_key_set(keys.json()), registry=registry
    )
    claims = CodeIDToken(
        token.claims,
        token.header,
        {
            "iss": {"essential": True, "value": metadata["issuer"]},
            "aud": {"essential": True, "value": client.client_id},
            **({"sub": {"essential": True, "value": subject}} if subject else {}),
        },
        {
            "nonce": nonce,
            "client_id": client.client_id,
            "access_token": tokens["access_token"],
        },
    )
    claims.validate(leeway=0)
    return token.header, dict(claims)


def userinfo(client, metadata, subject):
    response = client.get(metadata["userinfo_endpoint"], timeout=TIMEOUT)
    response.raise_for_status()
    person = response.json()
    demand("userinfo is somebody else's", person["sub"] == subject)
    return person


def introspect(client, metadata, token):
    response = client.introspect_token(
        metadata["introspection_endpoint"], token=token, token_type_hint="access_token"
    )
    response.raise_for_status()
    return response.json()


def sign_in(setup):
    client = OAuth2Session(
        setup["client_id"],
        setup["client_secret"],
        scope=setup["scope"],
        redirect_uri=setup["redirect_uri"],
        code_challenge_method="S256",
    )
    metadata = discover(client, setup["issuer"])
    verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
    # OpenID Connect Core 11: offline access is asked for with consent.
    offline = "offline_access" in setup["scope"].split()
    url, state = client.create_authorization_url(
        metadata["authorization_endpoint"],
        code_verifier=verifier,
        nonce=nonce,
        **({"prompt": "consent"} if offline else {}),
    )
    print("go", url, flush=True)

    answer = sys.stdin.readline().strip()
    parameters = parse_qs(urlsplit(answer).query, strict_parsing=True)
    issuer = one(parameters, "iss")
    promised = metadata.get("authorization_response_iss_parameter_supported", False)
    demand("the answer does not name its issuer", issuer or not promised)
    demand("the answer is another issuer's", issuer in (None, metadata["issuer"]))
    demand("the answer's state is not mine", one(parameters, "state") == state)
    error = one(parameters, "error")
    demand(f"no code but {error}", error is None)
    tokens = client.fetch_token(
        metadata["token_endpoint"],
        authorization_response=answer,
        state=state,
        code_verifier=verifier,
        timeout=TIMEOUT,
    )
    demand("not a Bearer token", tokens["token_type"].lower() == "bearer")
    header, claims = id_token(client, metadata, tokens, nonce=nonce)
    person = userinfo(client, metadata, claims["sub"])
    saw = {
        "discovery": dict(metadata),
        "answer_names_issuer": issuer is not None,
        "algorithm": header["alg"],
        "key_id": header.get("kid"),
        "id_token": claims,
        "userinfo": person,
        "expires_in": tokens.get("expires_in"),
        "scope": tokens.get("scope"),
    }
    if offline:
        saw |= use_up(client, metadata, dict(tokens), claims["sub"])
    return saw


def use_up(client, metadata, tokens, subject):
    """Refreshes the tokens, asks about them, and gives them back."""
    demand("no refresh token", "refresh_token" in tokens)
    refreshed = dict(client.refresh_token(metadata["token_endpoint"], timeout=TIMEOUT))
    demand("the same access token again", refreshed["access_token"] != tokens["access_token"])
    if "id_token" in refreshed:
        id_token(client, metadata, refreshed, subject=subject)
    userinfo(client, metadata, subject)
    alive = introspect(client, metadata, refreshed["access_token"])
    demand("the token just issued is not active", alive["active"] is True)
    strange = introspect(client, metadata, secrets.token_urlsafe(32))
    demand("a token that nobody issued says more than that", strange == {"active": False})
    latest = refreshed.get("refresh_token", tokens["refresh_token"])
    for token, hint in ((refreshed["access_token"], "access_token"), (latest, "refresh_token")):
        response = client.revoke_token(
            metadata["revocation_endpoint"], token=token, token_type_hint=hint
        )
        demand(f"revocation answers {response.status_code}", response.status_code == 200)
    dead = introspect(client, metadata, refreshed["access_token"])
    demand("a revoked token says more than that", dead == {"active": False})
    response = client.get(metadata["userinfo_endpoint"], timeout=TIMEOUT)
    demand(f"a revoked token: userinfo {response.status_code}", response.status_code == 401)
    challenge = response.headers.get("WWW-Authenticate", "")
    demand(f"a revoked token: {challenge!r}", 'error="invalid_token"' in challenge)
    return {
        "rotates": latest != tokens["refresh_token"],
        "refreshed_id_token": "id_token" in refreshed,
        "introspection": alive,
        "after_revocation": refresh_error(client, metadata, latest),
    }


def refresh_error(client, metadata, token):
    """What a refresh token that was given back leads to."""
    try:
        client.refresh_token(metadata["token_endpoint"], refresh_token=token, timeout=TIMEOUT)
    except Exception as error:  # noqa: BLE001 (Authlib's own classes differ from release to release)
        return getattr(error, "error", str(error))
    raise Refused("a revoked refresh token still works")


def main():
    try:
        saw = sign_in(json.loads(sys.stdin.readline()))
    except Exception as error:  # noqa: BLE001 (whatever it is, the test is to read it)
        print("refused", type(error).__name__, str(error).replace("\n", " "), flush=True)
        sys.exit(1)
    print("saw", json.dumps(saw), flush=True)


main()
