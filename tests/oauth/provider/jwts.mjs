// An OpenID provider for tests: oidc-provider whose access tokens are JWTs for the audience `vault`.
// The clients mary and mallory stand for people with mary's address, which is verified for mary alone,
// and say that they have signed in this moment.
// POST /rotate makes it sign with a new key, and publish no other. Prints its port; keeps nothing.
import { createServer } from 'node:http';
import { generateKeyPairSync } from 'node:crypto';
import { Provider } from 'oidc-provider';

let handle;
let keys = 0;
const people = { mary: true, mallory: false };
const server = createServer((request, response) => {
  if (request.url !== '/rotate') return handle(request, response);
  rotate();
  return response.end('{}');
});

function rotate() {
  keys += 1;
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = { ...privateKey.export({ format: 'jwk' }), kid: `key-${keys}`, use: 'sig', alg: 'ES256' };
  const provider = new Provider(`http://127.0.0.1:${server.address().port}`, {
    jwks: { keys: [key] },
    clients: ['ci', 'ada', 'eve', ...Object.keys(people)].map((name) => ({
      client_id: name,
      client_secret: 'secret',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      id_token_signed_response_alg: 'ES256',
    })),
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => 'urn:vault',
        getResourceServerInfo: () => ({
          scope: 'api',
          audience: 'vault',
          accessTokenTTL: 600,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
    scopes: ['api'],
    extraTokenClaims: (ctx, { clientId }) => clientId in people ? {
      email: 'mary@example.com',
      email_verified: people[clientId],
      auth_time: Math.floor(Date.now() / 1000),
    } : undefined,
    enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
    cookies: { keys: ['tests'] },
  });
  handle = provider.callback();
}

server.listen(0, '127.0.0.1', () => {
  rotate();
  console.log(server.address().port);
});
