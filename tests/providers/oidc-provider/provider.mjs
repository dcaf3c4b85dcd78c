// Starts oidc-provider, an OpenID provider that is independent of Gatepost, on a free loopback port.
//
// Every line on standard input is one JSON object. The first is the configuration:
//   clients         client metadata, as oidc-provider takes it
//   people          login -> claims. The login is the `sub` too; any password opens the account
//   pkce_required   whether a client must send a challenge (default true)
//   claims_in_id_token   whether claims appear there too, and not in userinfo alone (default false)
//   template_scope    whether there is a scope `mailcow_template` (default true)
//   trailing_slashes  whether the endpoints lie where authentik has them (default false)
//   for_load    whether it keeps all that it gives out, signs by RS256 and ES256 alone, and always
//               gives refresh tokens and rotates them (default false)
// Any later line replaces `people`, and is acknowledged by its own `turn`. When the input ends, so
// does the provider: it cannot outlive the test that started it.
//
// Prints `ready ISSUER` once it listens, and `people TURN` for each later line.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { Provider } from 'oidc-provider';
import { Everything } from './everything.mjs';

const own = (claims, name) => (Object.hasOwn(claims, name) ? claims[name] : undefined);

function jwk(type, options) {
  return { ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), use: 'sig' };
}

const likeAuthentik = {
  authorization: '/application/o/authorize/',
  token: '/application/o/token/',
  userinfo: '/application/o/userinfo/',
};

/** What clients may register as `id_token_signed_response_alg` and for userinfo. */
const SIGNED_BY = [
  'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'EdDSA',
];

function start(config, people, server) {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const signedBy = config.for_load ? ['RS256', 'ES256'] : SIGNED_BY;
  const template = (config.template_scope ?? true) ? ['mailcow_template'] : [];
  const provider = new Provider(issuer, {
    clients: config.clients,
    findAccount(_context, login) {
      const claims = own(people(), login);
      return claims && { accountId: login, claims: () => ({ ...claims, sub: login }) };
    },
    scopes: ['openid', 'offline_access', 'profile', 'email', 'groups', ...template],
    claims: {
      profile: ['name', 'preferred_username'],
      email: ['email', 'email_verified'],
      groups: ['groups'],
      ...Object.fromEntries(template.map((name) => [name, [name]])),
    },
    ...(config.trailing_slashes && { routes: likeAuthentik }),
    conformIdTokenClaims: !config.claims_in_id_token,
    cookies: { keys: [randomBytes(16).toString('hex')] },
    enabledJWA: { idTokenSigningAlgValues: signedBy, userinfoSigningAlgValues: signedBy },
    features: {
      devInteractions: { enabled: true },
      introspection: { enabled: true },
      jwtUserinfo: { enabled: true },
      revocation: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      backchannelLogout: { enabled: true },
    },
    jwks: {
      keys: [
        jwk('rsa', { modulusLength: 2048 }),
        jwk('ec', { namedCurve: 'P-256' }),
        ...(config.for_load ? [] : [jwk('ec', { namedCurve: 'P-384' }), jwk('ed25519')]),
      ],
    },
    // Clients live on loopback here, which the provider's own guard would not let it call.
    fetch: (url, { dispatcher, ...options }) => globalThis.fetch(url, options),
    pkce: { required: () => config.pkce_required ?? true },
    ...(config.for_load && {
      adapter: Everything,
      issueRefreshToken: () => true,
      rotateRefreshToken: true,
    }),
  });
  provider.on('server_error', (_context, error) => console.error(error));
  server.on('request', provider.callback());
  console.log(`ready ${issuer}`);
}

let people;
for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line);
  const first = people === undefined;
  people = message.people;
  if (first) {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => start(message, () => people, server));
  } else {
    console.log(`people ${message.turn}`);
  }
}
process.exit(0);
